"""Ctrl-C in the middle of review and payment: what is under way ends, and the same command goes on."""

import pytest

from tests.support import kills
from tests.support.gates import Call, Gate
from tests.support.works import Work
from tests.support.worlds import World


def press_at(gated: World, gate: Gate, operation: str, count: int, *command: str) -> tuple[int, str]:
    """Run a command, press Ctrl-C when its call of that number arrives; exit code and what it said."""
    started = []

    def press(call: Call) -> None:
        if call.operation == operation and gate.count(operation) == count:
            started[0].press()

    gate.before = press
    gate.shut()
    started.append(kills.start(gated, *command))
    gate.open()
    code = started[0].end()
    gate.before = lambda call: None
    return code, started[0].said


@pytest.mark.parametrize("count", [1, 4])
def test_review_stops_after_the_decisions_under_way(gated: World, gate: Gate, count: int) -> None:
    work = Work(gated, units=8)
    work.collect()
    command = ("mturk/review_assignments", "--run", work.run.run_id, "--approve-all", "--yes")
    code, said = press_at(gated, gate, "ApproveAssignment", count, *command)
    assert code == 130
    assert "Stopping: the calls under way are finished." in said
    assert said.endswith("Interrupted. The same command goes on where this one stopped.\n")
    done = work.statuses().count("Approved")
    assert f"{done} carried out, 0 were so already, 0 failed." in said
    assert count <= done < 8
    assert work.stored().count("Approved") == done
    again = gated.invoke(*command)
    assert (again.exit_code, work.statuses()) == (0, ["Approved"] * 8)


def test_paying_stops_after_the_payments_under_way(gated: World, gate: Gate) -> None:
    work = Work(gated, units=4)
    work.collect()
    path = work.bonuses(*({"n": str(n)} for n in range(4)))
    code, said = press_at(gated, gate, "SendBonus", 2, "mturk/pay_bonuses", str(path), "--yes")
    assert code == 130
    assert "2 paid, 0 were so already, 0 failed." in said
    again = gated.invoke("mturk/pay_bonuses", str(path), "--yes")
    assert "2 paid, 2 were so already, 0 failed." in again.stderr


def test_an_endpoint_that_falls_silent_ends_it_with_what_was_not_tried(
    gated: World, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDOPS_THREADS", "1")
    work = Work(gated, units=5)
    work.collect()
    gate.after = lambda call: gate.shut() if gate.count("ApproveAssignment") == 2 else None
    result = gated.invoke(
        *("mturk/review_assignments", "--run", work.run.run_id, "--approve-all", "--yes", "--timeout", "1.5")
    )
    assert result.exit_code == 1
    assert "did not answer within 1.5 s" in result.stderr
    assert result.stderr.count("not tried: the endpoint does not answer") == 2
    gate.after = lambda call: None
    gate.open()
    again = gated.invoke("mturk/review_assignments", "--run", work.run.run_id, "--approve-all", "--yes")
    assert (again.exit_code, work.statuses()) == (0, ["Approved"] * 5)
