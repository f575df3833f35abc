"""notify_workers: every text reaches a worker at most once."""

from pathlib import Path

import pytest

from tests.support.gates import Call, Cut
from tests.support.works import Work, document, inbox
from tests.support.world import World

SCRIPT = "mturk/notify_workers"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "message.txt"
    path.write_text("Thank you for your work.\nThere is more of it.\n")
    return path


def approved(world: World, **more: str) -> Work:
    work = Work(world, **more)
    for assignment_id in work.assignments:
        world.client.approve_assignment(AssignmentId=assignment_id)
    work.collect()
    return work


def test_the_workers_of_a_task_name_are_told_once(world: World, text: Path) -> None:
    approved(world, task_name="pilot-1")
    approved(world, task_name="pilot-2")
    arguments = (SCRIPT, str(text), "--subject", "More work", "--task-name", "pilot-*", "--yes", "--json")
    result = world.invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert document(result) == {"selected": 3, "done": 3, "already": 0, "failed": [], "dry_run": False}
    assert inbox(world) == [(f"AWORKER{n}", "More work") for n in (1, 2, 3)]
    again, calls = world.calls_of(*arguments)
    assert (again.exit_code, document(again)["already"], calls) == (0, 3, {"ListHITs": 2})
    same = (SCRIPT, str(text), "--subject", "Another subject", "--worker", "AWORKER2", "--yes", "--json")
    assert document(world.invoke(*same))["already"] == 1
    assert len(inbox(world)) == 3
    text.write_text("Another text.")
    assert document(world.invoke(*same))["done"] == 1
    assert inbox(world)[-2:] == [("AWORKER2", "More work"), ("AWORKER3", "More work")]
    assert len(inbox(world)) == 4


def test_who_has_handed_something_in_since_the_last_look_is_told_too(world: World, text: Path) -> None:
    work = Work(world)
    for assignment_id in work.assignments:
        world.client.approve_assignment(AssignmentId=assignment_id)
    result = world.invoke(SCRIPT, str(text), "--subject", "More", "--run", work.run.run_id, "--yes", "--json")
    assert (result.exit_code, document(result)["done"]) == (0, 3)
    assert [worker for worker, _ in inbox(world)] == ["AWORKER1", "AWORKER2", "AWORKER3"]


def test_failures_are_listed_and_tried_again(world: World, text: Path) -> None:
    work = Work(world, units=2)
    work.collect()
    world.client.approve_assignment(AssignmentId=work.assignments[0])
    arguments = (
        SCRIPT,
        str(text),
        "--subject",
        "More",
        "--all-runs",
        "--worker",
        "ANOBODY1",
        "--yes",
        "--json",
    )
    result = world.invoke(*arguments)
    found = document(result)
    assert (result.exit_code, found["done"]) == (1, 1)
    assert {each["id"]: each["error"].split(" a notification")[0] for each in found["failed"]} == {
        "ANOBODY1": "Cannot send",
        "AWORKER2": "Cannot send",
    }
    world.client.approve_assignment(AssignmentId=work.assignments[1])
    assert document(world.invoke(*arguments))["done"] == 1
    assert inbox(world) == [("AWORKER1", "More"), ("AWORKER2", "More")]


@pytest.mark.gated
def test_a_lost_answer_is_never_sent_again(world: World, text: Path) -> None:
    approved(world)

    def cut(call: Call) -> None:
        if call.operation == "NotifyWorkers":
            raise Cut

    world.gate.after = cut
    arguments = (SCRIPT, str(text), "--subject", "More", "--all-runs", "--yes", "--json")
    result = world.invoke(*arguments)
    assert result.exit_code == 1
    assert "It may have arrived, and is not sent again." in document(result)["failed"][0]["error"]
    world.gate.after = lambda call: None
    result = world.invoke(*arguments)
    assert result.exit_code == 1
    assert [each["error"] for each in document(result)["failed"]] == [
        "an earlier attempt broke off, and it may have arrived: it is not sent again"
    ] * 3
    assert world.gate.count("NotifyWorkers") == 1
    assert len(inbox(world)) == 3


def test_batches_have_a_hundred_workers(world: World, text: Path, tmp_path: Path) -> None:
    names = tmp_path / "workers.txt"
    names.write_text("\n".join(f"AMANY{number:03}" for number in range(250)))
    result, calls = world.calls_of(
        SCRIPT, str(text), "--subject", "More", "--file", str(names), "--yes", "--json"
    )
    assert calls == {"NotifyWorkers": 3}
    assert (result.exit_code, len(document(result)["failed"])) == (1, 250)


@pytest.mark.gated
def test_batches_after_one_without_an_answer_are_named_and_can_be_sent_later(
    world: World, text: Path, tmp_path: Path
) -> None:
    def cut(call: Call) -> None:
        if call.operation == "NotifyWorkers":
            raise Cut

    world.gate.after = cut
    names = tmp_path / "workers.txt"
    names.write_text("\n".join(f"AMANY{number:03}" for number in range(150)))
    arguments = (SCRIPT, str(text), "--subject", "More", "--file", str(names), "--yes", "--json")
    failed = document(world.invoke(*arguments))["failed"]
    assert [failure["id"] for failure in failed] == [f"AMANY{number:03}" for number in range(150)]
    assert all("It may have arrived" in failure["error"] for failure in failed[:100])
    assert {failure["error"] for failure in failed[100:]} == {"not tried: the endpoint does not answer"}
    world.gate.after = lambda call: None
    again = document(world.invoke(*arguments))
    assert (again["selected"], world.gate.count("NotifyWorkers")) == (50, 2)


@pytest.mark.parametrize(
    "words,subject,why",
    [
        ("", "More", "The text has 0 characters"),
        ("x" * 4097, "More", "The text has 4097 characters; it must have 1 to 4096."),
        ("Hello", "x" * 201, "The subject has 201 characters; it must have 1 to 200."),
        ("Hello", " ", "The subject has 0 characters"),
    ],
)
def test_what_the_api_would_refuse_is_refused_before_any_call(
    world: World, text: Path, words: str, subject: str, why: str
) -> None:
    text.write_text(words)
    result, calls = world.calls_of(SCRIPT, str(text), "--subject", subject, "--worker", "AWORKER1", "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert why in result.stderr


def test_it_says_whom_it_needs_and_asks(world: World, text: Path) -> None:
    for arguments, why in (
        (["--yes"], "Say which runs"),
        (["--worker", "AWORKER1"], "There is no terminal to ask on"),
    ):
        result, calls = world.calls_of(SCRIPT, str(text), "--subject", "More", *arguments)
        assert (result.exit_code, calls) == (2, {})
        assert why in result.stderr
    missing = world.invoke(SCRIPT, str(text) + "x", "--subject", "More", "--worker", "AWORKER1", "--yes")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
    dry = world.invoke(
        SCRIPT, str(text), "--subject", "More", "--worker", "A1", "--worker", "A2", "--dry-run"
    )
    assert "Dry run: 2 would be told" in dry.stderr
