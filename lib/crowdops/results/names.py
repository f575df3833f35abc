"""The names that a command's options and files give to fields of the answers and to columns of the data."""

from __future__ import annotations

from collections.abc import Collection

from crowdops import errors
from crowdops.errors import UsageError

ANSWER = "answer."  # stands before a field's name in headings


def field(given: str, fields: Collection[str]) -> str:
    """Return the field that --field names, also by its heading. UsageError as check()."""
    prefix, _, rest = given.partition(".")
    is_heading = given not in fields and f"{prefix.casefold()}." == ANSWER
    name = rest if is_heading else given
    check(f"--field {given}", name, fields, "field")
    return name


def check(place: str, name: str, known: Collection[str], what: str) -> None:
    """Raise UsageError, which lists what there is, for a name that none of the assignments has."""
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise UsageError(
            f"{place}: no assignment of these runs has a {what} {name!r}.{errors.nearest(name, known)}"
            f" There are: {names}. Nothing was done."
        )
