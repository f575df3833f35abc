"""Moments as people read them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from crowdops.console import times

NOW = datetime(2026, 11, 27, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_today_is_the_clock_and_the_distance() -> None:
    assert times.spoken(NOW + timedelta(minutes=9), NOW) == "15:11, in 9 min"
    assert times.spoken(NOW - timedelta(seconds=40), NOW) == "15:01, 40 s ago"
    assert times.brief(NOW + timedelta(minutes=9), NOW) == "15:11, in 9 min"


def test_another_day_has_its_date() -> None:
    assert times.spoken(NOW + timedelta(hours=17), NOW) == "28 Nov 08:02, in 17 h"
    assert times.brief(NOW + timedelta(hours=17), NOW) == "28 Nov 08:02"
    assert times.spoken(NOW - timedelta(days=400), NOW) == "23 Oct 2025 16:02, 400 days ago"


def test_where_nobody_reads_it_is_utc() -> None:
    assert times.said(NOW) == times.iso(NOW) == "2026-11-27T14:02:00Z"


def test_times_in_a_text_become_local() -> None:
    text = times.localized("launched 2024-02-03T04:05:06Z, 5 min ago; 2024-02-03 stays")
    assert text == "launched 3 Feb 2024 05:05, 5 min ago; 2024-02-03 stays"
