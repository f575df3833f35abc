"""max_cost is a wall: no call that could take the run over it is made."""

from decimal import Decimal

from crowdops.context import Context
from crowdops.payments import bonus_plans, bonuses
from crowdops.payments.budgets import Budget
from tests.support.processes import wait_until
from tests.support.works import Work, write_csv
from tests.support.world import World


def test_a_run_whose_bonuses_used_up_its_max_cost_drains_and_says_so(world: World) -> None:
    launch = world.launch_run(units=4, max_num_concurrent_units=1, max_cost="0.30")  # $0.06 a unit
    wait_until(lambda: bool(world.open_hits()), 30)
    world.do(world.open_hits()[0])
    wait_until(world.collected, 30)
    [(assignment_id, worker_id)] = world.sql("SELECT assignment_id, worker_id FROM assignments")
    bonus = {"assignment_id": assignment_id, "worker_id": worker_id, "amount": "0.10", "reason": "Fast"}
    paid = world.invoke("mturk/pay_bonuses", str(write_csv(world.folder / "b.csv", [bonus])), "--yes")
    assert paid.exit_code == 0, paid.stderr
    wait_until(lambda: bool(world.open_hits()), 30)
    world.do(world.open_hits()[0], "AWORKER2")
    wait_until(lambda: len(world.collected()) == 2, 30)
    wait_until(lambda: bool(world.open_hits()) or launch.process.poll() is not None, 30)
    if world.open_hits():
        world.do(world.open_hits()[0], "AWORKER3")
    assert launch.end() == 1
    assert "$0.06 more would take the run over its max_cost: $0.30 of $0.30 are bound" in launch.said
    assert world.units(launch.run_id) == {"planned": 1, "finished": 3}
    assert len(world.hits()) == 3


def test_a_rejection_makes_room_again(work: Work) -> None:
    with work.world.registry() as registry:
        before = Budget(registry, work.run).bound
    path = work.decisions(
        {"n": "0", "decision": "reject", "feedback": "No"}, {"n": "1", "decision": "approve"}
    )
    assert work.review("--apply", str(path), "--yes").exit_code == 0
    with work.world.registry() as registry:
        after = Budget(registry, work.run).bound
    assert (str(before), str(after)) == ("0.18", "0.12")


def test_taking_a_rejection_back_must_not_take_a_run_over_its_max_cost(world: World) -> None:
    work = Work(world, units=3, more='max_cost = "0.18"\n')  # $0.06 a unit: all of it is bound
    work.collect()
    rejected = work.decisions(*({"n": str(n), "decision": "reject", "feedback": "No"} for n in range(2)))
    assert work.review("--apply", str(rejected), "--yes").exit_code == 0
    bonus = work.bonuses({"n": "2", "amount": "0.05"})  # what one rejection has freed
    assert world.invoke("mturk/pay_bonuses", str(bonus), "--yes").exit_code == 0
    back = work.decisions(*({"n": str(n), "decision": "approve"} for n in range(2)))
    world.crowd.control("calls", method="DELETE")
    result = work.review("--apply", str(back), "--yes", "--override-rejection")
    assert result.exit_code == 1
    assert "row 2: $0.06 more would take the run over its max_cost: $0.18 of $0.18 are bound" in result.stderr
    assert work.statuses() == ["Approved", "Rejected", "Submitted"]
    assert world.crowd.calls()["ApproveAssignment"]["ok"] == 1


def test_a_bonus_that_the_run_has_overtaken_since_it_was_planned_is_not_sent(world: World) -> None:
    work = Work(world, units=3, more='max_cost = "0.31"\n')
    work.collect()
    path = work.bonuses({"n": "0", "amount": "0.10"})
    with Context.open(world.settings) as context:
        registry = context.registry
        plan = bonus_plans.plan_file(registry, bonus_plans.read(path), [work.run])
        assert plan.total == Decimal("0.12")
        registry.add_units(work.run.run_id, [(3, {"text": "one more"})])
        assert len(registry.intend(work.run.run_id, 1)) == 1  # as the process does that attends the run
        paid = bonuses.pay(context, plan.due)
        assert registry.bonuses(work.assignments[0], work.worker(0)) == []
    why = (
        "row 1: $0.12 more would take the run over its max_cost: $0.24 of $0.31 are bound."
        f" Raise it: make raise-max-cost RUN={work.run.run_id} ARGS=0.36"
    )
    assert (paid.done, paid.failed) == (0, [(work.assignments[0], why)])
    listed = world.client.list_bonus_payments(AssignmentId=work.assignments[0])["BonusPayments"]
    assert listed == []
