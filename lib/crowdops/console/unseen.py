"""What could not be looked at: nobody knows what is there, so it is never taken for nothing.

One shape, one verdict and one exit code for every command that looks for what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from crowdops.console import output
from crowdops.errors import Error, ProviderError, UsageError


class Unseen(NamedTuple):
    """What could not be looked at, and why. `may_hold` names what the registry has there."""

    what: str
    why: str
    may_hold: tuple[str, ...] = ()


def say(unseen: Sequence[Unseen]) -> None:
    """Say what could not be looked at, a line each: with --quiet, too."""
    for what, why in failures(unseen):
        output.say(f"{what} could not be looked at: {why}")


def failures(unseen: Sequence[Unseen]) -> list[tuple[str, str]]:
    """Return what could not be looked at as what a command has failed at: what, and why."""
    return [(one.what, f"{one.why.rstrip('.')}.{_known(one)}") for one in unseen]


def _known(one: Unseen) -> str:
    return f" By the registry there is: {', '.join(one.may_hold)}." if one.may_hold else ""


def documents(unseen: Sequence[Unseen]) -> list[dict[str, Any]]:
    """Return what could not be looked at as JSON objects."""
    return [one._asdict() for one in unseen]


def conclude(code: int, unseen: Sequence[Unseen]) -> int:
    """Return a command's exit code, 1 in place of 0 if something could not be looked at, and say so last.

    With --quiet, too.
    """
    if not unseen:
        return code
    names = ", ".join(one.what for one in unseen)
    output.say(f"Not known: {names}. Something may be left there. Mend that, and type the same again.")
    return code or Error.exit_code


def conclude_with(failures: Sequence[str], unseen: Sequence[Unseen]) -> int:
    """Say what has failed, a line each, and return a command's exit code as conclude() does."""
    for failure in failures:
        output.say(failure)
    return conclude(Error.exit_code if failures else 0, unseen)


def no_such(text: str, unseen: Sequence[Unseen]) -> Error:
    """Return the error for a name that was not found: a wrong one only if everything was looked at."""
    if not unseen:
        return UsageError(text)
    names = ", ".join(f"{one.what} ({one.why.rstrip('.')})" for one in unseen)
    return ProviderError(f"{text} That is not known, because not everything could be looked at: {names}.")
