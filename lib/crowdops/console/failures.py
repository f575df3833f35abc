"""How a command that fails says so: `error: …` and what to type next; with --json as one object, too."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from crowdops.console import commands, crashes, output, status_line
from crowdops.console.help import ranges_in_words
from crowdops.console.interrupts import EXIT_INTERRUPTED
from crowdops.errors import Error, OutputLost, UsageError

EXIT_BUG = 3


class Failure(NamedTuple):
    """What went wrong, in words and in a word; what to type next, if that is known; the exit code."""

    message: str
    kind: str
    next: str | None
    exit_code: int


INTERRUPTED = Failure("Interrupted.", "interrupted", None, EXIT_INTERRUPTED)


def of(error: Error) -> Failure:
    """Return what is to be said of an error of ours. Its message may name the next command."""
    text = str(error)
    return Failure(commands.in_place(text), _kind(error), commands.first_in(text), error.exit_code)


def of_usage(error: click.ClickException, program: str) -> Failure:
    """Return what is to be said of a command that click cannot read: next comes its --help."""
    message = ranges_in_words(error.format_message())
    return Failure(message, _kind(UsageError()), f"{program} --help", error.exit_code)


def unexpected(error: Exception, home: Path | None) -> Failure:
    """Return what is to be said of an exception that is being handled and is none of ours.

    The machine has refused something; or it is a bug, whose traceback goes into a log in the home.
    """
    if refused := crashes.refused_by_the_machine(error):
        return Failure(refused, "refused_by_machine", None, Error.exit_code)
    log = crashes.log(home)
    where = f"The traceback is in {log}" if log else "No file could be written for its traceback."
    return Failure(f"this is a bug in crowdops. {where}", "bug", None, EXIT_BUG)


def tell(failure: Failure, words: Sequence[str]) -> int:
    """Say what went wrong, and return the exit code. `words` are those of the command: --json may be one.

    The object goes to stdout where nothing else went, so that there is one document.
    """
    if failure is INTERRUPTED:
        status_line.spoil()  # by the ^C that a terminal shows
    output.say(failure.message if failure is INTERRUPTED else f"error: {failure.message}")
    if failure.next and failure.next not in failure.message:
        output.say(f"Next: {failure.next}")
    if is_json(words) and not output.has_begun():
        with contextlib.suppress(OutputLost, BrokenPipeError):
            output.document({"error": failure._asdict()})
    return failure.exit_code


def is_json(words: Sequence[str]) -> bool:
    """Return whether --json is among the options of a command."""
    return "--json" in words[: words.index("--") if "--" in words else None]


def _kind(error: Error) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
