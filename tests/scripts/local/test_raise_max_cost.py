"""raise_max_cost: the wall is moved by an explicit command, upward only, and everybody heeds it."""

import re
from decimal import Decimal

import pytest

from crowdops.errors import UsageError
from crowdops.payments import budgets
from crowdops.registry import Run
from tests.support import advice, makes
from tests.support.processes import wait_until
from tests.support.works import Work, document, write_csv
from tests.support.world import World

SCRIPT = "local/raise_max_cost"


def limited(world: World, max_cost: str = "0.50") -> Run:
    return world.launch(max_cost=max_cost)


def test_it_is_raised_once_asked_and_the_journal_says_so(world: World) -> None:
    run = limited(world)
    result = world.invoke(SCRIPT, run.run_id, "2", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "$0.12" in result.stdout and "$0.50" in result.stdout and "$2.00" in result.stdout
    assert world.run(run.run_id) == run._replace(
        parameters=run.parameters._replace(max_cost=Decimal("2.00")),
    )
    journal = world.sql("SELECT target, detail FROM events WHERE kind = 'max-cost-raised'")
    assert journal == [(run.run_id, "from $0.50 to $2.00")]
    again = world.json(SCRIPT, run.run_id, "2.00", "--yes")
    assert (again["already"], again["raised"]) == (True, False)
    assert world.sql("SELECT count(*) FROM events WHERE kind = 'max-cost-raised'") == [(1,)]


def test_a_dry_run_shows_the_plan(world: World) -> None:
    run = limited(world)
    result, calls = world.calls_of(SCRIPT, run.run_id, "0,75", "--dry-run", "--json")
    assert document(result) == {
        "run_id": run.run_id,
        "task_name": "pilot-1",
        "state": "running",
        "bound": "0.12",
        "before": "0.50",
        "max_cost": "0.75",
        "already": False,
        "raised": False,
        "dry_run": True,
    }
    assert calls == {}
    assert world.run(run.run_id) == run


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("0.49", "this raises it only: $0.49 is less. What it has cost: make account RUN="),
        ("1,250", "'1,250' has more than two decimals, or separates thousands"),
        ("1.255", "has more than two decimals"),
        ("0", "the amount is 0"),
        ("plenty", "'plenty' is not an amount of dollars, such as 0.50. Nothing was changed."),
    ],
)
def test_what_is_no_raise_is_refused(world: World, amount: str, why: str) -> None:
    run = limited(world)
    result = world.invoke(SCRIPT, run.run_id, amount, "--yes")
    assert result.exit_code == 2 and why in result.stderr
    assert world.run(run.run_id) == run


def test_a_run_without_one_has_nothing_to_be_raised(world: World) -> None:
    run = world.launch()
    result = world.invoke(SCRIPT, run.run_id, "5", "--yes")
    assert result.exit_code == 2 and f"Run {run.run_id} has no max_cost" in result.stderr


def test_of_two_at_once_only_one_counts(world: World) -> None:
    run = limited(world)
    with world.registry() as registry:
        first, second = (budgets.plan_raise(registry, run, amount) for amount in ("3", "2"))
        budgets.carry_out_raise(registry, first)
        with pytest.raises(UsageError, match="was just changed: look again"):
            budgets.carry_out_raise(registry, second)
    assert world.run(run.run_id).parameters.max_cost == Decimal("3.00")


def test_refused_bonuses_are_paid_after_the_command_that_their_refusal_names(world: World) -> None:
    work = Work(world, units=3, more='max_cost = "0.50"\n')  # 0.18 are bound by the three assignments
    work.collect()
    rows = [
        {"assignment_id": assignment_id, "worker_id": work.worker(number), "amount": "0.40", "reason": "Fine"}
        for number, assignment_id in enumerate(work.assignments)
    ]
    path = write_csv(world.folder / "bonuses.csv", rows)
    refused = world.invoke("mturk/pay_bonuses", str(path), "--yes")
    assert refused.exit_code == 1
    commands = re.findall(r"make (raise-max-cost) (RUN=\S+) (ARGS=\S+)", refused.stderr)
    assert [arguments for _, _, arguments in commands] == ["ARGS=0.66", "ARGS=1.14", "ARGS=1.62"]
    script, *arguments = makes.started_by(world.folder, *commands[-1])
    assert world.invoke(script, *arguments, "--yes").exit_code == 0
    paid = world.json("mturk/pay_bonuses", str(path), "--yes")
    assert (paid["done"], paid["failed"]) == (3, [])


def test_a_living_run_heeds_it(world: World) -> None:
    # $0.06 a unit: three units and a bonus of $0.10 with its fee of $0.02 are the whole of it.
    launch = world.launch_run(units=4, max_num_concurrent_units=1, max_cost="0.30")
    wait_until(lambda: bool(world.open_hits()), 30)
    world.do(world.open_hits()[0])
    wait_until(world.collected, 30)
    [(assignment_id, worker_id)] = world.sql("SELECT assignment_id, worker_id FROM assignments")
    bonus = {"assignment_id": assignment_id, "worker_id": worker_id, "amount": "0.10", "reason": "Fast"}
    assert world.invoke("mturk/pay_bonuses", str(write_csv(world.folder / "b.csv", [bonus])), "--yes")[0] == 0
    assert world.invoke(SCRIPT, launch.run_id, "0.36", "--yes").exit_code == 0
    for number in (2, 3, 4):
        wait_until(lambda: bool(world.open_hits()), 30)
        world.do(world.open_hits()[0], f"AWORKER{number}")
    assert launch.end() == 0, launch.said
    assert world.units(launch.run_id) == {"finished": 4}


def test_the_run_that_ends_for_its_cost_names_what_all_of_it_takes(world: World) -> None:
    launch = world.launch_run(units=6, max_num_concurrent_units=1, max_cost="0.36")
    wait_until(lambda: bool(world.open_hits()), 30)
    world.do(world.open_hits()[0])
    wait_until(world.collected, 30)
    [(assignment_id, worker_id)] = world.sql("SELECT assignment_id, worker_id FROM assignments")
    bonus = {"assignment_id": assignment_id, "worker_id": worker_id, "amount": "0.20", "reason": "Fast"}
    assert world.invoke("mturk/pay_bonuses", str(write_csv(world.folder / "b.csv", [bonus])), "--yes")[0] == 0
    wait_until(lambda: bool(world.open_hits()) or launch.process.poll() is not None, 30)
    if world.open_hits():
        world.do(world.open_hits()[0], "AWORKER2")
    launch.end()
    # Six units at $0.06, and the bonus with its fee.
    assert f"make raise-max-cost RUN={launch.run_id} ARGS=0.60" in launch.said
    [raising] = set(advice.printed(launch.said, "make raise-max-cost RUN=… ARGS=…"))
    assert advice.type_in(world, raising, {}).exit_code == 0
    [resuming] = advice.printed(launch.said, "make resume RUN=…")
    done = world.collected()
    advice.workers(world, 4).start()
    assert advice.type_in(world, resuming, {}).exit_code == 0
    assert len(world.collected() - done) == 4
