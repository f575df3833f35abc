"""max_cost is a wall: no call that could take the run over it is made."""

from crowdops.budgets import Budget
from tests.crowds import wait_until
from tests.review.works import Work, write_csv
from tests.runs.worlds import World as Launching


def test_a_run_whose_bonuses_used_up_its_max_cost_drains_and_says_so(launching: Launching) -> None:
    launch = launching.launch(units=4, max_num_concurrent_units=1, max_cost="0.30")  # $0.06 a unit
    wait_until(lambda: bool(launching.hand.open_hits()), 30)
    launching.hand.do(launching.hand.open_hits()[0])
    wait_until(lambda: launching.collected(), 30)
    [(assignment_id, worker_id)] = launching.query("SELECT assignment_id, worker_id FROM assignments")
    bonus = {"assignment_id": assignment_id, "worker_id": worker_id, "amount": "0.10", "reason": "Fast"}
    paid = launching.script("mturk.pay_bonuses", str(write_csv(launching.folder / "b.csv", [bonus])), "--yes")
    assert paid.exit_code == 0, paid.stderr
    wait_until(lambda: bool(launching.hand.open_hits()), 30)
    launching.hand.do(launching.hand.open_hits()[0], "AWORKER2")
    wait_until(lambda: len(launching.collected()) == 2, 30)
    wait_until(lambda: bool(launching.hand.open_hits()) or launch.process.poll() is not None, 30)
    if launching.hand.open_hits():
        launching.hand.do(launching.hand.open_hits()[0], "AWORKER3")
    assert launch.end() == 1
    assert "$0.06 more would take the run over its max_cost: $0.30 of $0.30 are bound" in launch.said
    assert launching.units(launch.run_id) == {"planned": 1, "finished": 3}
    assert len(launching.hand.hits()) == 3


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
