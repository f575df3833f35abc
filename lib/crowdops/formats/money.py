"""Amounts of dollars that people write: in files, in run.toml, and on the command line."""

from __future__ import annotations

import re
from decimal import Decimal

_DOLLARS = re.compile(r"\$? ?([0-9]{1,6})(?:[.,]([0-9]{1,2}))?")
_GROUPED = re.compile(r"\$? ?[0-9]{1,3}([.,' ][0-9]{3})+([.,][0-9]*)?")


def dollars(text: str) -> Decimal:
    """Return dollars and cents as people and spreadsheets write them: 0.5, 0,50 or $0.50; at least one cent.

    ValueError says what is wrong. What can be read in two ways is refused: behind a comma or a point stand
    one or two digits, since three may be thousands. Blanks around an amount do not count.
    """
    plain = text.strip()
    match = _DOLLARS.fullmatch(plain)
    if match:
        amount = Decimal(f"{match[1]}.{(match[2] or '').ljust(2, '0')}")
        if not amount:
            raise ValueError("the amount is 0; the smallest is 0.01")
        return amount
    if re.fullmatch(r"\$? ?[0-9]+[.,][0-9]{3,}", plain):
        raise ValueError(
            f"{text!r} has more than two decimals, or separates thousands: write dollars and cents, such as"
            " 1250.00 or 1.25"
        )
    if _GROUPED.fullmatch(plain):
        raise ValueError(f"{text!r} separates thousands: write dollars and cents, such as 1250.00")
    raise ValueError(f"{text!r} is not an amount of dollars, such as 0.50")
