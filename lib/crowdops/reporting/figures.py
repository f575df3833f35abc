"""The report's charts, each with a caption and the same numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from crowdops.reporting import charts, words
from crowdops.reporting.charts import Chart, Number, Series
from crowdops.reporting.costs import Costs, Day
from crowdops.reporting.pay import Pay
from crowdops.reporting.progress import Point, Progress
from crowdops.reporting.spread import Bar

MOST_ROWS = 12  # of a table under a chart of a time line
FEWEST_DAYS, MOST_DAYS = 5, 60  # bars of a chart of days; more days are put together


class Table(NamedTuple):
    """Headers, and rows of texts; all columns but the first are numbers."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


class Figure(NamedTuple):
    """A chart, what it shows in a sentence, the names of its colours, and its numbers."""

    drawing: Markup
    caption: str
    legend: Sequence[str]
    table: Table


def of_progress(progress: Progress) -> Figure | None:
    """Return the answers over time, in all, beside how many are wanted."""
    points, asked = progress.points, max(progress.asked, progress.answers)
    if len(points) < 2:
        return None
    span = (points[-1].at - points[0].at).total_seconds()
    caption = "How many answers had come in, from the first to the last (UTC)"
    chart = Chart(
        says=f"{caption}: {words.count(points[-1].answers)} of {words.count(asked)}.",
        labels=[],
        below=[words.clock(point.at, span) for point in points],
        series=[
            Series("answers", [point.answers for point in points]),
            Series("asked for", [asked] * len(points)),
        ],
        shown=_whole,
    )
    rows = [[words.moment(point.at, span), words.count(point.answers)] for point in _few(points)]
    table = Table(["moment", "answers in all"], rows)
    return Figure(charts.lines(chart), caption, ["answers", "asked for"], table)


def of_durations(bars: Sequence[Bar], what: str) -> Figure | None:
    """Return a chart of time spans: how many of what took how long."""
    labels = _ranges(bars, words.duration)
    return _of_bars(bars, labels, f"How many {what} took how long", what)


def of_waits(bars: Sequence[Bar]) -> Figure | None:
    """Return how many assignments waited how long for a decision."""
    labels = _ranges(bars, words.duration)
    return _of_bars(bars, labels, "How many assignments waited how long", "assignments")


def of_pay(pay: Pay) -> Figure | None:
    """Return how many workers got how much an hour. A bar has the colour of its middle."""
    if not pay.bars:
        return None
    limits = sorted({pay.floor, pay.line} - ({pay.floor} if pay.floor > pay.line else set()))
    levels = [sum((bar.start + bar.end) / 2 >= limit for limit in limits) for bar in pay.bars]
    labels = _ranges(pay.bars, _dollars)
    names = [*(f"below {words.money(limit)}" for limit in limits), "at the line or above"]
    caption = "How many workers got how much an hour" + _tail(pay.bars)
    chart = Chart(
        says=_says(caption, pay.bars, labels),
        labels=labels,
        below=[_dollars(bar.start) for bar in pay.bars],
        series=[
            Series(
                "workers",
                [bar.number * (is_at == level) for bar, is_at in zip(pay.bars, levels, strict=True)],
            )
            for level in range(len(names))
        ],
        shown=_whole,
    )
    return Figure(charts.bars(chart), caption, names, _table("dollars an hour", "workers", pay.bars, labels))


def of_days(costs: Costs) -> Figure | None:
    """Return what was spent by day, or by so many days together that the bars stay few."""
    spans = by_days(costs.days)
    if not spans:
        return None
    width = _width(costs.days)
    caption = "What was spent, by day (UTC)" if width == 1 else f"What was spent, by {width} days (UTC)"
    names = ["rewards", "bonuses", "fees"]
    parts = [
        [float(day.rewards) for day in spans],
        [float(day.bonuses) for day in spans],
        [float(day.fees + day.bonus_fees) for day in spans],
    ]
    chart = Chart(
        says=f"{caption}: {words.money(costs.spent)} in all.",
        labels=[f"{day.day:%d %b}" for day in spans],
        below=[f"{day.day:%d %b}" for day in spans],
        series=[Series(name, values) for name, values in zip(names, parts, strict=True)],
        shown=_dollars,
        is_whole=False,
    )
    return Figure(charts.bars(chart), caption, names, _table_of_days(costs.days, spans, width))


