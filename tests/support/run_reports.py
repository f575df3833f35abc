"""Reports made of values of our own, for tests of what a page shows of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crowdops.registry.tally import Tally
from crowdops.reporting import spread
from crowdops.reporting.agreement import Agreement, DisputedUnit, FieldAgreement, ValueCount
from crowdops.reporting.approval import Approval, Reason
from crowdops.reporting.costs import Costs, Day
from crowdops.reporting.durations import Durations
from crowdops.reporting.outcome import RunOutcome
from crowdops.reporting.pay import Pay
from crowdops.reporting.progress import Point, Progress
from crowdops.reporting.report import Report, ServerRow
from crowdops.reporting.worker_table import WorkerRow

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def make_report(workers: int = 6, units: int = 20, runs: int = 1, seed: int = 1) -> Report:
    """Return a report with something in each of its parts; the same for the same seed."""
    chance = random.Random(seed)
    rows = [_worker(number, chance) for number in range(workers)]
    hourly = [row.hourly_pay for row in rows if row.hourly_pay]
    seconds = [chance.lognormvariate(4, 0.5) for _ in range(3 * units)]
    waits = [chance.uniform(600, 200_000) for _ in range(3 * units)]
    outcomes = [_run(number, units) for number in range(runs)]
    return Report(
        title=", ".join(dict.fromkeys(run.task_name for run in outcomes)),
        made_at=START + timedelta(days=3),
        as_of=START + timedelta(days=3, minutes=-2),
        anonymous=False,
        verdict=outcomes[0].verdict,
        next_command=outcomes[0].next_command,
        runs=outcomes,
        costs=_costs(units, runs),
        progress=_progress(3 * units * runs),
        durations=Durations(spread.spread(seconds), spread.bars(seconds), 2),
        pay=_pay(hourly),
        agreement=Agreement([_field("label", 0.71, units), _field("confidence", 0.31, units)], 1, 2, 3),
        workers=rows,
        approval=_approval(waits),
        servers=[_server(number) for number in range(runs)],
        top_ups=[],
    )


def with_texts(value: Any, make: Callable[[str], str]) -> Any:
    """Return a report, or a part of one, with each text in it made anew."""
    if isinstance(value, str):
        return make(value)
    if isinstance(value, list):
        return [with_texts(part, make) for part in value]
    if isinstance(value, dict):
        return {make(name): with_texts(part, make) for name, part in value.items()}
    if hasattr(value, "_fields"):
        return type(value)(*(with_texts(part, make) for part in value))
    return value


def _run(number: int, units: int) -> RunOutcome:
    tally = Tally(units - 1, 1, 0, 0, 0, 3 * units - 3, 3 * units)
    run_id = f"20261123-09000{number % 10}-k3f{number}"
    return RunOutcome(
        run_id=run_id,
        task_name=f"pilot-{number + 1}",
        environment="local",
        endpoint="http://127.0.0.1:8730",
        state="finished",
        condition="ended",
        reason="no submission for 12 hours" if number == 0 else None,
        created_at=START,
        ended_at=START + timedelta(days=2),
        tally=tally,
        assignments_per_unit=3,
        reward=Decimal("0.20"),
        unreviewed=4,
        spent=Decimal("15.60"),
        bound=Decimal("16.56"),
        max_cost=Decimal("20.00"),
        verdict=f"finished: {tally.describe()}; 4 not reviewed.",
        next_command=f"make review RUN={run_id}",
    )


def _worker(number: int, chance: random.Random) -> WorkerRow:
    seconds, done = chance.lognormvariate(4, 0.5), chance.randint(1, 40)
    hourly = 3600 * 0.20 / seconds
    compared, agreed = done, round(done * chance.uniform(0.5, 1))
    return WorkerRow(
        worker_id=f"A{chance.randrange(10**12):012}",
        assignments=done,
        approved=done - done // 10,
        rejected=done // 10,
        unreviewed=0,
        median_seconds=seconds,
        is_fast=number == 1,
        compared=compared,
        agreed=agreed,
        agreement=agreed / compared,
        gold_answered=done // 3,
        gold_right=done // 4,
        gold_accuracy=(done // 4) / (done // 3) if done // 3 else None,
        earned=Decimal("0.20") * done,
        hourly_pay=hourly,
        lift=Decimal("0.37") if hourly < 12 else Decimal(0),
    )


def _field(name: str, alpha: float, units: int) -> FieldAgreement:
    top = [ValueCount("positive", 2 * units), ValueCount("negative", units), ValueCount("can't tell", 3)]
    disputed = [
        DisputedUnit(
            run_id="20261123-090000-k3f0",
            task_name="pilot-1",
            unit_index=7 * number,
            agreement=number / 30,
            answers=[ValueCount("positive", 1), ValueCount("negative", 1), ValueCount("can't tell", 1)],
            others=number,
            input={
                "text": "The hotel was fine, but the food was not what I had hoped for.",
                "id": f"r{number}",
            },
        )
        for number in range(min(units, 10))
    ]
    return FieldAgreement(name, 3 * units - 1, 1, units, 0.5 + alpha / 2, alpha, 3, top, disputed)


def _progress(asked: int) -> Progress:
    moments = [START + timedelta(minutes=14.4 * number) for number in range(200)]
    answers = [round(0.95 * asked * (number / 199) ** 0.5) for number in range(200)]
    points = [Point(at, count) for at, count in zip(moments, answers, strict=True)]
    return Progress(answers[-1], asked, 1, moments[0], moments[-1], points)


def _pay(hourly: list[float]) -> Pay:
    below = sum(value < 12 for value in hourly)
    return Pay(
        line=Decimal("12.00"),
        floor=Decimal("8.00"),
        by_worker=spread.spread(hourly),
        with_rejected=spread.spread([0.9 * value for value in hourly]),
        bars=spread.bars(hourly),
        below_line=below,
        below_floor=sum(value < 8 for value in hourly),
        lifted_workers=below,
        lift=Decimal("4.20"),
        lift_cost=Decimal("5.04"),
        due_workers=max(0, below - 1),
        due=Decimal("3.90"),
        due_cost=Decimal("4.68"),
        unreviewed=4,
        rejected=3,
        untimed=2,
    )


def _approval(waits: list[float]) -> Approval:
    return Approval(
        waits=spread.spread(waits),
        bars=spread.bars(waits),
        approved=50,
        rejected=3,
        undated=1,
        waiting=4,
        oldest=START + timedelta(hours=3),
        next_auto_approval=START + timedelta(days=7),
        reasons=[Reason("The answer is blank, which the instructions rule out.", 2, 1), Reason(None, 1, 1)],
        other_rejections=1,
    )


def _costs(units: int, runs: int) -> Costs:
    days, so_far = [], Decimal("0.24")
    days.append(Day(None, 1, Decimal("0.20"), Decimal("0.04"), Decimal(0), Decimal(0), so_far, so_far))
    for number in (0, 1, 4):
        rewards = Decimal("0.20") * units * runs
        spent = rewards * Decimal("1.2") + Decimal("1.20")
        so_far += spent
        on = date(2026, 11, 23) + timedelta(days=number)
        days.append(
            Day(on, units * runs, rewards, rewards / 5, Decimal("1.00"), Decimal("0.20"), spent, so_far)
        )
    return Costs(
        approved=3 * units * runs + 1,
        rewards=sum((day.rewards for day in days), Decimal(0)),
        fees=sum((day.fees for day in days), Decimal(0)),
        bonuses=Decimal("3.00"),
        bonus_fees=Decimal("0.60"),
        spent=so_far,
        unreviewed=4,
        unreviewed_cost=Decimal("0.96"),
        to_spend=Decimal("0.96"),
        bound=so_far + Decimal("0.96"),
        budget=so_far + Decimal("5.00"),
        days=days,
    )


def _server(number: int) -> ServerRow:
    return ServerRow(
        name=f"crowdops-pilot-{number + 1}-1a2b3c4d",
        kind="heroku",
        run_id=f"20261123-09000{number % 10}-k3f{number}",
        task_name=f"pilot-{number + 1}",
        state="gone",
        url=f"https://crowdops-pilot-{number + 1}-1a2b3c4d.herokuapp.com",
        created_at=START,
        ended_at=START + timedelta(days=2),
        seconds=172_800.0,
    )
