"""Runs of any price whose work meets any fate, and what the crowd server's ledger says of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st
from sqlalchemy import select

from crowdserver.storage import schema
from tests.support.works import Work
from tests.support.world import World

FUNDS = Decimal("10000.00")  # what an empty world's account has


class Lot(NamedTuple):
    """A run, what it costs, and what happens to each of its assignments."""

    reward: Decimal
    workers: int
    fates: list[tuple[str, Decimal | None]]  # approve, reject or leave; a bonus

    def launch(self, world: World, task_name: str) -> Work:
        """Launch the run and let a worker do one assignment of each unit; all of it is collected."""
        work = Work(
            world,
            len(self.fates),
            self.workers,
            task_name=task_name,
            done=False,
            given=(f"task_reward={self.reward}",),
        )
        work.assignments = [world.do(hit_id, "AWORKER1", label="cat") for hit_id in work.hits]
        work.collect()
        return work

    def payments(self, work: Work) -> Iterator[tuple[str, ...]]:
        """Yield the commands that bring the fates about, --yes excepted."""
        decisions = [
            {"n": str(number), "decision": verdict, "feedback": "Why", "bonus": str(bonus or "")}
            for number, (verdict, bonus) in enumerate(self.fates)
            if verdict
        ]
        if decisions:
            path = work.decisions(*decisions)
            yield "mturk/review_assignments", "--run", work.run.run_id, "--apply", str(path)
        bonuses = [
            {"n": str(number), "amount": str(bonus)}
            for number, (verdict, bonus) in enumerate(self.fates)
            if not verdict and bonus
        ]
        if bonuses:
            yield "mturk/pay_bonuses", str(work.bonuses(*bonuses))


def dollars(most: int) -> st.SearchStrategy[Decimal]:
    """Amounts from a cent to so many cents."""
    return st.integers(1, most).map(lambda cents: Decimal(cents).scaleb(-2))


LOTS = st.builds(
    Lot,
    reward=dollars(300),
    workers=st.sampled_from([1, 2, 10]),
    fates=st.lists(
        st.tuples(st.sampled_from(["approve", "reject", ""]), st.one_of(st.none(), dollars(200))),
        min_size=2,
        max_size=6,
    ),
)


def ledger(world: World) -> tuple[Decimal, Decimal]:
    """What the server says was spent, and what it holds."""
    with world.crowd.database.read() as tx:
        row = tx.execute(select(schema.account)).one()
    return FUNDS - Decimal(row.funds).scaleb(-2), Decimal(row.held).scaleb(-2)


def paid_bonuses(world: World) -> Decimal:
    """The sum of all bonuses that the server has paid, without fees."""
    with world.crowd.database.read() as tx:
        cents = sum(tx.execute(select(schema.bonuses.c.amount)).scalars())
    return Decimal(cents).scaleb(-2)
