"""Ranges mean what they mean to others who read the guidelines of the Monitoring Plugins."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynag.Utils import PerfDataMetric

from crowdops.errors import UsageError
from crowdops.watching import thresholds
from crowdops.watching.findings import Level, Measure

NUMBERS = st.decimals(-1000, 1000, places=2).map(lambda number: f"{number:f}")
STARTS = st.one_of(st.just(""), st.just("~"), NUMBERS)
RANGES = st.one_of(
    NUMBERS,
    st.builds(lambda start, end: f"{start}:{end}", STARTS, st.one_of(st.just(""), NUMBERS)),
)


def usable(text: str) -> thresholds.Range | None:
    try:
        return thresholds.parse(text)
    except UsageError:
        return None


@given(st.sampled_from(["", "@"]), RANGES, NUMBERS)
def test_a_range_alerts_as_that_of_another_library_does(inside: str, bounds: str, number: str) -> None:
    text = f"{inside}{bounds}"
    parsed = usable(text)
    if parsed is not None:
        theirs = PerfDataMetric(f"name={number};{text}").get_status()
        assert parsed.alerts(Decimal(number)) == (theirs == Level.WARNING), text
        assert str(parsed) == text


@pytest.mark.parametrize(
    "text,tolerated,alerts",
    [
        ("10", [0, 10], [-1, 11]),
        ("10:", [10, 1000], [9]),
        ("~:10", [-1000, 10], [11]),
        ("10:20", [10, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 20]),
        ("~:", [-1000, 0, 1000], []),
        ("0", [0], [-1, 1]),
        ("-2.5:.5", [-2, 0], [-3, 1]),
    ],
)
def test_the_ends_of_a_range_belong_to_it(text: str, tolerated: list[int], alerts: list[int]) -> None:
    parsed = thresholds.parse(text)
    assert [parsed.alerts(Decimal(number)) for number in tolerated] == [False] * len(tolerated)
    assert [parsed.alerts(Decimal(number)) for number in alerts] == [True] * len(alerts)


@pytest.mark.parametrize("text", ["", "@", "ten", "1:2:3", "5:1", "1e3", "--1", "~", "@~", "1,5", "nan", "٣"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no range"):
        thresholds.parse(text)


def test_a_range_is_for_the_measure_that_it_names() -> None:
    ranges = thresholds.parse_all(["balance=20:", "5"], "hits", ("hits", "balance"), "--warning")
    assert {name: str(one) for name, one in ranges.items()} == {"balance": "20:", "hits": "5"}


def test_critical_comes_before_warning_and_what_is_not_known_is_no_alert() -> None:
    warning, critical = thresholds.parse("5"), thresholds.parse("10")
    levels = [Measure("hits", Decimal(number), "", warning, critical).level for number in (5, 6, 11)]
    assert levels == [Level.OK, Level.WARNING, Level.CRITICAL]
    assert Measure("hits", None, "", warning, critical).level is Level.OK
