"""The charts' numbers as tables, and days put together."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from crowdops.reporting import figures
from crowdops.reporting.costs import Costs, Day
from crowdops.reporting.progress import Point, Progress
from crowdops.reporting.spread import Bar
from tests.support.run_reports import make_report

START = date(2026, 1, 1)
ZERO = Decimal(0)


def spent_on(days: list[int]) -> list[Day]:
    made, so_far = [], ZERO
    for number in days:
        so_far += Decimal("1.20")
        on = START + timedelta(days=number)
        made.append(Day(on, 1, Decimal("1.00"), Decimal("0.20"), ZERO, ZERO, Decimal("1.20"), so_far))
    return made


def costs(days: list[Day]) -> Costs:
    spent = sum((day.spent for day in days), ZERO)
    return Costs(len(days), spent, ZERO, ZERO, ZERO, spent, 0, ZERO, ZERO, spent, None, days)


def test_days_without_spending_have_their_place() -> None:
    calendar = figures.by_days(spent_on([0, 1, 4]))
    assert [day.day for day in calendar] == [START + timedelta(days=number) for number in range(5)]
    assert [day.so_far for day in calendar] == [
        Decimal(text) for text in ("1.20", "2.40", "2.40", "2.40", "3.60")
    ]


def test_many_days_are_put_together_and_nothing_is_lost() -> None:
    days = spent_on(list(range(0, 800, 3)))
    calendar = figures.by_days(days)
    assert len(calendar) <= figures.MOST_DAYS
    assert sum(day.spent for day in calendar) == sum(day.spent for day in days) == calendar[-1].so_far
    figure = figures.of_days(costs(days))
    assert figure and "by 14 days" in figure.caption and figure.table.rows[-1][-1] == "$320.40"


def test_what_has_no_moment_is_in_the_table_and_not_in_the_chart() -> None:
    undated = Day(None, 2, Decimal("5.00"), ZERO, ZERO, ZERO, Decimal("5.00"), Decimal("5.00"))
    dated = [day._replace(so_far=day.so_far + 5) for day in spent_on([0, 1])]
    figure = figures.of_days(costs([undated, *dated]))
    assert figure
    assert [row[0] for row in figure.table.rows] == ["no moment known", "2026-01-01", "2026-01-02"]
    assert figure.table.rows[-1][-1] == "$7.40" and "$5" not in figure.drawing
    assert figures.of_days(costs([undated])) is None and figures.of_days(costs([])) is None


def test_a_line_of_two_hundred_points_has_a_short_table_with_the_last() -> None:
    figure = figures.of_progress(make_report().progress)
    assert figure and len(figure.table.rows) <= figures.MOST_ROWS
    assert figure.table.rows[-1] == ["2026-11-25 08:45 UTC", "57"]
    alone = Progress(1, 2, 0, None, None, [Point(datetime(2026, 1, 1, tzinfo=UTC), 1)])
    assert figures.of_progress(alone) is None


def test_bars_of_pay_are_told_apart_by_line_and_floor() -> None:
    pay = make_report().pay._replace(bars=[Bar(4.0, 8.0, 1), Bar(8.0, 12.0, 2), Bar(12.0, 90.0, 4)])
    figure = figures.of_pay(pay)
    assert figure and figure.legend == ["below $8.00", "below $12.00", "at the line or above"]
    assert "the last bar has all above" in figure.caption
    assert [row[1] for row in figure.table.rows] == ["1", "2", "4"]
    low = figures.of_pay(pay._replace(line=Decimal("5.00")))
    assert low and low.legend == ["below $5.00", "at the line or above"]
    assert figures.of_pay(pay._replace(bars=[])) is None


def test_a_single_day_stands_at_the_end_of_a_few() -> None:
    calendar = figures.by_days(spent_on([0]))
    assert len(calendar) == figures.FEWEST_DAYS and calendar[-1].day == START
    assert [day.so_far for day in calendar] == [ZERO, ZERO, ZERO, ZERO, Decimal("1.20")]
