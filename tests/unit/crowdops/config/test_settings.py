"""Settings: where their values come from, and what is said of bad ones."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from crowdops import errors
from crowdops.config import declarations, environments, settings
from crowdops.config.settings import Value
from crowdops.errors import UsageError
from tests.support.scripts import invoke

SAMPLES = {"text": "abc", "path": "/tmp/x", "integer": "7", "number": "2.5", "money": "0.25"}


def resolve(**flags: str) -> settings.Settings:
    return settings.resolve(flags, quiet=False, verbose=False, as_json=False)


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a .env file that is in force once a test has written it."""
    path = tmp_path / "settings.env"
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(path))
    return path


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the home that every test has."""
    monkeypatch.delenv("CROWDOPS_HOME")


@pytest.mark.parametrize("setting", declarations.ALL, ids=lambda setting: setting.name)
@pytest.mark.usefixtures("forgotten")
def test_flags_beat_the_environment_and_so_on_down(
    setting: declarations.Setting, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting.name == "env_file":
        return  # says which file to read: it cannot come from there
    env_file.write_text(f"{setting.variable}=from-file\n")
    run = {setting.name: "from-run"}
    assert settings.lookup(setting, run=run) == Value("from-file", str(env_file))
    monkeypatch.setenv(setting.variable, "from-environment")
    assert settings.lookup(setting, run=run) == Value("from-environment", "environment")
    assert settings.lookup(setting, {setting.name: "from-flag"}, run) == Value("from-flag", "flag")
    monkeypatch.delenv(setting.variable)
    monkeypatch.setenv("CROWDOPS_ENV_FILE", os.devnull)
    assert settings.lookup(setting, run=run) == Value("from-run", "run.toml")
    assert settings.lookup(setting) == Value(setting.default, "default")


def test_the_env_file_never_overrides_the_environment(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text("CROWDOPS_TIMEOUT=11\nCROWDOPS_THREADS=3\n")
    monkeypatch.setenv("CROWDOPS_TIMEOUT", "22")
    found = resolve()
    assert (found.timeout, found.threads) == (22.0, 3)
    assert "CROWDOPS_THREADS" not in os.environ


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_an_env_file_of_any_editor_is_read(env_file: Path, ending: str) -> None:
    lines = ["CROWDOPS_TIMEOUT=11", "CROWDOPS_THREADS=3", ""]
    env_file.write_bytes(b"\xef\xbb\xbf" + ending.join(lines).encode())
    found = resolve()
    assert (found.timeout, found.threads) == (11, 3)


def test_an_env_file_is_read_as_it_is_written(env_file: Path) -> None:
    env_file.write_text(
        '# a comment\nexport CROWDOPS_TIMEOUT="12"\n\nAWS_ENDPOINT_URL_MTURK=http://127.0.0.1:1/$HOME\n'
    )
    found = resolve()
    assert found.timeout == 12
    assert found.endpoint == "http://127.0.0.1:1/$HOME"


def test_an_env_file_that_is_not_text_is_said(env_file: Path) -> None:
    env_file.write_bytes(b"CROWDOPS_TIMEOUT=\xff\xfe\n")
    with pytest.raises(UsageError, match=f"{env_file} is not UTF-8"):
        resolve()


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROWDOPS_TIMEOUT", "")
    assert resolve().timeout == 30


@pytest.mark.usefixtures("forgotten")
def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    found = resolve()
    assert found.environment == "local" and not found.amazon
    assert found.endpoint == "http://127.0.0.1:8730"
    assert found.home == tmp_path / "user" / ".crowdops"
    assert (found.timeout, found.threads) == (30, 32)


def test_each_environment_has_its_endpoint() -> None:
    assert resolve(environment="sandbox").endpoint.startswith("https://mturk-requester-sandbox.")
    assert resolve(environment="production").amazon
    os.environ["AWS_ENDPOINT_URL_MTURK"] = "http://127.0.0.1:99/"
    try:
        assert resolve(environment="sandbox").endpoint == resolve().endpoint == "http://127.0.0.1:99"
    finally:
        del os.environ["AWS_ENDPOINT_URL_MTURK"]


@pytest.mark.parametrize(
    "name,value,wanted",
    [
        ("timeout", "soon", "timeout 'soon' (from {}) is not a number above 0."),
        ("timeout", "0", "timeout '0' (from {}) is not a number above 0."),
        ("timeout", "nan", "timeout 'nan' (from {}) is not a number above 0."),
        ("poll_interval", "-1", "poll_interval '-1' (from {}) is not a number above 0."),
        ("threads", "1.5", "threads '1.5' (from {}) is not a whole number above 0."),
        ("threads", "0", "threads '0' (from {}) is not a whole number above 0."),
        ("environment", "prod", "environment 'prod' (from {}) is not one of local, sandbox, production."),
    ],
)
def test_a_bad_value_is_named_with_its_source(
    name: str, value: str, wanted: str, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complaint(flags: dict[str, str]) -> str:
        with pytest.raises(UsageError) as caught:
            resolve(**flags)
        return str(caught.value)

    variable = settings.find(name).variable
    env_file.write_text(f"{variable}={value}\n")
    assert complaint({}) == wanted.format(env_file)
    monkeypatch.setenv(variable, value)
    assert complaint({}) == wanted.format("environment")
    assert complaint({name: value}) == wanted.format("flag")


def test_more_threads_than_allowed_are_cut() -> None:
    assert resolve(threads="1000").threads == 32


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(
        UsageError, match="There is no setting or run parameter 'task_rewrad'. Did you mean task_reward?"
    ):
        settings.find("task_rewrad")
    with pytest.raises(UsageError, match=r"run parameter 'zzzz'\.$"):
        settings.find("zzzz")
    assert errors.nearest("sandbx", environments.ENVIRONMENTS) == " Did you mean sandbox?"


def test_a_home_is_absolute_and_may_start_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve(home="~/x").home == tmp_path / "user" / "x"
    assert resolve(home="here").home == tmp_path / "here"


@pytest.mark.parametrize("setting", declarations.ALL, ids=lambda setting: setting.name)
def test_wut_explains_each(
    setting: declarations.Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = invoke("local/wut", setting.name)
    assert result.exit_code == 0
    for text in (setting.name, setting.kind, setting.variable):
        assert text in result.stdout
    assert setting.help.split("'")[0][:40] in result.stdout


# Homes


@pytest.mark.parametrize(
    "home,said",
    [
        (
            "/srv/$HOME/crowdops",
            r"has a \$ or a ~ .* Did you mean .*/user/crowdops\?",
        ),
        ("/srv/${LAB}/crowdops", r"has a \$ or a ~ that stands for nothing here\. Write the whole path\.$"),
        ("/srv/~/crowdops", "has a .* that stands for nothing here"),
        ("~nobody-of-this-name/x", "nothing stands for ~nobody-of-this-name here. Write the whole path"),
        ("$HOME/crowdops", r"nothing stands for \$HOME here. Write the whole path, such as /"),
        ("crowdops", "is relative, so it would be another folder from each place.* such as /.*/crowdops"),
        ("./crowdops", "is relative"),
        ("   ", "is empty"),
        ("/" + "x" * 300, "File name too long"),
    ],
)
def test_a_home_that_would_be_another_folder_than_meant_is_refused(
    home: str, said: str, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CROWDOPS_HOME")
    env_file.write_text(f"CROWDOPS_HOME='{home}'\n")
    with pytest.raises(UsageError, match=said) as caught:
        resolve()
    assert str(env_file) in str(caught.value)
    monkeypatch.setenv("CROWDOPS_HOME", home)
    with pytest.raises(UsageError, match=said):
        resolve()


def test_an_empty_home_on_the_command_line_is_not_the_folder_one_is_in() -> None:
    with pytest.raises(UsageError, match=r"home '' \(from flag\) is empty"):
        resolve(home="")


def test_a_home_that_is_a_file_is_refused_and_a_folder_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file, and must be a folder"):
        resolve(home=str(tmp_path / "file"))
    odd = tmp_path / "a$b" / "~"
    odd.mkdir(parents=True)
    assert resolve(home=str(odd)).home == odd


def test_a_relative_home_on_the_command_line_is_said_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"The home is {tmp_path}/here\n" in invoke("local/print_runs", "--home", "here").stderr
    assert "The home" not in invoke("local/print_runs", "--home", "here", "--quiet").stderr


# Names and files that are wrong


@pytest.mark.parametrize(
    "name,meant",
    [
        ("CROWDOPS_HOEM", "CROWDOPS_HOME"),
        ("CROWDOPS_TIMEOUTS", "CROWDOPS_TIMEOUT"),
        ("CROWDOPS_TASK_REWRAD", "CROWDOPS_TASK_REWARD"),
        ("crowdops_home", "CROWDOPS_HOME"),
        ("AWS_ENDPOINT_URL_MTRUK", "AWS_ENDPOINT_URL_MTURK"),
        ("HEROKU_APIKEY", "HEROKU_API_KEY"),
        ("CROWD_DATABSE_URL", "CROWD_DATABASE_URL"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(
    name: str, meant: str, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text(f"{name}=x\n")
    with pytest.raises(UsageError, match=rf"{name} \(from {env_file}\).* Did you mean {meant}\?"):
        resolve()
    monkeypatch.setenv("CROWDOPS_ENV_FILE", os.devnull)
    monkeypatch.setenv(name, "x")
    result = invoke("local/print_runs")
    assert result.exit_code == 2
    assert f"{name} (from the environment)" in result.stderr and f"Did you mean {meant}?" in result.stderr


def test_names_of_others_are_left_alone(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "CROWD_DATABASE_URL", "MY_CROWDOPS_HOME", "CROWDOPS_MANAGED"):
        monkeypatch.setenv(name, "x")
    env_file.write_text("SOMETHING=else\nCROWDOPS_THREADS=3\n")
    assert resolve().threads == 3


def test_an_env_file_that_is_named_must_be_there(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke("local/print_runs")
    assert result.exit_code == 2
    assert f"CROWDOPS_ENV_FILE names {env_file}, and there is no such file." in result.stderr
    env_file.mkdir()
    with pytest.raises(UsageError, match=f"{env_file} cannot be read: Is a directory"):
        resolve()
    monkeypatch.setenv("CROWDOPS_ENV_FILE", "/" + "x" * 300)
    with pytest.raises(UsageError, match="File name too long"):
        resolve()


@pytest.mark.parametrize(
    "line", ["CROWDOPS_TIMEOUT: 12", "set CROWDOPS_TIMEOUT=12", "CROWDOPS_TIMEOUT", "CROWDOPS_TIMEOUT='12"]
)
def test_a_line_of_the_env_file_that_is_no_assignment_is_named(line: str, env_file: Path) -> None:
    env_file.write_text(f"# settings\n\nCROWDOPS_THREADS=3\n\n{line}\n")
    with pytest.raises(UsageError, match=f"{env_file}, line 5 is no assignment: write NAME=VALUE"):
        resolve()


def test_an_env_file_may_be_a_pipe(env_file: Path) -> None:
    os.mkfifo(env_file)
    threading.Thread(target=lambda: env_file.write_text("CROWDOPS_THREADS=3\n"), daemon=True).start()
    assert resolve().threads == 3


def test_a_selection_without_selectors_is_empty() -> None:
    chosen: list[Any] = [
        settings.Selection(),
        settings.Selection(("x",)),
        settings.Selection(all_runs=True),
    ]
    assert [selection.is_empty for selection in chosen] == [True, False, False]
