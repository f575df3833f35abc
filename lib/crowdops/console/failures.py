"""How a command that fails says so: `error: …` and what to type next; with --json as one object, too."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import click

from crowdops.console import commands, output
from crowdops.console.interrupts import EXIT_INTERRUPTED
from crowdops.errors import Error, OutputLost, UsageError


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
    return Failure(error.format_message(), _kind(UsageError()), f"{program} --help", error.exit_code)


def of_machine(why: str) -> Failure:
    """Return what is to be said of what the machine refused."""
    return Failure(why, "refused_by_machine", None, Error.exit_code)


def tell(failure: Failure, words: Sequence[str]) -> int:
    """Say what went wrong, and return the exit code. `words` are those of the command: --json may be one.

    The object goes to stdout where nothing else went, so that there is one document.
    """
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
