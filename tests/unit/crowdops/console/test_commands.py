"""commands: what messages propose, where there is a Makefile to type at and where there is none."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from crowdops.config import env_file
from crowdops.console import commands, output, tables
from crowdops.console.tables import Look
from tests.support import makes, messages


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The suite is at work from an installation."""
    monkeypatch.setattr(env_file, "REPOSITORY", tmp_path)


def texts() -> list[str]:
    """Each command that a message proposes, once, if it starts a script."""
    started = [proposal.text for proposal in messages.proposals() if proposal.target in makes.recipes()]
    return list(dict.fromkeys(started))


def test_no_proposal_is_left_to_make() -> None:
    for proposal in messages.proposals():
        assert "make " not in commands.without_make(proposal.text), proposal.place


def test_every_proposal_starts_the_same_script_with_the_same_words(tmp_path: Path) -> None:
    assert len(texts()) > 40
    for text in texts():
        by_make = makes.started_by(tmp_path, *shlex.split(text)[1:])
        program, folder, script, *arguments = shlex.split(commands.without_make(text))
        assert (program, f"{folder}/{script}", arguments) == ("crowdops", by_make[0], by_make[1:]), text


def test_every_target_that_starts_a_script_is_read_from_the_makefile() -> None:
    assert commands.recipes().keys() == makes.recipes().keys()
    assert commands.RECIPES.read_text() == makes.MAKEFILE.read_text()


def test_in_a_sentence_only_the_command_is_replaced(installed: None) -> None:
    said = "Carry it on: make resume RUN=2026-x, or end it: make recover. To make sure: make runs TASK='a* b'"
    assert output.clean(said) == (
        "Carry it on: crowdops mturk launch_run --resume 2026-x, or end it: crowdops local recover. To make"
        " sure: crowdops local print_runs --task-name 'a*' --task-name b"
    )


def test_files_of_any_name_and_arguments_are_handed_on(installed: None) -> None:
    typed = "make launch FILE='it'\"'\"'s $5.toml' ARGS='--resume 2026-x --yes'"
    translated = "crowdops mturk launch_run 'it'\"'\"'s $5.toml' --resume 2026-x --yes"
    assert commands.in_place(typed) == translated


def test_in_a_checkout_nothing_is_replaced() -> None:
    assert output.clean("make recover") == "make recover"


def test_documents_and_tables_propose_what_can_be_typed(
    installed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    output.document({"next": "make recover", "more": [{"command": "make runs"}]})
    tables.write([Look("mend")], [["make rebuild"]])
    said = capsys.readouterr().out
    assert "make" not in said
    for script in ("local recover", "local print_runs", "local rebuild_registry"):
        assert f"crowdops {script}" in said


def test_the_first_command_of_a_text_is_found() -> None:
    assert (
        commands.first_in("Carry on: make resume RUN=2026-x, or end: make recover")
        == "make resume RUN=2026-x"
    )
    assert commands.first_in("See them: crowdops local") == "crowdops local"
    assert commands.first_in("Did you mean crowdops mturk expire_hits?") == "crowdops mturk expire_hits"
    assert commands.first_in("crowdops needs you to make sure") is None


def test_settings_of_an_installation_lie_in_the_home(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CROWDOPS_ENV_FILE", raising=False)
    monkeypatch.delenv("CROWDOPS_HOME", raising=False)
    assert env_file.path() == Path.home() / ".crowdops" / ".env"
    monkeypatch.setenv("CROWDOPS_HOME", "/somewhere")
    assert env_file.path() == Path("/somewhere/.env")
