"""recover: what it finds, what it shows, what it ends, and what it leaves alone."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from crowdops.errors import AccessDenied
from crowdops.providers.mturk.client import Hit, MTurk
from crowdops.registry import END_STATES, locks
from tests.support.gates import Call, Cut, Gate, let_pass
from tests.support.processes import free_port, wait_until
from tests.support.strikes import LAUNCH, RECOVER
from tests.support.world import World

pytestmark = pytest.mark.gated


@pytest.fixture
def crashed(world: World) -> str:
    """A crashed run with three HITs out, and HITs of somebody else."""
    world.add_foreign_hits(3)
    return world.crash(units=3, assignments=2).run_id


def lines_of(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_nothing_left_over_is_said_and_is_no_failure(world: World) -> None:
    result = world.invoke("local/recover", "--yes")
    assert (result.exit_code, result.stdout) == (0, f"Nothing is left over at {world.gate.url}.\n")


def test_a_dry_run_shows_the_plan_and_what_it_may_cost_and_only_reads(world: World, crashed: str) -> None:
    world.accept(world.open_hits()[0])
    before = world.sql("SELECT * FROM events"), world.hits()
    result = world.invoke("local/recover", "--dry-run")
    assert result.exit_code == 0
    (line,) = lines_of(result.stdout, crashed)
    # Three HITs of two assignments at $0.05 and a cent of fee each; one of the six is being worked on.
    assert line.split()[-7:] == ["3", "1", "0", "$0.36", "expire,", "collect,", "end"]
    assert "running, crashed" in line
    assert "3 HITs of the account are not ours; they are left alone." in result.stderr
    assert (world.sql("SELECT * FROM events"), world.hits()) == before
    assert {call.operation for call in world.gate.calls[-3:]} >= {"ListHITs"}


def test_without_a_terminal_yes_is_required_before_anything_is_changed(world: World, crashed: str) -> None:
    before, calls = (world.sql("SELECT * FROM events"), world.hits()), len(world.gate.calls)
    result = world.invoke("local/recover")
    assert result.exit_code == 2
    assert "There is no terminal to ask on." in result.stderr
    assert {call.operation for call in world.gate.calls[calls:]} == {"ListHITs"}
    assert (world.sql("SELECT * FROM events"), world.hits()) == before


def test_accepted_work_is_waited_for_and_collected(world: World, crashed: str) -> None:
    first, second, _ = world.open_hits()
    held = [world.accept(first), world.accept(second)]

    def submit_late(call: Call) -> None:
        if held and world.gate.count("ListReviewableHITs") > 2:
            world.submit(held.pop())

    world.crew = submit_late
    result = world.recover("--json")
    assert result.exit_code == 0, result.stderr
    assert "it can be submitted until" in result.stderr
    assert len(world.collected()) == 2
    world.assert_nothing_is_left()
    document = json.loads(result.stdout)
    assert document["crashed_runs"][0]["run_id"] == crashed
    assert document["crashed_runs"][0]["pending"] == 2
    assert {
        "kind": "run",
        "target": crashed,
        "run_id": crashed,
        "result": "finished",
        "failed": False,
    } in document["actions"]
    assert document["foreign_hits"] == 3


def test_abandoned_work_is_waited_for_no_longer_than_its_deadline(world: World, crashed: str) -> None:
    world.accept(world.open_hits()[0])

    def pass_time(call: Call) -> None:
        if call.operation == "ListReviewableHITs" and world.gate.count(call.operation) == 3:
            world.crowd.advance(601)

    world.crew = pass_time
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()


def test_no_wait_collects_what_is_there_and_says_what_can_still_come(world: World, crashed: str) -> None:
    first, second, _ = world.open_hits()
    world.do(first, "AWORKER1")
    held = [world.accept(first, "AWORKER2"), world.accept(second)]
    result = world.recover("--no-wait")
    assert result.exit_code == 0, result.stderr
    assert world.open_hits() == []
    assert world.collected() == world.submitted()
    assert len(lines_of(result.stderr, "1 accepted, not submitted; possible until")) == 2
    assert world.sql("SELECT state FROM task_runs") == [("stopped",)]
    for assignment_id in held:
        world.submit(assignment_id)
    assert world.invoke("mturk/download_results", "--run", crashed).exit_code == 0
    assert len(world.collected()) == 3
    world.assert_nothing_is_left()


def test_a_run_is_not_ended_while_a_hit_with_work_in_flight_is_refused(
    world: World, crashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hit_id in world.open_hits():
        world.accept(hit_id)
    real = MTurk.hit

    def refused(self: MTurk, hit_id: str) -> Hit:
        if world.gate.count("ListReviewableHITs"):
            raise AccessDenied("this HIT may not be read with this key.")
        return real(self, hit_id)

    monkeypatch.setattr(MTurk, "hit", refused)
    result = world.recover("--no-wait")
    assert result.exit_code == 1
    assert "HITs of this run may still be open" in result.stderr
    assert world.sql("SELECT state FROM task_runs") == [("draining",)]


def test_a_run_is_not_ended_while_what_is_in_flight_cannot_be_seen(world: World, crashed: str) -> None:
    held = [world.accept(hit_id) for hit_id in world.open_hits()]

    def lose(call: Call) -> None:
        if call.operation == "GetHIT" and world.gate.count("ListReviewableHITs"):
            raise Cut

    world.crew = lose
    result = world.recover("--no-wait", "--timeout", "1")
    assert result.exit_code == 1
    assert f"carry it on: make resume RUN={crashed}, or end it: make recover" in result.stderr
    assert world.sql("SELECT state FROM task_runs") == [("draining",)]
    world.crew = let_pass
    assert world.recover("--no-wait").exit_code == 0
    assert world.sql("SELECT state FROM task_runs") == [("stopped",)]
    for assignment_id in held:
        world.submit(assignment_id)
    assert world.invoke("mturk/download_results", "--run", crashed).exit_code == 0
    world.assert_nothing_is_left()


def test_a_run_whose_rows_were_not_all_launched_is_stopped_and_not_finished(world: World) -> None:
    world.add_foreign_hits()
    path = str(world.write_run(5, max_num_concurrent_units=2))
    launch = world.start(LAUNCH, path, "--yes")
    world.wait_for_units("outstanding", 2)
    launch.kill()
    result = world.recover()
    assert "stopped; 3 units were never launched" in result.stderr
    assert world.sql("SELECT state, reason FROM task_runs") == [
        ("stopped", "the process that attended it died; recovered")
    ]
    world.assert_nothing_is_left()


def test_a_run_that_is_alive_is_left_alone_and_its_process_is_named(world: World, crashed: str) -> None:
    alive = world.start(LAUNCH, str(world.write_run(2)), "--yes", "--again")
    wait_until(lambda: len(world.open_hits()) == 5)
    result = world.recover()
    assert result.exit_code == 0, result.stderr
    assert f"run {alive.run_id} is attended by process {alive.process.pid}" in result.stderr
    assert len(world.open_hits(alive.run_id)) == 2
    assert world.open_hits(crashed) == []
    for hit_id in world.open_hits():
        world.do(hit_id)
    assert alive.end() == 0
    world.assert_nothing_is_left()


def test_of_two_recovers_at_once_the_second_names_the_first_and_leaves_it_to_it(
    world: World, crashed: str
) -> None:
    held = world.accept(world.open_hits()[0])
    first = world.start(RECOVER, "--yes")
    first.hear("Waiting for accepted work")
    second = world.recover()
    assert second.exit_code == 0
    assert f"run {crashed} is attended by process {first.process.pid}" in second.stderr
    assert "(recover.py, since" in second.stderr
    assert world.sql("SELECT state FROM task_runs") == [("draining",)]
    world.submit(held)
    assert first.end() == 0, first.said
    world.assert_nothing_is_left()


def test_ctrl_c_while_it_waits_names_the_work_in_flight_and_what_to_type_later(
    world: World, crashed: str
) -> None:
    held = world.accept(world.open_hits()[0])
    recover = world.start(RECOVER, "--yes")
    recover.hear("Press Ctrl-C to stop now.")
    recover.press()
    assert recover.end() == 130, recover.said
    assert "1 accepted, not submitted; possible until" in recover.said
    assert f"make results RUN={crashed}" in recover.said
    assert world.sql("SELECT state FROM task_runs") == [("stopped",)]
    assert world.open_hits() == []
    world.submit(held)
    world.invoke("mturk/download_results", "--run", crashed)
    world.assert_nothing_is_left()


def test_a_second_hit_of_a_unit_is_expired_and_its_work_collected(world: World, crashed: str) -> None:
    world.do(world.add_hit(world.run(crashed), 0))
    assert world.recover().exit_code == 0
    assert world.open_hits() == []
    assert world.collected() == world.submitted()
    assert len(world.collected()) == 1


def test_detached_runs_are_alive_without_a_process(world: World) -> None:
    launch = world.start(LAUNCH, str(world.write_run(2)), "--yes", "--detach")
    assert launch.end() == 0, launch.said
    result = world.recover()
    assert "Nothing is left over" in result.stdout
    assert len(world.open_hits()) == 2


def test_a_detached_run_that_was_cut_off_is_carried_on_until_all_is_out(world: World) -> None:
    path = str(world.write_run(4))
    seen: list[Call] = []

    def cut(call: Call) -> None:
        if call.operation == "CreateHITWithHITType" and world.gate.count(call.operation) >= 3 and not seen:
            seen.append(call)
            launch.process.kill()

    world.gate.before = cut
    launch = world.start(LAUNCH, path, "--yes", "--detach")
    launch.end()
    result = world.recover("--resume")
    assert result.exit_code == 0, result.stderr
    assert world.units(world.run_ids()[0]) == {"outstanding": 4}
    assert world.doubled_units() == []
    assert world.sql("SELECT state, detached FROM task_runs") == [("running", 1)]


def test_open_hits_of_a_run_that_had_ended_are_ended(world: World, crashed: str) -> None:
    world.invoke("local/recover", "--yes")
    world.crowd.client().update_expiration_for_hit(HITId=world.hits()[0].hit_id, ExpireAt=time.time() + 86400)
    assert len(world.open_hits()) == 1
    result = world.recover("--json")
    assert [run["run_id"] for run in json.loads(result.stdout)["ended_runs"]] == [crashed]
    world.assert_nothing_is_left()


def test_from_another_home_unknown_runs_are_listed_and_left_alone(
    world: World, crashed: str, colleague: Path
) -> None:
    result = world.recover("--home", str(colleague), "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["crashed_runs"] == document["actions"] == []
    assert document["orphan_hits"] == 3
    assert len(world.open_hits()) == 3
    plain = world.recover("--home", str(colleague))
    assert f"left alone; --orphans {crashed}" in plain.stdout


@pytest.mark.parametrize("by_name", [True, False])
def test_unknown_runs_are_taken_over_and_ended_when_they_are_meant(
    world: World, crashed: str, colleague: Path, by_name: bool
) -> None:
    world.do(world.open_hits()[0], label="cat", why="=whiskers")
    meant = ("--orphans", crashed) if by_name else ("--all-orphans",)
    result = world.recover("--home", str(colleague), *meant)
    assert result.exit_code == 0, result.stderr
    assert world.open_hits() == []
    assert world.foreign_rows() == world.foreign
    shown = world.invoke(
        "mturk/download_results", "--home", str(colleague), "--run", crashed, "--format", "jsonl"
    )
    (line,) = [json.loads(line) for line in shown.stdout.splitlines()]
    assert line["answer"] == {"label": "cat", "why": "=whiskers"}
    assert line["input"] is None


def test_an_unknown_run_that_has_nothing_open_cannot_be_meant(world: World, colleague: Path) -> None:
    result = world.recover("--home", str(colleague), "--orphans", "20200101-000000-none")
    assert result.exit_code == 2
    assert "no unknown run of that id has open HITs or a server here" in result.stderr


def test_a_run_of_another_endpoint_is_taken_on_there(world: World, crashed: str) -> None:
    with Gate(world.crowd.url) as other:
        world.gate, first = other, world.gate
        result = world.recover("--json")
        world.gate = first
    assert result.exit_code == 0
    assert json.loads(result.stdout)["elsewhere"] == []
    assert world.run(crashed).state in END_STATES
    assert world.open_hits() == []


def test_a_run_whose_server_does_not_answer_is_listed_with_the_command_that_takes_it_on(
    world: World, crashed: str
) -> None:
    port = free_port()
    world.put_elsewhere(world.run(crashed), f"http://127.0.0.1:{port}")
    result = world.recover("--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    (found,) = document["elsewhere"]
    assert (found["run_id"], document["crashed_runs"]) == (crashed, [])
    assert found["command"] == f"make crowd ARGS='--port {port}', then make recover"
    (not_seen,) = document["not_looked_at"]
    assert not_seen["what"] == f"http://127.0.0.1:{port}"
    assert not_seen["may_hold"] == [f"run {crashed} (pilot-1)"]
    assert "Nothing is left over" not in result.stdout
    assert len(world.open_hits()) == 3


def test_a_second_recover_has_nothing_to_do(world: World, crashed: str) -> None:
    assert world.recover().exit_code == 0
    before = world.sql("SELECT * FROM events"), len(world.gate.calls)
    again = world.recover()
    assert (again.exit_code, again.stdout) == (0, f"Nothing is left over at {world.gate.url}.\n")
    assert {call.operation for call in world.gate.calls[before[1] :]} == {"ListHITs"}
    assert world.sql("SELECT * FROM events") == before[0]


def test_a_run_that_cannot_be_ended_does_not_keep_the_others(world: World, crashed: str) -> None:
    second = world.crash(units=2, assignments=2).run_id

    with ExitStack() as somebody:

        def be_faster(call: Call) -> None:
            if call.operation == "ListHITs" and world.gate.count("ListHITs") == 1:
                somebody.enter_context(locks.hold(world.home, crashed))

        world.crew = be_faster
        result = world.recover()
    assert result.exit_code == 1
    assert f"run {crashed} is attended by process" in result.stderr
    assert world.open_hits(second) == []
    assert len(world.open_hits(crashed)) == 3


def test_a_run_is_ended_with_one_walk_over_the_account(world: World, crashed: str) -> None:
    before = len(world.gate.calls)
    assert world.recover().exit_code == 0
    made = [call.operation for call in world.gate.calls[before:]]
    assert made.count("ListHITs") == 2  # the second page is empty
    assert world.run(crashed).state in END_STATES and world.open_hits(crashed) == []


def test_a_hit_that_opens_again_while_its_run_is_ended_is_found(world: World, crashed: str) -> None:
    first = world.hit_ids(world.run(crashed))[0]

    def extend(call: Call) -> None:
        if call.operation == "ListReviewableHITs" and world.gate.count("ListReviewableHITs") == 3:
            world.client.create_additional_assignments_for_hit(HITId=first, NumberOfAdditionalAssignments=1)
            world.client.update_expiration_for_hit(HITId=first, ExpireAt=time.time() + 3600)

    world.crew = extend
    assert world.recover().exit_code == 0
    assert world.open_hits(crashed) == []


def test_looking_costs_one_call_a_hundred_hits_and_two_more(world: World) -> None:
    world.crash(units=210)
    world.add_foreign_hits(20)
    world.crowd.control("calls", method="DELETE")
    world.invoke("local/recover", "--dry-run")
    calls = world.crowd.calls()
    assert sum(count["ok"] + count["failed"] for count in calls.values()) <= 3 + 2
