"""delete_hits: disposes of what is reviewed and stored, and of nothing else."""

import pytest

from tests.support.gates import Call, Instead
from tests.support.scripts import Invoked
from tests.support.works import Work, document, refuse_answers
from tests.support.world import World


def delete(world: World, *arguments: str) -> Invoked:
    return world.invoke("mturk/delete_hits", *arguments)


def test_reviewed_hits_are_deleted_and_their_results_stay(work: Work) -> None:
    for assignment_id in work.assignments:
        work.world.client.approve_assignment(AssignmentId=assignment_id)
    result = delete(work.world, "--run", work.run.run_id, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert document(result) == {
        "selected": 3,
        "done": 3,
        "already": 0,
        "failed": [],
        "dry_run": False,
        "held": [],
        "attended_runs": [],
    }
    assert work.world.client.list_hits()["HITs"] == []
    assert work.stored() == ["Approved", "Approved", "Approved"]
    with work.world.registry() as registry:
        assert registry.unit_counts(work.run.run_id) == {"disposed": 3}


def test_what_holds_the_others_back_is_said(world: World) -> None:
    work = Work(world, units=2)
    open_hits = Work(world, units=2, task_name="pilot-2")
    late = Work(world, units=2, task_name="pilot-3", done=False)
    world.client.approve_assignment(AssignmentId=work.assignments[0])
    world.client.approve_assignment(AssignmentId=open_hits.assignments[0])
    result = delete(world, "--all-runs", "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    found = document(result)
    assert (found["selected"], found["done"]) == (2, 2)
    reasons = {each["id"]: each["reason"] for each in found["held"]}
    assert reasons[work.hits[1]] == "1 assignment is not reviewed"
    assert reasons[open_hits.hits[1]] == "1 assignment is not reviewed"
    assert {reasons[hit] for hit in late.hits} == {"it is still open: expire it first"}


def test_the_plan_names_what_holds_hits_back(work: Work) -> None:
    work.world.client.approve_assignment(AssignmentId=work.assignments[0])
    result = delete(work.world, "--run", work.run.run_id, "--dry-run")
    assert result.exit_code == 0
    assert "2: 1 assignment is not reviewed" in result.stdout
    assert "Dry run: 1 would be deleted" in result.stderr


def test_a_dry_run_only_reads(work: Work) -> None:
    for assignment_id in work.assignments:
        work.world.client.approve_assignment(AssignmentId=assignment_id)
    _, calls = work.world.calls_of("mturk/delete_hits", "--run", work.run.run_id, "--dry-run")
    assert not [name for name in calls if name.startswith(("Delete", "Approve", "Reject", "Create"))]
    assert len(work.world.client.list_hits()["HITs"]) == 3


def test_hits_that_somebody_deleted_cost_a_call_each_until_that_is_written_down(work: Work) -> None:
    for hit_id, assignment_id in zip(work.hits, work.assignments, strict=True):
        work.world.client.approve_assignment(AssignmentId=assignment_id)
        work.collect()
        work.world.client.delete_hit(HITId=hit_id)
    command = ("mturk/delete_hits", "--run", work.run.run_id, "--yes")
    asked = []
    for more in (["--dry-run"], [], []):
        result, calls = work.world.calls_of(*command, *more)
        assert result.exit_code == 0 and "DeleteHIT" not in calls
        asked.append(calls.get("GetHIT", 0))
    assert asked == [3, 3, 0]
    with work.world.registry() as registry:
        assert registry.unit_counts(work.run.run_id) == {"disposed": 3}


def test_no_terminal_needs_yes(work: Work) -> None:
    work.world.client.approve_assignment(AssignmentId=work.assignments[0])
    result, calls = work.world.calls_of("mturk/delete_hits", "--run", work.run.run_id)
    assert result.exit_code == 2
    assert "There is no terminal to ask on" in result.stderr
    assert "DeleteHIT" not in calls


def test_without_a_terminal_there_is_nothing_to_ask_where_nothing_can_be_deleted(work: Work) -> None:
    result = delete(work.world, "--run", work.run.run_id)
    assert (result.exit_code, result.stderr) == (0, "0 deleted, 0 were so already, 0 failed.\n")


@pytest.mark.gated
def test_one_failure_does_not_stop_the_rest(work: Work) -> None:
    for assignment_id in work.assignments:
        work.world.client.approve_assignment(AssignmentId=assignment_id)
    refusals = iter([Instead("RequestError", "This HIT is being counted.")])

    def refuse_the_first(call: Call) -> None:
        if call.operation == "DeleteHIT" and (refusal := next(refusals, None)):
            raise refusal

    work.world.gate.before = refuse_the_first
    result = delete(work.world, "--run", work.run.run_id, "--yes", "--json")
    found = document(result)
    assert (result.exit_code, found["done"], len(found["failed"])) == (1, 2, 1)
    assert "This HIT is being counted." in found["failed"][0]["error"]
    again = delete(work.world, "--run", work.run.run_id, "--yes", "--json")
    assert (again.exit_code, document(again)["done"]) == (0, 1)


def test_a_second_run_has_nothing_to_do(work: Work) -> None:
    for assignment_id in work.assignments:
        work.world.client.approve_assignment(AssignmentId=assignment_id)
    assert delete(work.world, "--run", work.run.run_id, "--yes").exit_code == 0
    again = delete(work.world, "--run", work.run.run_id, "--yes", "--json")
    assert (again.exit_code, document(again)["selected"]) == (0, 0)


def test_foreign_hits_are_never_deleted(work: Work) -> None:
    foreign = work.world.add_foreign_hits(2)
    for hit_id in foreign:
        work.world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    for assignment_id in work.assignments:
        work.world.client.approve_assignment(AssignmentId=assignment_id)
    assert delete(work.world, "--all-runs", "--yes").exit_code == 0
    assert {hit["HITId"] for hit in work.world.client.list_hits()["HITs"]} == set(foreign)


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_a_hit_whose_answers_could_not_be_read_is_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    work = Work(world)
    refuse_answers(monkeypatch, work.hits[0])
    result = delete(world, "--run", work.run.run_id, option, "--json")
    assert result.exit_code == 1
    (failure,) = document(result)["failed"]
    assert failure == {"id": f"HIT {work.hits[0]} (unit 0 of {work.run.run_id})", "error": "this one not"}
