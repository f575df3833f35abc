"""Things counted in English: 1 run, 2 runs, 1 bonus, 2 bonuses."""

from __future__ import annotations

_SIBILANTS = ("s", "x", "z", "ch", "sh")


def count(number: int, noun: str) -> str:
    """Return a number of things in words; `noun` is the singular, with whatever stands before it."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the regular plural of a noun."""
    if noun.endswith(_SIBILANTS):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def choose(number: int, one: str, many: str) -> str:
    """Return one of two wordings: that for a single thing, or that for several or none."""
    return one if number == 1 else many


def are(number: int, noun: str) -> str:
    """Return "1 run is", "2 runs are"."""
    return f"{count(number, noun)} {choose(number, 'is', 'are')}"


def were(number: int, noun: str) -> str:
    """Return "1 run was", "2 runs were"."""
    return f"{count(number, noun)} {choose(number, 'was', 'were')}"


def have(number: int, noun: str) -> str:
    """Return "1 run has", "2 runs have"."""
    return f"{count(number, noun)} {choose(number, 'has', 'have')}"
