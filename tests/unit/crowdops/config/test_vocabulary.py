"""vocabulary: what has an explanation, and under which names it is found."""

import pytest

from crowdops.config import vocabulary
from crowdops.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("HEROKU_API_KEY", "HEROKU_API_KEY"),
        ("heroku_api_key", "HEROKU_API_KEY"),
        ("AWS_ENDPOINT_URL_MTURK", "endpoint"),
        ("CROWDOPS_TASK_REWARD", "task_reward"),
        ("--task-name", "task_name"),
        ("max-cost", "max_cost"),
        (" Orphan", "orphan"),
        ("comparator", "Comparator"),
    ],
)
def test_a_name_is_found_in_every_spelling(typed: str, name: str) -> None:
    assert vocabulary.find(typed).name == name


def test_every_key_of_a_qualification_is_explained() -> None:
    keys = ("QualificationTypeId", "Comparator", "IntegerValues", "LocaleValues")
    for key in (*keys, "RequiredToPreview", "ActionsGuarded"):
        assert vocabulary.find(key).kind == "word"


def test_what_is_not_known_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="under 'HEROKU_APIKEY'. Did you mean heroku_api_key?"):
        vocabulary.find("HEROKU_APIKEY")


def test_words_have_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("run", "x")
    assert vocabulary.value_of(vocabulary.find("run")).value is None


def test_what_other_libraries_read_has_the_value_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vocabulary.value_of(vocabulary.find("AWS_PROFILE")) == (None, "default")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert vocabulary.value_of(vocabulary.find("AWS_PROFILE")) == ("lab", "environment")


def test_nothing_is_shown_as_nothing_and_a_list_as_json() -> None:
    shown = [vocabulary.echo(name, value) for name, value in (("app_dir", None), ("qualifications", []))]
    assert shown == ["", ""]
    assert vocabulary.echo("qualifications", [{"Comparator": "Exists"}]) == '[{"Comparator": "Exists"}]'
    assert vocabulary.echo("no_submission_patience", 1800) == "1800 (30 min)"
