"""launch_makeup_hits: a HIT for one worker, made once, paid at once, booked under the task_name."""

import pytest

from crowdserver.worker.refusals import Refused
from tests.support.offers import invite
from tests.support.scripts import Invoked
from tests.support.works import Work, document, inbox, write_csv
from tests.support.world import World

SCRIPT = "mturk/launch_makeup_hits"


def make(world: World, *arguments: str) -> Invoked:
    return world.invoke(SCRIPT, "--task-name", "pilot-1", *arguments, "--yes", "--json")


def one(worker: str = "AWORKER1", amount: str = "0.50", reason: str = "The page broke") -> tuple[str, ...]:
    return "--worker", worker, "--amount", amount, "--reason", reason


def made(world: World) -> list[dict[str, str]]:
    return [
        hit for hit in world.client.list_hits()["HITs"] if hit["Title"].startswith("Payment for your work")
    ]


def test_only_the_worker_can_do_it_and_is_paid_at_once(work: Work) -> None:
    world = work.world
    result = make(world, *one())
    assert result.exit_code == 0, result.stderr
    assert document(result) == {"selected": 1, "done": 1, "already": 0, "failed": [], "dry_run": False}
    [hit] = made(world)
    assert (hit["Reward"], hit["Description"]) == ("0.50", "The page broke")
    assert "The page broke" in hit["Question"]
    with pytest.raises(Refused):
        world.accept(hit["HITId"], "AWORKER2")
    assignment_id = world.do(hit["HITId"], "AWORKER1", received="yes")
    assert (
        world.client.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"]
        == "Approved"
    )
    account = document(world.invoke("mturk/print_account", "--task-name", "pilot-1", "--json"))
    assert [group["rewards"] for group in account["task_names"]] == ["0.50"]
    assert len(account["task_names"][0]["runs"]) == 2


def test_it_is_a_run_like_any_other(work: Work) -> None:
    assert make(work.world, *one()).exit_code == 0
    status = document(
        work.world.invoke("mturk/print_outstanding_hit_status", "--json", "--task-name", "pilot-1")
    )
    [makeup] = [run for run in status["runs"] if run["run_id"] != work.run.run_id]
    assert (makeup["condition"], makeup["hits"]["assignable"]) == ("detached", 1)
    assert work.world.invoke("mturk/expire_hits", "--run", makeup["run_id"], "--yes").exit_code == 0
    assert work.world.statuses([made(work.world)[0]["HITId"]]) == ["Reviewable"]


def test_the_same_compensation_is_made_once_and_another_reason_is_another(work: Work) -> None:
    assert make(work.world, *one()).exit_code == 0
    again, calls = work.world.calls_of(SCRIPT, "--task-name", "pilot-1", *one(), "--yes", "--json")
    assert (again.exit_code, document(again)["already"], calls) == (0, 1, {})
    assert make(work.world, *one(reason="And again")).exit_code == 0
    assert len(made(work.world)) == 2


def test_what_a_lost_registry_had_made_is_found_and_not_made_again(work: Work) -> None:
    world = work.world
    assert make(world, *one()).exit_code == 0
    told = len(inbox(world))
    for path in world.home.glob("registry.db*"):
        path.unlink()
    assert world.invoke("local/rebuild_registry", "--run", work.run.run_id).exit_code == 0
    again = make(world, *one())
    assert (again.exit_code, document(again)["done"], document(again)["already"]) == (0, 0, 1)
    assert (len(made(world)), len(inbox(world))) == (1, told)
    world.do(made(world)[0]["HITId"], "AWORKER1", received="yes")
    account = document(world.invoke("mturk/print_account", "--task-name", "pilot-1", "--json"))
    assert [group["rewards"] for group in account["task_names"]] == ["0.50"]


