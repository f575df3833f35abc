"""Ctrl-C in the middle of review and payment: what is under way ends, and the same command goes on."""

import pytest

from tests.support.gates import Call, let_pass
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.works import Work
from tests.support.world import World

pytestmark = pytest.mark.gated


def press_at(world: World, operation: str, count: int, *command: str) -> tuple[int, str]:
    """Run a command, press Ctrl-C when its call of that number arrives; exit code and what it said."""
    started: list[Script] = []

    def press(call: Call) -> None:
        if call.operation == operation and world.gate.count(operation) == count:
            wait_until(lambda: bool(started))
            started[0].press()

    world.gate.before = press
    started.append(world.start(*command, variables={"CROWDOPS_THREADS": "1"}))
    code = started[0].end()
    world.gate.before = let_pass
    return code, started[0].said


@pytest.mark.parametrize("count", [1, 4])
def test_review_stops_after_the_decisions_under_way(world: World, count: int) -> None:
    work = Work(world, units=8)
    work.collect()
    command = ("mturk/review_assignments", "--run", work.run.run_id, "--approve-all", "--yes")
    code, said = press_at(world, "ApproveAssignment", count, *command)
    assert code == 130
    assert "Stopping: the calls under way are finished." in said
    assert said.endswith("Interrupted. The same command goes on where this one stopped.\n")
    done = work.statuses().count("Approved")
    assert f"{done} carried out, 0 were so already, 0 failed." in said
    assert count <= done < 8
    assert work.stored().count("Approved") == done
    again = world.invoke(*command)
    assert (again.exit_code, work.statuses()) == (0, ["Approved"] * 8)


def test_paying_stops_after_the_payments_under_way(world: World) -> None:
    work = Work(world, units=4)
    work.collect()
    path = work.bonuses(*({"n": str(n)} for n in range(4)))
    code, said = press_at(world, "SendBonus", 2, "mturk/pay_bonuses", str(path), "--yes")
    assert code == 130
    assert "2 paid, 0 were so already, 0 failed." in said
    again = world.invoke("mturk/pay_bonuses", str(path), "--yes")
    assert "2 paid, 2 were so already, 0 failed." in again.stderr


def test_an_endpoint_that_falls_silent_ends_it_with_what_was_not_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDOPS_THREADS", "1")
    work = Work(world, units=5)
    work.collect()
    world.gate.after = lambda call: world.gate.shut() if world.gate.count("ApproveAssignment") == 2 else None
    result = world.invoke(
        "mturk/review_assignments", "--run", work.run.run_id, "--approve-all", "--yes", "--timeout", "1.5"
    )
    assert result.exit_code == 1
    assert "did not answer within 1.5 s" in result.stderr
    assert result.stderr.count("not tried: the endpoint does not answer") == 2
    world.gate.after = lambda call: None
    world.gate.open()
    again = world.invoke("mturk/review_assignments", "--run", work.run.run_id, "--approve-all", "--yes")
    assert (again.exit_code, work.statuses()) == (0, ["Approved"] * 5)
