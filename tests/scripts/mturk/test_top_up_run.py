"""top_up_run: each unit gets the answers that it lacks, from others than before, and not one more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crowdops.registry import Run
from crowdops.runs import top_up_view
from crowdops.runs.lacks import Lacks
from crowdserver.worker.refusals import Refused
from tests.support.gates import Call
from tests.support.processes import wait_until
from tests.support.quality import quality
from tests.support.scripts import Script
from tests.support.world import World

SCRIPT = "mturk/top_up_run"
NOT_KNOWN = "and that of this run is not known since the registry was rebuilt"
CREATING = {"CreateHITWithHITType", "CreateAdditionalAssignmentsForHIT", "UpdateExpirationForHIT"}


def ended(world: World, *, units: int = 4, assignments: int = 2, **parts: Any) -> Run:
    """A run at its end: unit 0 is done, 1 has one answer of two, 2 has none, the rest have one rejected."""
    run = world.launch(units=units, assignments=assignments, **parts)
    hits = world.hit_ids(run)
    for hit_id in [hits[0], *hits[3:]]:
        for worker in range(assignments):
            world.do(hit_id, f"AWORKER{worker + 1}")
    world.do(hits[1], "AWORKER1")
    for hit_id in hits[3:]:
        submitted = world.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
        (bad,) = [one for one in submitted if one["WorkerId"] == "AWORKER1"]
        world.client.reject_assignment(AssignmentId=bad["AssignmentId"], RequesterFeedback="no")
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)
    assert world.run(run.run_id).state == "finished"
    return world.run(run.run_id)


def available(world: World, run: Run) -> dict[int, int]:
    """How many answers each unit can still get, by the endpoint."""
    left = {}
    for marked in (hit for hit in world.hits(run.run_id) if not hit.disposed):
        hit = world.client.get_hit(HITId=marked.hit_id)["HIT"]
        if hit["HITStatus"] == "Assignable":
            left[marked.unit_index] = left.get(marked.unit_index, 0) + hit["NumberOfAssignmentsAvailable"]
    return left


def start(world: World, run: Run, *arguments: str) -> Script:
    return world.start(SCRIPT, "--run", run.run_id, "--yes", *arguments)


def test_a_dry_run_tells_units_places_and_cost_and_only_reads(world: World) -> None:
    run = ended(world)
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--dry-run", "--json")
    found = world.json(SCRIPT, "--run", run.run_id, "--dry-run")
    assert (found["answers"], found["cost"], found["dry_run"]) == (4, "0.24", True)
    (of_run,) = found["runs"]
    assert (of_run["units"], of_run["extended"], of_run["replaced"], of_run["launched"]) == (3, 3, 0, 0)
    assert of_run["outcome"] is None and not set(calls) & CREATING
    assert "answers lacking" in world.invoke(SCRIPT, "--run", run.run_id, "--dry-run").stdout


def test_hits_are_extended_and_who_was_rejected_does_not_get_the_unit_again(world: World) -> None:
    run = ended(world)
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--detach", "--yes")
    assert result.exit_code == 0, result.stderr
    assert available(world, run) == {1: 1, 2: 2, 3: 1}
    assert (calls["CreateAdditionalAssignmentsForHIT"], calls["UpdateExpirationForHIT"]) == (1, 2)
    rejected = world.hit_ids(run)[3]
    with pytest.raises(Refused):
        world.accept(rejected, "AWORKER1")
    world.do(rejected, "AWORKER3")
    assert world.json(SCRIPT, "--run", run.run_id, "--yes", exit_code=1)["selected"] == 0  # it goes on


def test_it_is_seen_through_as_a_launch_is_and_then_lacks_nothing(world: World) -> None:
    run = ended(world)
    process = start(world, run, "--json")
    world.wait_for_units("outstanding", 3)
    hits = world.hit_ids(run)
    world.do(hits[1], "AWORKER3")
    for worker in ("AWORKER3", "AWORKER4"):
        world.do(hits[2], worker)
    world.do(hits[3], "AWORKER4")
    assert process.end() == 0, process.said
    assert world.run(run.run_id).state == "finished" and world.open_hits() == []
    assert len(world.collected(run.run_id)) == 9 and len(world.hits(run.run_id)) == 4
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--yes")
    assert (result.exit_code, len(result.stderr.splitlines())) == (0, 1)
    assert "lacks nothing" in result.stderr and not set(calls) & CREATING


def test_ctrl_c_ends_it_and_the_same_command_asks_for_the_rest(world: World) -> None:
    run = ended(world)
    process = start(world, run)
    world.wait_for_units("outstanding", 3)
    world.do(world.hit_ids(run)[3], "AWORKER4")
    process.press()
    assert process.end() == 0, process.said
    assert world.open_hits() == [] and world.run(run.run_id).state == "finished"
    found = world.json(SCRIPT, "--run", run.run_id, "--dry-run")
    assert found["answers"] == 3
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--detach", "--yes")
    assert available(world, run) == {1: 1, 2: 2} and "CreateHITWithHITType" not in calls, result.stderr


def test_a_hit_that_is_gone_is_replaced_and_keeps_out_who_has_answered(world: World) -> None:
    run = ended(world, units=5)
    world.invoke("mturk/review_assignments", "--run", run.run_id, "--approve-all", "--yes")
    assert world.json("mturk/delete_hits", "--run", run.run_id, "--yes")["done"] == 5
    old = {hit.hit_id for hit in world.hits(run.run_id)}
    found = world.json(SCRIPT, "--run", run.run_id, "--detach", "--yes")
    (of_run,) = found["runs"]
    assert (of_run["replaced"], of_run["extended"], found["answers"]) == (4, 0, 5)
    assert available(world, run) == {1: 1, 2: 2, 3: 1, 4: 1}
    new = {hit.unit_index: hit.hit_id for hit in world.hits(run.run_id) if hit.hit_id not in old}
    for worker in ("AWORKER1", "AWORKER2"):
        with pytest.raises(Refused):
            world.accept(new[3], worker)
    world.do(new[2], "AWORKER1")  # nobody had answered that
    for index in (1, 2, 3, 4):
        world.do(new[index], "AWORKER5")
    world.invoke("mturk/download_results", "--run", run.run_id)
    assert world.run(run.run_id).state == "finished"
    assert "lacks nothing" in world.invoke(SCRIPT, "--run", run.run_id, "--yes").stderr


def pay_five_cents(world: World, run: Run) -> None:
    (assignment_id, *_) = world.collected(run.run_id)
    [(worker_id,)] = world.sql("SELECT worker_id FROM assignments WHERE assignment_id = ?", assignment_id)
    bonus = world.folder / "bonuses.csv"
    bonus.write_text(f"assignment_id,worker_id,amount,reason\n{assignment_id},{worker_id},0.05,thanks\n")
    assert world.invoke("mturk/pay_bonuses", str(bonus), "--yes").exit_code == 0


def test_max_cost_is_the_wall_over_all_attempts(world: World) -> None:
    run = ended(world, max_cost="0.48")  # half of it is bound by what was handed in and not rejected
    pay_five_cents(world, run)
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--yes")
    assert result.exit_code == 1 and f"make raise-max-cost RUN={run.run_id} ARGS=0.54" in result.stderr
    assert not set(calls) & CREATING
    assert world.invoke("local/raise_max_cost", run.run_id, "0.54", "--yes").exit_code == 0
    assert world.json(SCRIPT, "--run", run.run_id, "--detach", "--yes")["answers"] == 4


def test_units_that_were_never_launched_are(world: World) -> None:
    script = world.launch_run(units=4, max_num_concurrent_units=1)
    world.wait_for_units("outstanding", 1)
    script.press()
    script.end()
    run = world.run(script.run_id)
    found = world.json(SCRIPT, "--run", run.run_id, "--dry-run")
    (of_run,) = found["runs"]
    assert (of_run["launched"], of_run["extended"], found["answers"]) == (3, 1, 4)
    refused = world.invoke(SCRIPT, "--run", run.run_id, "--yes", "--detach")
    assert refused.exit_code == 2 and "max_num_concurrent_units" in refused.stderr
    process = start(world, run)
    for _ in range(4):
        wait_until(lambda: bool(world.open_hits(run.run_id)), 30)
        (hit_id,) = world.open_hits(run.run_id)
        world.do(hit_id, "AWORKER2")
    assert process.end() == 0, process.said
    assert len(world.collected(run.run_id)) == 4 and world.open_hits() == []


@pytest.mark.gated
def test_it_makes_at_most_three_calls_a_place_beside_two_a_poll(world: World) -> None:
    run = world.launch(units=10)
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)

    def crew(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.open_hits()[:4]:
                world.do(hit_id)

    first = len(world.gate.calls)
    world.gate.before = crew
    assert world.json(SCRIPT, "--run", run.run_id, "--yes")["runs"][0]["outcome"]["state"] == "finished"
    calls = Counter(call.operation for call in world.gate.calls[first:])
    assert calls.total() - calls["ListReviewableHITs"] <= 3 * 10
    assert (calls["UpdateExpirationForHIT"], calls["ListAssignmentsForHIT"]) == (10, 10)


def lose_the_registry(world: World, run: Run) -> None:
    """Lose the registry, and rebuild what the marks of a run tell."""
    for path in world.home.glob("registry.db*"):
        path.unlink()
    assert world.invoke("local/rebuild_registry", "--run", run.run_id).exit_code == 0


def test_after_a_rebuild_what_is_known_is_topped_up_and_what_is_not_is_said(world: World) -> None:
    run = ended(world)
    lose_the_registry(world, run)
    assert world.run(run.run_id).state == "stopped"
    result = world.invoke(SCRIPT, "--run", run.run_id, "--detach", "--yes")
    assert result.exit_code == 0 and "what units show is not known, nor units without a HIT" in result.stderr
    assert available(world, run) == {1: 1, 2: 2, 3: 1}


def test_after_a_rebuild_a_hit_that_replaced_another_is_its_units_own(world: World) -> None:
    run = world.launch(units=1, assignments=2)
    (old,) = world.hit_ids(run)
    world.do(old)
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    new = world.add_hit(run, 0)
    lose_the_registry(world, run)
    assert world.hit_ids(run) == [new]
    assert world.sql("SELECT hit_id, (SELECT attempt FROM units) FROM replaced_hits") == [(old, 1)]
    assert len(world.collected(run.run_id)) == 1
    assert world.invoke("local/recover", "--yes").exit_code == 0
    assert world.open_hits() == [] and world.run(run.run_id).state in ("finished", "stopped")
    # The new HIT has a place more than is lacking, and for another one the unit's row is not known.
    found = world.json(SCRIPT, "--run", run.run_id, "--detach", "--yes", exit_code=1)
    assert found["runs"][0]["unknown"] == 1 and "what they show is not known" in found["failed"][0]["error"]


def test_what_another_command_has_launched_since_the_look_is_not_launched_again(world: World) -> None:
    run = ended(world, units=5)
    world.invoke("mturk/review_assignments", "--run", run.run_id, "--approve-all", "--yes")
    world.json("mturk/delete_hits", "--run", run.run_id, "--yes")
    command = (SCRIPT, "--run", run.run_id, "--detach", "--yes")
    asked = top_up_view.question

    def meanwhile(due: Sequence[Lacks]) -> str:
        """Let another command do the same, and its work come in, while this one is at its question."""
        patch.undo()
        world.json(*command)
        for hit_id in world.open_hits():
            while world.statuses([hit_id]) == ["Assignable"]:
                world.do(hit_id, f"AWORKER{7 + len(world.submitted()) % 9}")
        world.invoke("mturk/download_results", "--run", run.run_id)
        return asked(due)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top_up_view, "question", meanwhile)
        result = world.invoke(*command)
    assert result.exit_code == 0 and "lacks nothing" in result.stderr
    assert world.open_hits() == [] and len(world.hits(run.run_id)) == 5 + 4


def test_of_several_runs_each_is_its_own_case(world: World) -> None:
    poor, first, second = (
        ended(world, task_name=f"pilot-{number}", max_cost=most)
        for number, most in enumerate(("0.48", "0.60", "0.60"))
    )
    pay_five_cents(world, poor)
    world.set_funds(1000)
    balance = Decimal(world.client.get_account_balance()["AvailableBalance"])
    world.set_funds(1000 - int(100 * balance) + 47)  # each of two lacks 24
    several = (SCRIPT, "--task-name", "pilot-*", "--yes")
    result = world.invoke(*several)
    assert result.exit_code == 2 and "The account has $0.47, and this would cost $0.48." in result.stderr
    world.set_funds(1000)
    process = world.start(*several)
    wait_until(lambda: len(world.open_hits()) == 3, 60)
    process.press()
    assert process.end() == 130, process.said
    assert f"make raise-max-cost RUN={poor.run_id} ARGS=0.54" in process.said
    assert "interrupted before its turn: nothing of it was launched. Do that: make top-up" in process.said
    assert world.open_hits() == [] and {world.run(run.run_id).state for run in (first, second)} == {
        "finished"
    }
    found = world.json(*several, "--detach", exit_code=1)
    assert [failed["id"] for failed in found["failed"]] == [poor.run_id]
    assert available(world, first) == available(world, second) == {1: 1, 2: 2, 3: 1}
    assert available(world, poor) == {}


def test_what_somebody_has_opened_by_hand_is_not_asked_for_beside(world: World) -> None:
    run = ended(world)
    _, one, none, rejected = world.hit_ids(run)
    for hit_id in (one, none):
        later = datetime.now(UTC) + timedelta(hours=3)
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=later)
    world.client.create_additional_assignments_for_hit(HITId=rejected, NumberOfAdditionalAssignments=3)
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--yes")
    assert result.exit_code == 0 and not set(calls) & CREATING
    assert "3 HITs are still out" in result.stderr and f"make results RUN={run.run_id}" in result.stderr
    assert "lacks nothing" not in result.stderr


def test_after_a_rebuild_it_does_not_say_of_answers_that_nothing_is_lacking(world: World) -> None:
    run = world.launch(units=1, assignments=2, more=quality())
    (hit_id,) = world.hit_ids(run)
    for worker, label in (("AWORKER1", "a"), ("AWORKER2", "b")):
        world.do(hit_id, worker, label=label)
    world.invoke("mturk/download_results", "--run", run.run_id)
    assert world.json(SCRIPT, "--run", run.run_id, "--dry-run")["answers"] == 2
    lose_the_registry(world, run)
    said = world.invoke(SCRIPT, "--run", run.run_id, "--yes").stderr
    assert "nor whether answers have to agree" in said and "lacks nothing that is known." in said


def test_production_needs_a_max_cost_that_is_known(world: World) -> None:
    run, other = ended(world), world.launch("pilot-2")
    world.sql("UPDATE task_runs SET environment = 'production'")
    keys = zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), world.crowd.credentials, strict=True)
    world.setenv(**dict(keys))
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--yes")
    assert result.exit_code == 1 and not set(calls) & CREATING
    assert f"In production max_cost is required, {NOT_KNOWN}" in result.stderr
    assert f"make launch FILE=RUN.TOML ARGS='--resume {run.run_id}'" in result.stderr
    more = ("mturk/extend_hits", "--run", other.run_id, "--yes", "--assignments", "1")
    result, calls = world.calls_of(*more)
    assert result.exit_code == 1 and not set(calls) & CREATING and NOT_KNOWN in result.stderr


def test_nothing_is_asked_for_at_another_server_that_answers_in_place_of_the_runs_own(world: World) -> None:
    run, other = ended(world), world.launch("pilot-2")
    world.put_elsewhere(run, world.crowd.url)
    world.put_elsewhere(other, world.crowd.url)
    for command in (
        (SCRIPT, "--run", run.run_id, "--yes"),
        ("mturk/extend_hits", "--run", other.run_id, "--assignments", "1", "--hours", "1", "--yes"),
    ):
        result, calls = world.calls_of(*command)
        assert result.exit_code == 1 and not set(calls) & CREATING
        assert "and not another, to which this belongs. Nothing was done there." in result.stderr
