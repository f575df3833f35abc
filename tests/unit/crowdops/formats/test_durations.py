"""Durations as people write them are what people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.formats import durations

WRITTEN = {
    "31 days": 31 * 86400,
    "1 day": 86400,
    "30 min": 1800,
    "30min": 1800,
    "30m": 1800,
    "1 h 30 min": 5400,
    "1h30m": 5400,
    "1 hour and 30 minutes": 5400,
    "1 hour, 30 minutes": 5400,
    "1.5 h": 5400,
    "2 weeks": 14 * 86400,
    "90 s": 90,
    "90 Seconds": 90,
    "1800": 1800,
    " 12 h ": 43200,
    "0 s": 0,
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write_is_understood(text: str) -> None:
    assert durations.seconds(text) == WRITTEN[text]


@pytest.mark.parametrize(
    "text", ["", "soon", "1 month", "h", "1 h 2 h", "1 h 30", "-5 min", "1,5 h", "0.5 s", "1e3 s", "1 h and"]
)
def test_what_may_mean_something_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as"):
        durations.seconds(text)


@given(st.integers(0, 400 * 86400))
def test_what_is_shown_can_be_written(seconds: int) -> None:
    assert durations.seconds(durations.words(seconds)) == seconds


def test_words_are_exact_and_the_largest_unit_is_rough() -> None:
    assert durations.words(31 * 86400) == "31 days"
    assert durations.words(86400) == "1 day"
    assert durations.words(5400) == "1 h 30 min"
    assert durations.words(90061) == "1 day 1 h 1 min 1 s"
    assert durations.words(0) == "0 s"
    shown = [durations.roughly(seconds) for seconds in (0, 40, 540, 5400, 61200, 6 * 86400)]
    assert shown == ["0 s", "40 s", "9 min", "90 min", "17 h", "6 days"]
