"""print_events: the journal as people and programs read it, and that every action is in it."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from crowdops.console import layout
from crowdops.registry import Registry
from tests.support.processes import wait_until
from tests.support.scripts import END_SECONDS, SCRIPTS
from tests.support.terminals import Terminal
from tests.support.works import Work
from tests.support.world import World

SCRIPT = "local/print_events"
EVENT = {"event_id", "at", "command", "pid", "run_id", "kind", "target", "detail", "hit_id", "worker_id"}


def events(world: World, *arguments: str) -> list[dict[str, Any]]:
    result = world.invoke(SCRIPT, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def kinds(world: World, *arguments: str) -> Counter[str]:
    return Counter(event["kind"] for event in events(world, *arguments))


def ok(calls: dict[str, Any], *names: str) -> int:
    return sum(calls.get(name, {}).get("ok", 0) for name in names)


def do(world: World, script: str, *arguments: str) -> None:
    result = world.invoke(script, *arguments)
    assert result.exit_code == 0, result.stderr


def test_a_whole_runs_life_is_in_the_journal_as_in_the_servers_books(world: World) -> None:
    world.crowd.control("calls", method="DELETE")
    work = Work(world, units=5, given=("max_cost=5",))
    run_id, run = work.run.run_id, ("--run", work.run.run_id)
    do(world, "local/raise_max_cost", run_id, "6", "--yes")
    do(world, "mturk/download_results", *run)
    rows = [{"n": "0", "decision": "approve", "bonus": "0.10"}]
    rows += [{"n": "1", "decision": "reject", "feedback": "No"}]
    do(world, "mturk/review_assignments", "--apply", str(work.decisions(*rows)), *run, "--yes")
    rows = [{"n": "1", "decision": "approve"}]
    applied = ("--apply", str(work.decisions(*rows)), "--override-rejection")
    do(world, "mturk/review_assignments", *applied, *run, "--yes")
    do(world, "mturk/review_assignments", "--approve-all", *run, "--yes")
    do(world, "mturk/pay_bonuses", str(work.bonuses({"n": "2", "amount": "0.20"})), "--yes")
    do(world, "mturk/soft_block_workers", "AWORKER3", "--task-name", "pilot-1", "--yes")
    do(world, "mturk/soft_block_workers", "AWORKER3", "--task-name", "pilot-1", "--unblock", "--yes")
    do(world, "mturk/soft_block_workers", "AWORKER4", "--hard", "--reason", "spam", "--yes")
    text = world.folder / "text.txt"
    text.write_text("Thank you")
    do(world, "mturk/notify_workers", str(text), *run, "--subject", "Thanks", "--yes")
    more = world.crash("pilot-2", units=3)
    do(world, "mturk/expire_hits", "--run", more.run_id, "--yes")
    do(world, "local/recover", "--yes")
    do(world, "mturk/delete_hits", *run, "--yes")
    make = ("--task-name", "pilot-1", "--worker", "AWORKER5", "--amount", "0.50", "--reason", "It failed")
    do(world, "mturk/launch_makeup_hits", *make, "--yes")
    calls, found = world.crowd.calls(), kinds(world)
    before = events(world)
    for again in ("mturk/expire_hits", "mturk/delete_hits"):
        do(world, again, *run, "--run", more.run_id, "--yes")
    do(world, "mturk/review_assignments", "--approve-all", *run, "--yes")
    do(world, "mturk/download_results", "--all-runs")

    assert found["hit-created"] == ok(calls, "CreateHITWithHITType") == 5 + 3 + 1
    assert found["hit-expired"] == ok(calls, "UpdateExpirationForHIT") == 3
    assert found["assignment-approved"] == ok(calls, "ApproveAssignment") == 5
    assert found["assignment-rejected"] == ok(calls, "RejectAssignment") == 1
    assert found["bonus-paid"] == ok(calls, "SendBonus") == 2
    assert found["hit-disposed"] == ok(calls, "DeleteHIT") == 5
    granted = ok(calls, "AssociateQualificationWithWorker") - found["makeup-intended"]
    assert found["worker-blocked"] == granted + ok(calls, "CreateWorkerBlock") == 2
    assert found["worker-unblocked"] == ok(calls, "DisassociateQualificationFromWorker") == 1
    assert found["message-sent"] == found["message-intended"] == 5 + 1
    assert found["max-cost-raised"] == found["makeup-intended"] == 1
    assert found["run-created"] == 3
    later = [event["kind"] for event in events(world)[len(before) :]]
    assert later == ["hit-disposed"] * 3  # of the other run, and nothing else was left to do

    assert all(event.keys() == EVENT for event in before)
    assert {event["pid"] for event in before} == {os.getpid()}
    paid = [event for event in before if event["kind"] == "bonus-paid"]
    assert {(event["worker_id"], event["hit_id"], event["detail"]) for event in paid} == {
        ("AWORKER1", work.hits[0], "$0.10"),
        ("AWORKER3", work.hits[2], "$0.20"),
    }


def test_what_failed_is_in_the_journal_and_so_is_its_success_later(world: World) -> None:
    work = Work(world, units=1)
    work.collect()
    path = str(work.bonuses({"n": "0"}))
    world.set_funds(10)
    assert world.invoke("mturk/pay_bonuses", path, "--yes").exit_code == 1
    world.set_funds(100_000)
    do(world, "mturk/pay_bonuses", path, "--yes")
    found = events(world, "--kind", "bonus-*")
    assert [event["kind"] for event in found] == ["bonus-failed", "bonus-paid"]
    assert found[0]["detail"].startswith("$0.10: ")


def test_options_say_which(world: World) -> None:
    work, other = Work(world, units=2), world.crash("main-1")
    work.review("--approve-all", "--yes")
    run_id = work.run.run_id
    assert {event["run_id"] for event in events(world, "--run", run_id)} == {run_id}
    assert {event["run_id"] for event in events(world, "--task-name", "m*")} == {other.run_id}
    assert len(events(world, "--task-name", "*")) == len(events(world)) == len(events(world, "--all-runs"))
    of_hit = events(world, "--hit", work.hits[0])
    assert [event["kind"] for event in of_hit] == ["hit-created", "hit-collected", "assignment-approved"]
    assert [event["hit_id"] for event in events(world, "--worker", "AWORKER2")] == [work.hits[1]]
    assert kinds(world, "--kind", "hit-c*", "--run", run_id) == {"hit-created": 2, "hit-collected": 2}
    assert events(world, "--until", "1 h ago") == events(world, "--hit", "3NONE") == []
    assert events(world, "--since", "1 h ago") == events(world)
    assert [event["event_id"] for event in events(world, "--last", "2")] == [
        event["event_id"] for event in events(world)[-2:]
    ]
    nothing = world.invoke(SCRIPT, "--hit", "3NONE")
    assert nothing.exit_code == 0 and "has nothing of that" in nothing.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--kind", "bonus-payed"], "Did you mean bonus-paid?"),
        (["--since", "tomorrowish"], "is no moment"),
        (["--since", "1 h", "--until", "2 h"], "is later than"),
        (["--run", "nonsense"], "no run"),
        (["--follow", "--until", "1 h"], "--until means nothing with --follow"),
        (["--archive", "--hit", "3X"], "--hit means nothing with --archive"),
    ],
)
def test_what_cannot_be_meant_is_refused(world: World, arguments: list[str], word: str) -> None:
    world.crash()
    result = world.invoke(SCRIPT, *arguments)
    assert result.exit_code == 2 and word in result.stderr and result.stdout == ""


def test_a_line_is_whole_in_a_file_and_no_wider_than_a_terminal(world: World) -> None:
    run = world.crash()
    with world.registry() as registry:
        registry.record("unit-failed", "unit 7", run.run_id, "a\x1b[31m very " + "long " * 40)
    text = world.invoke(SCRIPT).stdout
    assert run.run_id in text and str(os.getpid()) in text and "\x1b" not in text
    assert max(map(len, text.splitlines())) > 200
    with world.registry() as registry:
        registry.record("unit-failed", "unit 8", run.run_id, "日本語" * 40)
    with Terminal(SCRIPT, size=(80, 24)) as terminal:
        assert terminal.end() == 0
        lines = terminal.screen.splitlines()
    assert [line for line in lines if f"{world.hit_ids(run)[0]}  unit 0  {run.run_id[:9]}" in line]
    assert {layout.width(line) for line in lines if line.endswith("…")} == {79, 80}
    assert max(map(layout.width, lines)) == 80


def test_follow_shows_what_comes_and_ends_by_ctrl_c(world: World) -> None:
    run = world.crash()
    script = world.start(SCRIPT, "--follow", "--json", "--task-name", "pilot-*")
    wait_until(lambda: "run-running" in script.output, END_SECONDS)
    with world.registry() as registry:
        registry.record("hit-expired", "3LATER", run.run_id)
    wait_until(lambda: "3LATER" in script.output, END_SECONDS)
    another = world.crash("another", units=1).run_id
    later = world.crash("pilot-2", units=1).run_id
    wait_until(lambda: "run-running" in script.output.partition(later)[2], END_SECONDS)
    assert another not in script.output
    script.press(signal.SIGINT)
    assert script.end() == 130
    assert "Traceback" not in script.said
    ids = [json.loads(line)["event_id"] for line in script.output.splitlines()]
    assert ids == sorted(set(ids))


def test_follow_ends_quietly_when_nobody_reads_any_more(world: World) -> None:
    world.crash()
    command = [sys.executable, str(SCRIPTS / f"{SCRIPT}.py"), "--follow"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    assert "run-created" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(END_SECONDS) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_it_calls_nobody_and_holds_little(world: World) -> None:
    world.crash()
    result, calls = world.calls_of(SCRIPT)
    assert (result.exit_code, calls) == (0, {})
    with Registry.open(world.home) as registry:
        assert registry.last_event_id() == len(result.stdout.splitlines())
