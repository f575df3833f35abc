"""Ranges as the Monitoring Plugins have them: [@]start:end, which say when a number is an alert."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from crowdops import errors
from crowdops.errors import UsageError

_NUMBER = r"-?(?:\d{1,12}(?:\.\d{1,6})?|\.\d{1,6})"
_RANGE = re.compile(rf"(?P<inside>@?)(?:(?P<start>~|{_NUMBER})?(?P<colon>:))?(?P<end>{_NUMBER})?", re.ASCII)


class Range(NamedTuple):
    """The numbers from `start` to `end`, both of them too; None is without bound.

    A number outside is an alert, or `inside` if that is said. `text` is as it was written.
    """

    start: Decimal | None
    end: Decimal | None
    inside: bool
    text: str

    def alerts(self, number: Decimal) -> bool:
        """Return whether a number is an alert."""
        is_above = self.start is None or number >= self.start
        is_below = self.end is None or number <= self.end
        return (is_above and is_below) == self.inside

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Range:
    """Return a range. UsageError for what is none.

    10 is 0 to 10, 10: is 10 and more, ~:10 is 10 and less, 10:20 is 10 to 20, @10:20 alerts inside of it.
    """
    match = _RANGE.fullmatch(text)
    if not match or not (match["colon"] or match["end"]):
        raise UsageError(
            f"{text!r} is no range: 10 tolerates 0 to 10, 10: tolerates 10 and more, ~:10 tolerates 10 and"
            " less, 10:20 what is between, @10:20 what is not."
        )
    start = None if match["start"] == "~" else Decimal(match["start"] or 0)
    end = Decimal(match["end"]) if match["end"] else None
    if start is not None and end is not None and start > end:
        raise UsageError(f"{text!r} is no range: it begins above its end.")
    return Range(start, end, bool(match["inside"]), text)


def parse_all(given: Iterable[str], usual: str, names: Collection[str], flag: str) -> Mapping[str, Range]:
    """Return ranges by the measures that they are for, from [MEASURE=]RANGE; without a name it is `usual`.

    UsageError for a measure that there is not, and for one that is given twice.
    """
    ranges: dict[str, Range] = {}
    for text in given:
        name, is_named, bounds = text.rpartition("=")
        name = name if is_named else usual
        if name not in names:
            raise UsageError(f"{flag} {text}: there is no measure {name!r}.{errors.nearest(name, names)}")
        if name in ranges:
            raise UsageError(f"{flag} {text}: {name} has a range already.")
        ranges[name] = parse(bounds)
    return ranges