def _table_of_days(days: Sequence[Day], spans: Sequence[Day], width: int) -> Table:
    undated = [day for day in days if day.day is None]
    rows = [
        [
            words.day(day.day) if day.day else "no moment known",
            words.count(day.approved),
            words.money(day.rewards),
            words.money(day.bonuses),
            words.money(day.fees + day.bonus_fees),
            words.money(day.spent),
            words.money(day.so_far),
        ]
        for day in [*undated, *spans]
        if day.spent or day.approved
    ]
    first = "day" if width == 1 else f"{width} days from"
    return Table([first, "approved", "rewards", "bonuses", "fees", "spent", "so far"], rows)


def by_days(days: Sequence[Day]) -> list[Day]:
    """Return a calendar of the days until the last, FEWEST_DAYS at least, as many together as are needed.

    What has no moment is not among them.
    """
    dated = [(day.day, day) for day in days if day.day is not None]
    if not dated:
        return []
    width = _width(days)
    first = min(dated[0][0], dated[-1][0] - timedelta(days=FEWEST_DAYS - 1))
    groups: dict[int, list[Day]] = {}
    for on, day in dated:
        groups.setdefault((on - first).days // width, []).append(day)
    so_far = dated[0][1].so_far - dated[0][1].spent
    spans = []
    for number in range(max(groups) + 1):
        spans.append(_together(first + timedelta(days=number * width), groups.get(number, []), so_far))
        so_far = spans[-1].so_far
    return spans


def _together(start: date, days: Sequence[Day], before: Decimal) -> Day:
    zero = Decimal("0.00")
    spent = sum((day.spent for day in days), zero)
    return Day(
        day=start,
        approved=sum(day.approved for day in days),
        rewards=sum((day.rewards for day in days), zero),
        fees=sum((day.fees for day in days), zero),
        bonuses=sum((day.bonuses for day in days), zero),
        bonus_fees=sum((day.bonus_fees for day in days), zero),
        spent=spent,
        so_far=before + spent,
    )


def _width(days: Sequence[Day]) -> int:
    dated = [day.day for day in days if day.day is not None]
    return math.ceil(((dated[-1] - dated[0]).days + 1) / MOST_DAYS) if dated else 1


def _of_bars(bars: Sequence[Bar], labels: Sequence[str], caption: str, what: str) -> Figure | None:
    if not bars:
        return None
    caption += _tail(bars)
    counts = [bar.number for bar in bars]
    starts = [words.duration(bar.start) for bar in bars]
    chart = Chart(_says(caption, bars, labels), labels, starts, [Series(what, counts)], _whole)
    return Figure(charts.bars(chart), caption, [], _table("from, to", what, bars, labels))


def _table(first: str, what: str, bars: Sequence[Bar], labels: Sequence[str]) -> Table:
    rows = [[label, words.count(bar.number)] for label, bar in zip(labels, bars, strict=True)]
    return Table([first, what], rows)


def _says(caption: str, bars: Sequence[Bar], labels: Sequence[str]) -> str:
    most, label = max(zip((bar.number for bar in bars), labels, strict=True), key=lambda pair: pair[0])
    return f"{caption}: most, {words.count(most)}, are at {label}."


def _ranges(bars: Sequence[Bar], shown: Callable[[float], str]) -> list[str]:
    """Return where each bar begins and ends. The last one ends where the numbers do."""
    return [
        shown(bar.start) if bar.start == bar.end else f"{shown(bar.start)} – {shown(bar.end)}" for bar in bars
    ]


def _few(points: Sequence[Point]) -> list[Point]:
    """Return points of a time line at equal distances, the last one among them."""
    every = math.ceil(len(points) / MOST_ROWS)
    return list(reversed(list(reversed(points))[::every]))


def _tail(bars: Sequence[Bar]) -> str:
    """Return a word on the last bar where it takes more than its width."""
    first, last = bars[0], bars[-1]
    is_wide = last.end - last.start > 1.01 * (first.end - first.start)
    return "; the last bar has all above" if len(bars) > 1 and is_wide else ""


def _whole(value: Number) -> str:
    return f"{value:,g}"


def _dollars(value: Number) -> str:
    return f"${value:,.2f}".removesuffix(".00")
