"""The command line of a monitoring plugin, by the guidelines of the Monitoring Plugins.

Everything is written to stdout, nothing to stderr, and whatever goes wrong is UNKNOWN, 3; so are --help and
--version. https://www.monitoring-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from crowdops import __version__
from crowdops.config import environments
from crowdops.config.settings import Settings, resolve
from crowdops.console import cli, failures, output, streams
from crowdops.console.failures import Failure
from crowdops.console.help import Common
from crowdops.errors import Error, OutputLost

SERVICE = "CROWDOPS"
EXIT_UNKNOWN = 3
LINE_WIDTH = 79  # of the first line before its performance data: it ends in a pager
LIMIT_SECONDS = 10.0  # what a scheduler gives a plugin, unless it is told otherwise

Function = TypeVar("Function", bound=Callable[..., Any])


class Plugin(cli.Command):
    """A plugin's command: the boundary where exceptions become UNKNOWN, in one line."""

    exit_after_help = exit_without_reader = EXIT_UNKNOWN
    owns_the_process = False

    def invoke(self, ctx: click.Context) -> Any:
        if self.owns_the_process:
            streams.abandon(2)
        return super().invoke(ctx)

    def fail(self, failure: Failure, words: Sequence[str]) -> int:
        """Say on stdout what went wrong: in the first line, and whole in further ones if it is longer.

        With --json it is an object with the keys that a check's document has, too.
        """
        _say(failure, as_json=failures.is_json(words))
        return EXIT_UNKNOWN


def _say(failure: Failure, *, as_json: bool) -> None:
    text = failure.message.replace("|", "/")
    line = headline("UNKNOWN", text.splitlines()[0])
    with contextlib.suppress(OutputLost, BrokenPipeError):  # nobody reads it: the exit code says it
        if as_json and not output.has_begun():
            document = {"state": "UNKNOWN", "exit_code": EXIT_UNKNOWN, "line": line}
            output.document({**document, "error": failure._asdict()})
        else:
            output.write(line if line.endswith(text) else f"{line}\n{text}")


def unknown(error: Exception, settings: Settings) -> tuple[str, Exception]:
    """Say at once why a check has failed, for whoever does more about that: a scheduler waits for the line.

    Returns that in words, and what to raise in the end: then it is not said again.
    """
    failure = failures.of(error) if isinstance(error, Error) else failures.unexpected(error, settings.home)
    _say(failure, as_json=settings.as_json)
    return failure.message, click.exceptions.Exit(EXIT_UNKNOWN)


def headline(state: str, text: str) -> str:
    """Return the first line of a plugin, cut if it is too long. No | is in it: there the numbers begin."""
    line = f"{SERVICE} {state}: {output.clean(text).replace('|', '/')}"
    return line if len(line) <= LINE_WIDTH else f"{line[: LINE_WIDTH - 3].rstrip()}..."


def command(help: str | None) -> Callable[[Callable[..., int | None]], Plugin]:
    """Make a plugin's main function its command; the module's docstring is the help text."""
    return cli.command(help, Plugin)


def run(main: Plugin) -> None:
    """Run a plugin in a process of its own, and leave at once, whatever still hangs in its threads."""
    main.owns_the_process = True
    try:
        main()
    except SystemExit as finished:
        if threading.active_count() == 1:
            raise
        os._exit(finished.code if isinstance(finished.code, int) else EXIT_UNKNOWN)


def with_settings(function: Function) -> Any:
    """Add the options that every script has, as a plugin has them; the script gets `settings: Settings`.

    And `limit: float`, the seconds that it may take, and `detail: int`, how often -v was given.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, as_json: bool, quiet: bool, verbose: int, timeout: float, **kwargs: Any) -> Any:
        flags = {name: kwargs.pop(name) for name in ("environment", "home")}
        settings = resolve(flags, quiet=quiet, verbose=bool(verbose), as_json=as_json)
        cli.remember_home(settings)
        return function(*args, settings=settings, limit=timeout, detail=verbose, **kwargs)

    options = [
        cli.option("environment", click.Choice(list(environments.ENVIRONMENTS))),
        cli.option("home", metavar="FOLDER"),
        click.option(
            "-t",
            "--timeout",
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True, max=3600),
            default=LIMIT_SECONDS,
            help=f"Seconds that all of it may take. [default: {LIMIT_SECONDS:g}]",
        ),
        click.option(
            "--json", "as_json", cls=Common, is_flag=True, help="Print one JSON document to stdout."
        ),
        click.option("-q", "--quiet", cls=Common, is_flag=True, help="Print nothing when all is well."),
        click.option(
            "-v", "--verbose", cls=Common, count=True, help="Print what was found, a line each; -vv all runs."
        ),
        click.version_option(__version__, "-V", "--version", prog_name="crowdops", cls=Common),
    ]
    return cli.stack(options, wrapper)
