"""Decisions, and the bonuses and soft blocks that they ask for, are carried out together."""

from decimal import Decimal
from typing import Any

import pytest

from crowdops.context import Context
from crowdops.registry import Decision
from crowdops.review import review
from crowdops.workers import blocks
from tests.support.works import Work

AT_TERMINAL = review.Method(None)


def test_soft_blocks_that_an_interrupt_came_before_are_made_the_next_time(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDOPS_THREADS", "1")
    with Context.open(work.world.settings) as context:
        for number in (0, 1):
            decision = Decision(work.assignments[number], work.worker(number), "approve")
            context.registry.put_decision(decision._replace(bonus=Decimal("0.10"), soft_block=True), "noted")
        approve = context.provider.approve

        def approve_and_press(*args: Any, **options: Any) -> None:
            approve(*args, **options)
            context.interrupts.count += 1

        monkeypatch.setattr(context.provider, "approve", approve_and_press)
        plan = review.plan(context.registry, AT_TERMINAL, [work.run])
        result = review.carry_out(context, plan, [work.run])
        assert (result.done, result.interrupted, result.failed) == (1, True, [])
        assert len(context.registry.unfinished_decisions([work.run.run_id])) == 2
    with Context.open(work.world.settings) as context:
        plan = review.plan(context.registry, AT_TERMINAL, [work.run])
        result = review.carry_out(context, plan, [work.run])
        assert plan.selected == 3
        assert (result.done, result.already, result.interrupted) == (3, 1, False)  # the bonuses count, too
        assert context.registry.unfinished_decisions([work.run.run_id]) == []
        blocked = [worker.worker_id for worker in blocks.blocked_workers(context.provider, "pilot-1")]
    assert blocked == [work.worker(0), work.worker(1)]
