"""soft_block_workers: who is kept out of what, and let in again."""

from pathlib import Path

import pytest

from crowdserver.worker.refusals import Refused
from tests.support.offers import invite
from tests.support.scripts import Invoked
from tests.support.works import Work, document
from tests.support.world import World

SCRIPT = "mturk/soft_block_workers"


@pytest.fixture
def staffed(world: World) -> World:
    """Three workers whom the crowd server knows."""
    for number in (1, 2, 3):
        invite(world.crowd, worker_id=f"AWORKER{number}")
    return world


def block(world: World, *arguments: str, input: str | None = None) -> Invoked:
    is_ahead = "--task-name" in arguments and "--unblock" not in arguments
    flags = ("--ahead", "--yes", "--json") if is_ahead else ("--yes", "--json")
    return world.invoke(SCRIPT, *arguments, *flags, input=input)


def listed(world: World, *arguments: str) -> list[tuple[str, str]]:
    found = document(world.invoke(SCRIPT, "--list", "--json", *arguments))
    return [(each["worker_id"], each["blocked_for"]) for each in found["blocked"]]


def test_runs_launched_afterwards_are_not_offered_to_blocked_workers(staffed: World) -> None:
    assert block(staffed, "AWORKER1", "--task-name", "pilot-1").exit_code == 0
    assert block(staffed, "AWORKER2", "--everywhere").exit_code == 0
    blocked, other = (Work(staffed, units=2, task_name=name, done=False) for name in ("pilot-1", "pilot-2"))

    def does(worker: str, work: Work) -> bool:
        try:
            staffed.accept(work.hits[0], worker)
        except Refused as refused:
            assert refused.code == "not_qualified"
            return False
        return True

    assert [does(f"AWORKER{n}", blocked) for n in (1, 2, 3)] == [False, False, True]
    assert [does(f"AWORKER{n}", other) for n in (2, 1)] == [False, True]


def test_blocks_are_listed_and_ended(staffed: World) -> None:
    found = block(staffed, "AWORKER1", "AWORKER2", "--task-name", "pilot-1")
    assert document(found) == {"selected": 2, "done": 2, "already": 0, "failed": [], "dry_run": False}
    assert document(block(staffed, "AWORKER2", "AWORKER3", "--task-name", "pilot-1"))["already"] == 1
    block(staffed, "AWORKER1", "--everywhere")
    every = [("AWORKER1", "every task_name"), *((f"AWORKER{n}", "pilot-1") for n in (1, 2, 3))]
    assert listed(staffed) == sorted(every)
    assert listed(staffed, "--everywhere") == [("AWORKER1", "every task_name")]
    ended = block(staffed, "AWORKER1", "AWORKER2", "--task-name", "pilot-1", "--unblock")
    assert document(ended)["done"] == 2
    again = block(staffed, "AWORKER1", "AWORKER2", "--task-name", "pilot-1", "--unblock")
    assert (again.exit_code, document(again)["already"]) == (0, 2)
    assert listed(staffed, "--task-name", "pilot-1") == [("AWORKER3", "pilot-1")]


def test_workers_come_from_a_file_and_from_stdin(staffed: World, tmp_path: Path) -> None:
    plain, table = tmp_path / "workers.txt", tmp_path / "workers.csv"
    plain.write_text("AWORKER1\n\n")
    table.write_text("name,worker_id\nAda,AWORKER2\n,AWORKER1\n")
    assert block(staffed, "--file", str(plain), "--task-name", "pilot-1").exit_code == 0
    assert document(block(staffed, "--file", str(table), "--task-name", "pilot-1"))["done"] == 1
    assert block(staffed, "-", "--task-name", "pilot-1", input="AWORKER3\nAWORKER3\n").exit_code == 0
    assert len(listed(staffed)) == 3


