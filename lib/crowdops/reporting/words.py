"""Numbers as people read them: money, shares, durations and moments."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

from crowdops.console import output

CUT = 300  # characters; no text of a page is longer
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def text(value: object) -> str:
    """Return a text without control characters, and not longer than CUT."""
    words = output.clean(str(value))
    return words if len(words) <= CUT else words[: CUT - 1] + "…"


def count(number: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{number:,}"


def plural(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def money(amount: Decimal | float) -> str:
    """Return dollars; to the cent, or exactly where half a cent is a price."""
    exact = Decimal(str(amount)) if isinstance(amount, float) else amount
    has_more = isinstance(amount, Decimal) and exact != round(exact, 2)
    return f"${exact.normalize():,f}" if has_more else f"${exact:,.2f}"


def percent(share: float) -> str:
    """Return a share from 0 to 1. What is not all is never called 100 %, and what is something not 0 %."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "> 99 %"
    return "< 1 %" if whole == 0 and share > 0 else f"{whole} %"


def alpha(value: float) -> str:
    """Return a coefficient of agreement."""
    return f"{round(value, 2) + 0.0:.2f}"  # which makes 0 of -0


def duration(seconds: float) -> str:
    """Return a time span in its two largest units; below ten seconds with one decimal."""
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    left = round(seconds)
    parts: list[str] = []
    for name, size in _UNITS:
        whole, left = divmod(left, size)
        if whole or parts:
            parts.append(f"{whole} {name}" if whole else "")
    return " ".join(part for part in parts[:2] if part)


def moment(at: datetime, span: float = math.inf) -> str:
    """Return a moment in UTC, to the minute, or to the second on a time line of less than an hour."""
    to_the_minute = f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return f"{to_the_minute}{f':{at.astimezone(UTC):%S}' if span < 3600 else ''} UTC"


def day(on: date) -> str:
    """Return a day."""
    return f"{on:%Y-%m-%d}"


def clock(at: datetime, span: float) -> str:
    """Return a moment as short as it is clear on a time line of so many seconds."""
    if span < 600:
        return f"{at.astimezone(UTC):%H:%M:%S}"
    if span < 86_400:
        return f"{at.astimezone(UTC):%H:%M}"
    return f"{at.astimezone(UTC):%d %b %Hh}" if span < 4 * 86_400 else f"{at.astimezone(UTC):%d %b}"
