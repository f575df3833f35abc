"""What every script's command line shares: options, the guard of dangerous work, and the exit boundary.

A script's options leave here as three values: Settings, Selection and Guard. Nothing below sees click.
"""

from __future__ import annotations

import functools
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from crowdops import __version__
from crowdops.bulk import BulkResult
from crowdops.config import environments
from crowdops.config.settings import Selection, Settings, find, resolve
from crowdops.console import combinations, commands, failures, interrupts, output, prompts, streams
from crowdops.console.failures import Failure
from crowdops.console.help import WIDEST, Common, Page, Selector
from crowdops.console.screen import begin_anew
from crowdops.console.terminal import WHEN, Wish, configure
from crowdops.errors import Error, UsageError
from crowdops.formats.words import choose

EXIT_FAILED, EXIT_USAGE, EXIT_BUG, EXIT_LEFT_OVER = 1, 2, failures.EXIT_BUG, 4
EXIT_INTERRUPTED = interrupts.EXIT_INTERRUPTED

_common = functools.partial(click.option, cls=Common)
_HOME = "crowdops.home"  # of the settings, in what click keeps of a command

Function = TypeVar("Function", bound=Callable[..., Any])
Kind = TypeVar("Kind", bound="Command")


class Guard(NamedTuple):
    """Says whether work that cannot be undone may start: it knows --dry-run, --yes and terminals.

    Without a terminal and without --yes, asking is a UsageError: the last one, when all else was found right.
    """

    dry_run: bool
    yes: bool

    def allows(self, question: str) -> bool:
        """Ask, unless --yes was given. False in a dry run, or when the answer was no."""
        if self.dry_run:
            return False
        if self.yes:
            return True
        _require_terminal()
        return prompts.is_confirmed(question)

    def allows_typed(self, question: str, word: str | None) -> bool:
        """Ask for a word to be typed, for what deserves a second thought. Without a word as allows()."""
        if word is None or self.dry_run or self.yes:
            return self.allows(question)
        _require_terminal()
        return prompts.line(question) == word


def _require_terminal() -> None:
    if not sys.stdin.isatty() or streams.is_abandoned(2):
        raise UsageError(
            "There is no terminal to ask on. Look with --dry-run, then add --yes. Nothing was done."
        )


class Command(Page):
    """A script's command: the boundary where exceptions become exit codes (docs/scripts.md, "Exit codes")."""

    exit_after_help = exit_without_reader = 0

    def main(self, *args: Any, **kwargs: Any) -> Any:
        # Whatever a script writes, and wherever that is, is its owner's alone: keys, answers, worker ids.
        usual = os.umask(0o077)
        try:
            with interrupts.obeyed():
                code = self._run(*args, **kwargs)
                streams.finish()
        except KeyboardInterrupt:  # as it was ending
            code = self.fail(failures.INTERRUPTED, ())
        finally:
            os.umask(usual)
        sys.exit(code)

    def _run(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> int:
        # Not through click's own main(): it would turn a closed pipe into a failure.
        words = list(sys.argv[1:] if args is None else args)
        known: dict[str, Any] = {}
        program = prog_name or commands.program()
        streams.settle()
        try:
            with output.to_stdout():  # --help and --version write there
                context = self.make_context(program, [*words], **extra)
            known = context.meta
            with context:
                code = self.invoke(context) or 0
            with output.to_stdout():
                sys.stdout.flush()
            return int(code)
        except click.exceptions.Exit as finished:
            return finished.exit_code or self.exit_after_help
        except (click.Abort, KeyboardInterrupt):
            return self.fail(failures.INTERRUPTED, words)
        except click.ClickException as error:
            return self.fail(failures.of_usage(error, program), words)
        except Error as error:
            return self.fail(failures.of(error), words)
        except BrokenPipeError:  # the reader, such as head, had enough
            streams.abandon(1)
            return self.exit_without_reader
        except Exception as error:  # noqa: BLE001 - the boundary: a bug gets a log instead of a traceback
            if output.is_hung_up():  # what was being written met a closed terminal before the signal came
                return EXIT_INTERRUPTED
            return self.fail(failures.unexpected(error, known.get(_HOME)), words)

    def fail(self, failure: Failure, words: Sequence[str]) -> int:
        """Say why the command of these words has failed, and return its exit code."""
        return failures.tell(failure, words)


def command(
    help: str | None,
    kind: type[Kind] = Command,  # type: ignore[assignment]
) -> Callable[[Callable[..., int | None]], Kind]:
    """Make a script's main function its command; the module's docstring is the help text."""
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST}
    return click.command(cls=kind, help=help, context_settings=settings)


