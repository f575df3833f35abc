"""Options that mean nothing in a combination are refused, never dropped."""

from __future__ import annotations

from crowdops.errors import UsageError


def refuse(when: str, **given: object) -> None:
    """Raise UsageError for options that were given, by name, although they mean nothing `when` it says.

    That is words such as "without --hard". An argument goes under its own name, in capitals.
    """
    names = [name if name.isupper() else f"--{name.replace('_', '-')}" for name in given if given[name]]
    if names:
        verb = "means" if len(names) == 1 else "mean"
        raise UsageError(f"{' and '.join(names)} {verb} nothing {when}. Nothing was done.")
