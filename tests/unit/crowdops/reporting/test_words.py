"""Numbers as people read them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crowdops.reporting import words


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1, "1 s"),
        (1.25, "1.2 s"),
        (59.6, "1 min"),
        (75, "1 min 15 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (9000, "2 h 30 min"),
        (86_400 * 3 + 3_700, "3 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("0"), "$0.00"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("0.005"), "$0.005"),
        (7.4666, "$7.47"),
        (Decimal("1E+3"), "$1,000.00"),
    ],
)
def test_money_is_shown_to_the_cent_and_exactly_where_half_a_cent_counts(
    amount: Decimal | float, shown: str
) -> None:
    assert words.money(amount) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1.0, "100 %")],
)
def test_a_share_is_all_or_nothing_only_where_it_is(share: float, shown: str) -> None:
    assert words.percent(share) == shown


def test_alpha_has_no_minus_where_it_is_nought() -> None:
    assert [words.alpha(value) for value in (-0.001, -0.01, 0.666)] == ["0.00", "-0.01", "0.67"]


def test_a_text_is_short_and_has_no_control_characters() -> None:
    assert words.text("a\x1b[31m\u202eb\x00") == "a\\x1b[31m\\u202eb\\x00"
    assert len(words.text("x" * 5000)) == words.CUT and words.text("x" * 5000).endswith("…")


@pytest.mark.parametrize(("span", "shown"), [(60, "09:05:30"), (3600, "09:05"), (100_000, "03 Nov 09h")])
def test_a_moment_on_a_time_line_is_as_short_as_it_is_clear(span: float, shown: str) -> None:
    assert words.clock(datetime(2026, 11, 3, 9, 5, 30, tzinfo=UTC), span) == shown
    assert words.clock(datetime(2026, 11, 3, 9, 5, 30, tzinfo=UTC), 1e7) == "03 Nov"


def test_a_moment_has_its_seconds_where_they_tell_it_from_the_next() -> None:
    at = datetime(2026, 11, 3, 9, 5, 30, tzinfo=UTC)
    assert [words.moment(at), words.moment(at, 60)] == ["2026-11-03 09:05 UTC", "2026-11-03 09:05:30 UTC"]