def with_settings(function: Function) -> Any:
    """Add the options that every script has; the script gets `settings: Settings`."""

    @functools.wraps(function)
    def wrapper(*args: Any, as_json: bool, quiet: bool, verbose: bool, **kwargs: Any) -> Any:
        configure(Wish(kwargs.pop("color"), kwargs.pop("wide")))
        if quiet:
            combinations.refuse("with --quiet", verbose=verbose)
        flags = {name: kwargs.pop(name) for name in ("environment", "home", "timeout")}
        settings = resolve(flags, quiet=quiet, verbose=verbose, as_json=as_json)
        remember_home(settings)
        if flags["home"] and not flags["home"].startswith(("/", "~")) and not quiet:
            output.say(f"The home is {settings.home}")
        return function(*args, settings=settings, **kwargs)

    options = [
        option("environment", click.Choice(list(environments.ENVIRONMENTS))),
        option("home", metavar="FOLDER"),
        option("timeout", metavar="SECONDS"),
        _common("--json", "as_json", is_flag=True, help="Print one JSON document to stdout."),
        _common("-q", "--quiet", is_flag=True, help="No progress and no remarks on stderr, only errors."),
        _common("-v", "--verbose", is_flag=True, help="More remarks on stderr."),
        _common("--wide", is_flag=True, help="Tables at a terminal: every column, as through a pipe."),
        _common("--color", type=click.Choice(WHEN), default="auto", help="Colours; auto heeds NO_COLOR."),
        click.version_option(__version__, prog_name="crowdops", cls=Common),
    ]
    return stack(options, wrapper)


def remember_home(settings: Settings) -> None:
    """Remember where a bug's log goes, once the settings are known."""
    click.get_current_context().meta[_HOME] = settings.home


def with_selectors(function: Function) -> Any:
    """Add --run, --task-name and --all-runs; the script gets `selection: Selection`."""

    @functools.wraps(function)
    def wrapper(
        *args: Any, run: tuple[str, ...], task_name: tuple[str, ...], all_runs: bool, **kwargs: Any
    ) -> Any:
        if all_runs:
            combinations.refuse("with --all-runs", run=run, task_name=task_name)
        return function(*args, selection=Selection(run, task_name, all_runs), **kwargs)

    options = [
        click.option(
            "--run",
            cls=Selector,
            metavar="RUN_ID",
            multiple=True,
            help="A run: its id or a beginning of it, its task_name, or last. Repeatable.",
        ),
        click.option(
            "--task-name",
            cls=Selector,
            metavar="GLOB",
            multiple=True,
            help="Runs by task_name, such as 'pilot-*'. Repeatable.",
        ),
        click.option("--all-runs", cls=Selector, is_flag=True, help="Every run in the registry."),
    ]
    return stack(options, wrapper)


def with_guard(function: Function) -> Any:
    """Add --dry-run and --yes; the script gets `guard: Guard`."""

    @functools.wraps(function)
    def wrapper(*args: Any, dry_run: bool, yes: bool, **kwargs: Any) -> Any:
        return function(*args, guard=Guard(dry_run, yes), **kwargs)

    options = [
        click.option("-n", "--dry-run", is_flag=True, help="Show exactly what would be done; only read."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
    ]
    return stack(options, wrapper)


def pairs(given: Iterable[str], flag: str) -> dict[str, str]:
    """Return NAME=VALUE arguments as a mapping."""
    for text in given:
        if "=" not in text:
            raise UsageError(f"{flag} {text}: write it as NAME=VALUE.")
    return dict(text.split("=", 1) for text in given)


def require(selection: Selection) -> None:
    """Raise UsageError unless the command says which runs it means."""
    if selection.is_empty:
        raise UsageError("Say which runs: --run RUN_ID, --task-name GLOB or --all-runs. See them: make runs")


def rounds(seconds: float | None) -> Iterator[int]:
    """Yield one number, or one every so many seconds until Ctrl-C.

    At a terminal each is shown in place of the one before, and only once there is something to show.
    """
    for number in itertools.count():
        if seconds is not None:
            begin_anew(f"Every {seconds:g} s. Ctrl-C ends this.")
        yield number
        if seconds is None:
            return
        time.sleep(seconds)


def report(
    settings: Settings,
    guard: Guard,
    verb: str,
    selected: int,
    result: BulkResult[Any],
    more: Mapping[str, Any] | None = None,
) -> int:
    """Show what came of a plan, as JSON (`more` adds keys) or in words, and return the command's exit code.

    `verb` is the word for what was done to each item, such as "expired".
    """
    already, failed = result.already, result.failed
    if settings.as_json:
        document = {
            "selected": selected,
            "done": result.done,
            "already": already,
            "failed": [{"id": name, "error": why} for name, why in failed],
            "dry_run": guard.dry_run,
            **(more or {}),
        }
        output.document(document)
    elif guard.dry_run:
        are = choose(already, "is", "are")
        output.say(f"Dry run: {selected} would be {verb}, {already} {are} so already. Nothing was changed.")
    elif not settings.quiet or failed:
        were = choose(already, "was", "were")
        output.say(f"{result.done} {verb}, {already} {were} so already, {len(failed)} failed.")
    for name, why in failed if not settings.as_json else ():
        output.say(f"{name}: {why}")
    if result.interrupted:
        output.say("Interrupted. The same command goes on where this one stopped.")
        return EXIT_INTERRUPTED
    return EXIT_FAILED if failed else 0


def option(name: str, kind: Any = str, metavar: str | None = None) -> Callable[[Any], Any]:
    """Return the option of a setting, with its help."""
    setting = find(name)
    help = f"{setting.help} [default: {setting.default}; {setting.variable}]"
    return _common(f"--{name}", type=kind, metavar=metavar, help=help)


def stack(options: list[Callable[[Any], Any]], function: Any) -> Any:
    """Add options to a function, to be listed in this order."""
    for option in reversed(options):
        function = option(function)
    return function
