"""failures: `error: …` and the next command; with --json one object on stdout, too, and the same code."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from crowdops.config.settings import Settings
from crowdops.console import cli, failures, output
from crowdops.errors import Error, RegistryLocked, UsageError


def run(error: BaseException | None, *words: str, first: str = "") -> Result:
    """Run a script that writes something, if anything, and then fails."""

    @cli.command("One.")
    @click.option("--number", type=int)
    @cli.with_settings
    def main(number: int | None, settings: Settings) -> None:
        if first:
            output.write(first)
        if error:
            raise error

    return CliRunner().invoke(main, list(words), prog_name="scripts/local/main.py")


def of(result: Result) -> Any:
    document = json.loads(result.stdout)
    assert document.keys() == {"error"}
    assert document["error"].keys() == {"message", "kind", "next", "exit_code"}
    assert document["error"]["exit_code"] == result.exit_code
    return document["error"]


def test_an_error_is_one_line_which_names_the_next_command() -> None:
    result = run(Error("It is lost. Make it again: make rebuild"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: It is lost. Make it again: make rebuild\n"


def test_with_json_it_is_an_object_as_well() -> None:
    result = run(RegistryLocked("It is locked.", "Try again: make runs"), "--json")
    error = of(result)
    assert (error["message"], error["kind"]) == ("It is locked. Try again: make runs", "registry_locked")
    assert (error["next"], error["exit_code"]) == ("make runs", 1)
    assert result.stderr == "error: It is locked. Try again: make runs\n"


@pytest.mark.parametrize(
    "words", [("--nubmer", "1"), ("--number", "one"), ("--timeout",), ("stray",)], ids=lambda words: words[0]
)
def test_so_is_a_command_that_cannot_be_read(words: tuple[str, ...]) -> None:
    result = run(None, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("error: ") and second == "Next: scripts/local/main.py --help"
    error = of(run(None, "--json", *words))
    assert f"error: {error['message']}" == first
    assert (error["kind"], error["next"]) == ("usage_error", "scripts/local/main.py --help")


def test_a_setting_that_is_wrong_is_an_object_too() -> None:
    assert of(run(None, "--json", "--timeout", "soon"))["kind"] == "usage_error"


def test_a_bug_and_what_the_machine_refuses_are_objects_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("CROWDOPS_HOME", str(tmp_path))
    bug = of(run(ValueError("x"), "--json"))
    assert (bug["kind"], bug["exit_code"]) == ("bug", 3) and str(tmp_path / "crash.log") in bug["message"]
    refused = of(run(OSError(28, "No space left on device", "/x"), "--json"))
    assert (refused["kind"], refused["message"]) == ("refused_by_machine", "/x: No space left on device.")


def test_an_interrupt_is_no_error_and_json_tells_it() -> None:
    result = run(KeyboardInterrupt(), "--json")
    assert (of(result)["kind"], result.stderr) == ("interrupted", "Interrupted.\n")


def test_where_a_document_was_written_there_is_no_second_one() -> None:
    result = run(UsageError("No."), "--json", first="{}")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "{}\n", "error: No.\n")
    assert of(run(UsageError("No."), "--json"))["message"] == "No."  # another command in the same process


def test_what_stands_behind_two_dashes_is_no_option() -> None:
    assert failures.is_json(["--json"]) and failures.is_json(["a", "--json", "--", "b"])
    assert not failures.is_json(["--", "--json"])
