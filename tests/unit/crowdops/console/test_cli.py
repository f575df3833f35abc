"""What every command line shares."""

import errno
import os
import pty
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, crashes
from crowdops.errors import CredentialsRefused, NotFound, UsageError
from tests.support.forks import REPOSITORY
from tests.support.scripts import run_script


def outcome(work: Any, *args: str) -> Result:
    """Run a command whose body is `work()`."""

    @cli.command("Does something.")
    @cli.with_settings
    def main(settings: Settings) -> Any:
        return work()

    return CliRunner().invoke(main, list(args))


def raising(error: BaseException) -> Any:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize("returned,code", [(None, 0), (0, 0), (1, 1), (4, 4), (130, 130)])
def test_what_a_command_returns_is_its_exit_code(returned: int | None, code: int) -> None:
    assert outcome(lambda: returned).exit_code == code


@pytest.mark.parametrize(
    "error,code,text",
    [
        (UsageError("No such run."), 2, "error: No such run.\n"),
        (NotFound("It is gone."), 1, "error: It is gone.\n"),
        (CredentialsRefused("The key is bad."), 2, "error: The key is bad.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (click.Abort(), 130, "Interrupted.\n"),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(error: BaseException, code: int, text: str) -> None:
    result = outcome(raising(error))
    assert result.exit_code == code
    assert result.stderr.lstrip("\n") == text
    assert result.stdout == ""


def test_an_error_cannot_steer_the_terminal() -> None:
    result = outcome(raising(UsageError("bad value '\x1b[2J\x07'")))
    assert "\x1b" not in result.stderr and "\\x1b[2J" in result.stderr


def test_a_bug_goes_to_a_log_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        result = outcome(raising(ZeroDivisionError(f"bug {number}")))
        assert result.exit_code == 3
        log = tmp_path / "home" / "crash.log"
        assert result.stderr == f"error: this is a bug in crowdops. The traceback is in {log}\n"
    text = log.read_text()
    assert text.count("Traceback (most recent call last)") == 2
    assert "ZeroDivisionError: bug 1" in text and "ZeroDivisionError: bug 2" in text and "Python 3." in text
    monkeypatch.setattr(crashes, "MOST_BYTES", len(text) - 1)
    for number in (3, 4):
        outcome(raising(ZeroDivisionError(f"bug {number}")))
    assert log.with_name("crash.log.1").read_text() == text
    assert "bug 3" in log.read_text() and "bug 4" in log.read_text()


def test_the_log_of_a_bug_lies_in_the_home_that_was_named(tmp_path: Path) -> None:
    result = outcome(raising(ZeroDivisionError("a bug")), "--home", str(tmp_path / "other"))
    assert (tmp_path / "other" / "crash.log").exists() and not (tmp_path / "home").exists()
    assert f"{tmp_path}/other/crash.log" in result.stderr


def test_the_log_of_a_bug_lies_in_the_home_of_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").write_text(f"CROWDOPS_HOME={tmp_path}/other\n")
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(tmp_path / "env"))
    monkeypatch.delenv("CROWDOPS_HOME")
    assert f"{tmp_path}/other/crash.log" in outcome(raising(ZeroDivisionError("a bug"))).stderr
    assert (tmp_path / "other" / "crash.log").exists()


def test_no_secret_is_in_the_log_of_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("HEROKU_API_KEY=HRKU-hidden-1\n")
    (tmp_path / "env").chmod(0o600)
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(tmp_path / "env"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws/hidden+2")
    monkeypatch.setenv("CROWDOPS_NOTIFY_URLS", "json://hidden-4 tgram://hidden-5")
    text = "HRKU-hidden-1 and aws/hidden+2 and postgresql://me:hidden@3@host/name and tgram://hidden-5"
    assert outcome(raising(ZeroDivisionError(text))).exit_code == 3
    log = tmp_path / "home" / "crash.log"
    assert "ZeroDivisionError: *** and *** and postgresql://me:***@host/name and ***" in log.read_text()
    assert "hidden" not in log.read_text()


def test_what_a_script_writes_is_its_owners_alone(tmp_path: Path) -> None:
    usual = os.umask(0)
    try:
        outcome(lambda: (tmp_path / "folder").mkdir() or (tmp_path / "file").touch())
        assert os.umask(0) == 0
    finally:
        os.umask(usual)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("folder", "file")] == [0o700, 0o600]


def test_what_the_machine_refuses_is_no_bug(tmp_path: Path) -> None:
    for error, text in (
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "/x/y: No space left on device."),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied."),
        (OSError(errno.EMFILE, "Too many open files"), "A file could not be read or written: Too many open"),
    ):
        result = outcome(raising(error))
        assert result.exit_code == 1 and text in result.stderr
    assert outcome(raising(ConnectionError("no file of this machine"))).exit_code == 3


def test_the_log_of_a_bug_is_kept_even_where_the_home_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CROWDOPS_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = outcome(raising(ZeroDivisionError("a bug")))
    (log,) = tmp_path.glob("crowdops-crash-*.log")
    assert (result.exit_code, result.stderr.endswith(f"The traceback is in {log}\n")) == (3, True)
    assert "ZeroDivisionError: a bug" in log.read_text()


def test_a_wrong_option_is_exit_2() -> None:
    result = outcome(lambda: 0, "--enviroment", "local")
    assert result.exit_code == 2 and "--environment" in result.stderr
    assert outcome(lambda: 0, "--environment", "prod").exit_code == 2
    assert (
        outcome(lambda: 0, "--timeout", "soon").stderr
        == "error: timeout 'soon' (from flag) is not a number above 0.\n"
    )


def test_a_script_that_is_called_wrongly_ends_with_2() -> None:
    for args in (["--no-such-option"], ["--run"], ["surplus"]):
        result = run_script("local/print_runs", *args)
        assert result.returncode == 2
        assert "Traceback" not in result.stderr and result.stdout == ""


def test_a_reader_that_had_enough_is_no_error(tmp_path: Path) -> None:
    script = tmp_path / "much.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from crowdops.config.settings import Settings
            from crowdops.console import cli, output
            @cli.command("Prints much.")
            @cli.with_settings
            def main(settings: Settings) -> None:
                for number in range(int(100_000)):
                    output.document({"number": number})
            main()
            """
        )
    )
    command = f"set -o pipefail; {sys.executable} {script} | head -1"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "{\n", "")


# Guards


def guarded(
    stdin_is_a_terminal: bool, monkeypatch: pytest.MonkeyPatch, *args: str, input: str = ""
) -> Result:
    @cli.command("Takes something down.")
    @cli.with_guard
    @cli.with_settings
    def main(settings: Settings, guard: cli.Guard) -> int:
        click.echo(f"asked {guard.allows('Really?')}")
        return 0

    monkeypatch.setattr(
        "click.testing._NamedTextIOWrapper.isatty", lambda self: stdin_is_a_terminal, raising=False
    )
    return CliRunner().invoke(main, list(args), input=input)


def test_without_a_terminal_yes_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    result = guarded(False, monkeypatch, input="y\n")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr == (
        "error: There is no terminal to ask on. Look with --dry-run, then add --yes. Nothing was done.\n"
    )
    assert guarded(False, monkeypatch, "--yes").stdout == "asked True\n"
    assert guarded(False, monkeypatch, "--dry-run").stdout == "asked False\n"
    assert guarded(False, monkeypatch, "--dry-run", "--yes").stdout == "asked False\n"


def test_on_a_terminal_it_asks_and_no_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for answer, wanted in (("y\n", "True"), ("n\n", "False"), ("\n", "False")):
        result = guarded(True, monkeypatch, input=answer)
        assert result.stdout.endswith(f"asked {wanted}\n")
        assert "Really? [y/N]" in result.stderr
    assert guarded(True, monkeypatch, input="").exit_code == 130


def test_a_real_terminal_is_asked(tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(
        "from crowdops.config.settings import Settings\nfrom crowdops.console import cli\n"
        "@cli.command('Asks.')\n@cli.with_guard\n@cli.with_settings\n"
        "def main(settings: Settings, guard: cli.Guard) -> int:\n"
        "    return 7 if guard.allows('Really?') else 8\nmain()\n"
    )
    for answer, code in ((b"y\n", 7), (b"n\n", 8)):
        master, slave = pty.openpty()
        process = subprocess.Popen([sys.executable, str(script)], stdin=slave, stderr=subprocess.PIPE)
        os.close(slave)
        os.write(master, answer)
        assert b"Really?" in process.communicate(timeout=20)[1]
        os.close(master)
        assert process.returncode == code


# The rest


def test_pairs_are_names_and_values() -> None:
    assert cli.pairs(["a=1", "b=x=y", "c="], "--set") == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(UsageError, match="--set a: write it as NAME=VALUE"):
        cli.pairs(["b=1", "a"], "--set")


def test_a_selection_is_required_of_destroyers() -> None:
    cli.require(Selection(all_runs=True))
    with pytest.raises(UsageError, match="Say which runs: --run RUN_ID, --task-name GLOB or --all-runs"):
        cli.require(Selection())


def test_selectors_repeat_and_combine() -> None:
    @cli.command("Selects.")
    @cli.with_selectors
    @cli.with_settings
    def main(settings: Settings, selection: Selection) -> None:
        click.echo(repr(tuple(selection)))

    result = CliRunner().invoke(main, ["--run", "a", "--run", "b", "--task-name", "x-*"])
    assert result.stdout == "(('a', 'b'), ('x-*',), False)\n"


def test_settings_come_from_the_flags(tmp_path: Path) -> None:
    @cli.command("Shows.")
    @cli.with_settings
    def main(settings: Settings) -> None:
        click.echo(
            f"{settings.home} {settings.timeout} {settings.environment} {settings.as_json} {settings.quiet}"
        )

    flags = ["--home", str(tmp_path / "h"), "--timeout", "3", "--environment", "sandbox", "--json", "-q"]
    assert CliRunner().invoke(main, flags).stdout == f"{tmp_path / 'h'} 3.0 sandbox True True\n"


def test_rounds_are_one_or_many() -> None:
    assert list(cli.rounds(None)) == [0]
    many = cli.rounds(0.001)
    assert [next(many) for _ in range(4)] == [0, 1, 2, 3]


def test_the_version_is_one_for_all_scripts() -> None:
    found = {run_script(name, "--version").stdout for name in ("local/print_runs", "mturk/expire_hits")}
    assert len(found) == 1 and found.pop().startswith("crowdops, version ")
    assert (REPOSITORY / "setup.cfg").exists()
