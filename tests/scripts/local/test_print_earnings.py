"""print_earnings says what each worker is owed for a period, to the cent of the server's ledger."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from crowdops.errors import UsageError
from crowdops.workers.earnings import Period, in_words, read_period
from crowdserver.storage import schema
from tests.support.workers import Workers
from tests.support.world import World

SCRIPT = "local/print_earnings"
TODAY = date(2026, 3, 15)


def test_periods_are_whole_days_that_end_before_their_last() -> None:
    november = Period(date(2026, 11, 1), date(2026, 12, 1))
    assert read_period("2026-11", None, None, TODAY) == november
    assert read_period(None, "2026-11-01", "2026-12-01", TODAY) == november
    assert read_period("2026-12", None, None) == Period(date(2026, 12, 1), date(2027, 1, 1))
    assert read_period(None, None, None, TODAY) == Period(date(2026, 2, 1), date(2026, 3, 1))
    assert read_period(None, None, None, date(2026, 1, 1)) == Period(date(2025, 12, 1), date(2026, 1, 1))
    assert read_period(None, "2026-03-01", None, TODAY) == Period(date(2026, 3, 1), TODAY)
    assert in_words(november, november.until).endswith("the last day not included.")
    assert "It is not over yet" in in_words(november, TODAY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("2026-13", None, None), "'2026-13' is no month"),
        ((None, "2026-02-30", None), "'2026-02-30' is no day"),
        ((None, "1.2.2026", None), "'1.2.2026' is no day"),
        ((None, "2026-02-02", "2026-02-02"), "There is no day"),
        ((None, None, "2026-02-02"), "--until means nothing without --since"),
        (("2026-02", "2026-02-02", None), "--since means nothing with --month"),
    ],
)
def test_what_is_no_period_is_refused(options: tuple[str | None, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_period(*options, today=TODAY)


def test_each_cent_is_in_one_period_and_all_of_them_are_the_servers_ledger(world: World) -> None:
    names = {"AADA": "=Ada", "ABEN": "Ben"}
    for worker_id, name in names.items():
        world.invoke("local/invite_workers", "--worker-id", worker_id, "--name", name)
    workers = Workers(world.crowd)
    run = world.launch(units=3, assignments=2)
    done = [workers.do(hit_id, worker_id) for hit_id in world.hit_ids(run) for worker_id in names]
    before = world.client.get_account_balance()
    for assignment_id in done[:4]:
        world.client.approve_assignment(AssignmentId=assignment_id)
    world.client.reject_assignment(AssignmentId=done[4], RequesterFeedback="no")
    world.client.send_bonus(AssignmentId=done[1], WorkerId="ABEN", BonusAmount="0.07", Reason="Thanks")
    # The first was approved with the last second of the day before, the second with the first of the day.
    midnight = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
    with world.crowd.database.write() as tx:
        for assignment_id, moment in ((done[0], -0.001), (done[1], 0.0)):
            at = midnight.timestamp() + moment
            tx.execute(
                update(schema.assignments)
                .where(schema.assignments.c.id == assignment_id)
                .values(approved_at=at)
            )
    today = midnight.date()
    days = [today - timedelta(days=1), today, today + timedelta(days=1)]
    parts = [
        world.json(SCRIPT, "--since", str(since), "--until", str(until))
        for since, until in zip(days, days[1:], strict=False)
    ]
    whole = world.json(SCRIPT, "--since", str(days[0]), "--until", str(days[2]))
    assert [person["approved"] for part in parts for person in part["earnings"]] == [1, 1, 2]
    assert sum(Decimal(part["total"]) for part in parts) == Decimal(whole["total"])

    with world.crowd.database.read() as tx:
        fee = Decimal(tx.execute(select(schema.hits.c.fee)).scalars().first()) / 100
    spent = Decimal(before["AvailableBalance"]) + Decimal(before["OnHoldBalance"])
    after = world.client.get_account_balance()
    spent -= Decimal(after["AvailableBalance"]) + Decimal(after["OnHoldBalance"])
    assert Decimal(whole["total"]) == spent - 4 * fee - Decimal("0.01")  # the fees, one of them the bonus's

    rows = list(
        csv.DictReader(
            io.StringIO(world.invoke(SCRIPT, "--since", str(days[0]), "--until", str(days[2])).stdout)
        )
    )
    assert list(rows[0]) == ["worker_id", "name", "since", "until", "approved", "rewards", "bonuses", "total"]
    assert [row["name"] for row in rows] == ["'=Ada", "Ben"]
    assert [row["bonuses"] for row in rows] == ["0.00", "0.07"]
    assert sum(Decimal(row["total"]) for row in rows) == Decimal(whole["total"])
    assert world.json(SCRIPT)["earnings"] == []