def test_several_come_from_a_file_and_a_failing_one_does_not_stop_the_rest(work: Work) -> None:
    for number in (1, 2):
        invite(work.world.crowd, worker_id=f"AWORKER{number}")
    rows = [
        {"worker_id": "AWORKER1", "amount": "0.50", "reason": "The page broke"},
        {"worker_id": "ANOBODY99", "amount": "0.50", "reason": "The page broke"},
        {"worker_id": "AWORKER2", "amount": "1", "reason": "So did yours"},
    ]
    path = write_csv(work.world.folder / "makeups.csv", rows)
    result = make(work.world, str(path))
    found = document(result)
    assert (result.exit_code, found["done"]) == (1, 2)
    assert [failure["id"] for failure in found["failed"]] == ["ANOBODY99"]
    assert found["failed"][0]["error"].startswith("row 2: ")
    assert sorted(hit["Reward"] for hit in made(work.world)) == ["0.50", "1.00"]


def test_a_worker_whose_work_was_reviewed_gets_a_message(work: Work) -> None:
    work.world.client.approve_assignment(AssignmentId=work.assignments[0])
    told = work.world.invoke(SCRIPT, "--task-name", "pilot-1", *one(), "--yes")
    assert (told.exit_code, "could not be told" in told.stderr) == (0, False)
    untold = work.world.invoke(SCRIPT, "--task-name", "pilot-1", *one("AWORKER2"), "--yes")
    assert untold.exit_code == 0
    assert "AWORKER2 could not be told: Cannot send a notification" in untold.stderr


def test_a_blocked_worker_can_still_be_paid(work: Work) -> None:
    invite(work.world.crowd, worker_id="AWORKER1")
    for where in (["--everywhere"], ["--task-name", "pilot-1"]):
        assert work.world.invoke("mturk/soft_block_workers", "AWORKER1", *where, "--yes").exit_code == 0
    assert make(work.world, *one()).exit_code == 0
    work.world.do(made(work.world)[0]["HITId"], "AWORKER1", received="yes")


def test_too_little_money_is_said_and_can_be_made_good(work: Work) -> None:
    work.world.set_funds(3 * 6 + 10)
    result = make(work.world, *one())
    assert result.exit_code == 1
    assert "insufficient funds" in document(result)["failed"][0]["error"]
    assert made(work.world) == []
    work.world.set_funds(10_000)
    assert document(make(work.world, *one()))["done"] == 1
    assert len(made(work.world)) == 1


@pytest.mark.parametrize(
    "arguments,why",
    [
        (one(amount="0"), "--worker, --amount, --reason: the amount is 0"),
        (one(amount="0.005"), "more than two decimals"),
        (one(reason=""), "a worker and a reason of 1 to 1000 characters"),
        (one(worker=""), "a worker and a reason"),
        (one(amount="1,250"), "separates thousands: write dollars and cents"),
        (one(worker="somebody"), "'somebody' is not a worker id"),
        (("--worker", "AWORKER2", *one(worker="")), "a worker and a reason"),
        (("makeups.csv", *one()), "--worker and --amount and --reason mean nothing with FILE.CSV"),
        (("makeups.csv", "--amount", "2"), "--amount means nothing with FILE.CSV, which holds it."),
        (("--task-name", "pilot-9", *one()), "No run has a task_name like 'pilot-9'"),
    ],
)
def test_what_cannot_be_made_is_refused_before_any_call(
    work: Work, arguments: tuple[str, ...], why: str
) -> None:
    result, calls = work.world.calls_of(SCRIPT, "--task-name", "pilot-1", *arguments, "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert why in result.stderr


def test_each_named_worker_gets_the_same(work: Work) -> None:
    for number in (1, 2):
        invite(work.world.crowd, worker_id=f"AWORKER{number}")
    result = make(work.world, *one(), "--worker", "AWORKER2", "--worker", "AWORKER1")
    assert (result.exit_code, document(result)["done"]) == (0, 2)
    assert [hit["Reward"] for hit in made(work.world)] == ["0.50", "0.50"]


def test_a_dry_run_shows_the_price_and_only_reads(work: Work) -> None:
    result, calls = work.world.calls_of(SCRIPT, "--task-name", "pilot-1", *one(), "--dry-run")
    assert (result.exit_code, calls) == (0, {})
    assert "$0.10" in result.stdout and "The page broke" in result.stdout
    assert "Dry run: 1 would be made" in result.stderr
    result, calls = work.world.calls_of(SCRIPT, "--task-name", "pilot-1", *one())
    assert (result.exit_code, calls) == (2, {})