def test_unknown_workers_are_named_and_the_rest_is_done(staffed: World) -> None:
    result = block(staffed, "AWORKER1", "AUNKNOWN9", "--task-name", "pilot-1")
    found = document(result)
    assert (result.exit_code, found["done"]) == (1, 1)
    assert sorted(failure["id"] for failure in found["failed"]) == ["AUNKNOWN9"]
    assert listed(staffed) == [("AWORKER1", "pilot-1")]


def test_the_hard_block_is_the_accounts_own(staffed: World) -> None:
    assert block(staffed, "AWORKER1", "AWORKER2", "--hard", "--reason", "Spam").exit_code == 0
    assert [each["WorkerId"] for each in staffed.client.list_worker_blocks()["WorkerBlocks"]] == [
        "AWORKER1",
        "AWORKER2",
    ]
    assert listed(staffed, "--hard") == [
        (f"AWORKER{n}", "the whole account, by the API's own block") for n in (1, 2)
    ]
    assert document(block(staffed, "AWORKER1", "--hard", "--reason", "Spam"))["already"] == 1
    assert document(block(staffed, "AWORKER1", "AWORKER3", "--hard", "--unblock"))["done"] == 1
    assert listed(staffed) == [("AWORKER2", "the whole account, by the API's own block")]


@pytest.mark.parametrize(
    "arguments,why",
    [
        (["AWORKER1"], "Say what for, once"),
        (["AWORKER1", "--everywhere", "--hard", "--reason", "x"], "Say what for, once"),
        (["AWORKER1", "--task-name", "pilot-*"], "a block is for one task_name"),
        (["AWORKER1", "--hard"], "--hard needs a --reason"),
        (["--everywhere"], "Say which workers"),
        (["AWORKER1", "--everywhere", "--reason", "x"], "--reason means nothing without --hard"),
        (
            ["AWORKER1", "--hard", "--unblock", "--reason", "x"],
            "--reason means nothing with --list or --unblock",
        ),
        (["AWORKER1", "--list"], "WORKER_ID and --yes mean nothing with --list"),
        (["--list", "--unblock"], "--yes and --unblock mean nothing with --list"),
        (["AWORKER1", "--everywhere", "--ahead"], "--ahead means nothing without --task-name"),
        (["AWORKER1", "--task-name", "pilot-9"], "No run has the task_name 'pilot-9'. To block before its"),
        (
            ["AWORKER1", "aworker2", "--everywhere"],
            "argument: 'aworker2' is not a worker id: A and then capital",
        ),
    ],
)
def test_what_is_not_clear_is_refused_before_any_call(staffed: World, arguments: list[str], why: str) -> None:
    result, calls = staffed.calls_of(SCRIPT, *arguments, "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert why in result.stderr


@pytest.mark.parametrize("option", ["--unblock", "--list"])
def test_a_misspelt_task_name_is_not_taken_for_one_without_blocks(staffed: World, option: str) -> None:
    staffed.launch("pilot-1")
    block(staffed, "AWORKER1", "--task-name", "other-1")
    workers = ["AWORKER1", "--yes"] if option == "--unblock" else []
    wrong = staffed.invoke(SCRIPT, *workers, option, "--task-name", "pilto-1")
    assert wrong.exit_code == 2
    assert "No run has the task_name 'pilto-1'. Did you mean pilot-1? See them all" in wrong.stderr
    for name in ("pilot-1", "other-1"):  # one has a run, the other one a block
        assert staffed.invoke(SCRIPT, *workers, option, "--task-name", name).exit_code == 0


def test_a_dry_run_only_reads_and_no_terminal_needs_yes(staffed: World) -> None:
    result, calls = staffed.calls_of(SCRIPT, "AWORKER1", "AWORKER2", "--everywhere", "--dry-run")
    assert (result.exit_code, calls) == (0, {})
    assert "2 workers would be blocked: every task_name." in result.stderr
    result, calls = staffed.calls_of(SCRIPT, "AWORKER1", "--everywhere")
    assert (result.exit_code, calls) == (2, {})
