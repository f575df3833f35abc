"""Moments as people type them."""

from datetime import UTC, datetime, timedelta

import pytest

from crowdops.errors import UsageError
from crowdops.formats import moments

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("2 h", timedelta(hours=2)),
        ("2h", timedelta(hours=2)),
        ("3 days ago", timedelta(days=3)),
        ("1 Day", timedelta(days=1)),
        ("90 min", timedelta(minutes=90)),
        ("90 minutes", timedelta(minutes=90)),
        ("1.5 hours ago", timedelta(minutes=90)),
        ("30s", timedelta(seconds=30)),
        ("2 weeks", timedelta(weeks=2)),
    ],
)
def test_how_long_ago(text: str, ago: timedelta) -> None:
    assert moments.read(text, "--since", NOW) == NOW - ago


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T11:45", datetime(2026, 11, 22, 11, 45, tzinfo=UTC)),
        ("2026-11-22 11:45:10Z", datetime(2026, 11, 22, 11, 45, 10, tzinfo=UTC)),
        ("2026-11-22T11:45:00+02:00", datetime(2026, 11, 22, 9, 45, tzinfo=UTC)),
    ],
)
def test_iso_8601_in_utc_unless_it_says_otherwise(text: str, moment: datetime) -> None:
    assert moments.read(text, "--since", NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "s", "yesterday", "2 fortnights", "999999 weeks", "-2 h", "0001-01-01T00:00+14:00"]
)
def test_anything_else_is_refused_with_what_to_type(text: str) -> None:
    with pytest.raises(UsageError, match=r"--until .* is no moment. Write it as 2026-11-22"):
        moments.read(text, "--until", NOW)
