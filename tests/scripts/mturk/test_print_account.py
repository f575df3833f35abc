"""print_account: every sum is the crowd server's own, to the cent."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.lots import FUNDS, LOTS, Lot, ledger
from tests.support.works import Work, document
from tests.support.world import World

SCRIPT = "mturk/print_account"


def add(groups: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(group[name]) for group in groups), Decimal(0))


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lots=st.lists(LOTS, min_size=1, max_size=2), later=st.booleans())
def test_every_sum_adds_up_with_the_servers_ledger(world: World, lots: list[Lot], later: bool) -> None:
    world.crowd.empty()
    for path in world.home.glob("registry.db*"):
        path.unlink()
    works = [lot.launch(world, f"pilot-{number}") for number, lot in enumerate(lots)]
    for work, lot in zip(works, lots, strict=True):
        for command in lot.payments(work):
            assert world.invoke(*command, "--yes").exit_code == 0
    if later:
        world.crowd.advance(8 * 86400)  # whatever was left is approved by itself, and the HITs have ended
        world.client.get_account_balance()
    found = document(world.invoke(SCRIPT, "--json"))
    spent, held = ledger(world)
    assert Decimal(found["total"]["spent"]) == spent
    assert Decimal(found["available"]) + held == FUNDS - spent
    if not later:  # after their HITs have ended, unclaimed assignments hold nothing
        assert Decimal(found["total"]["to_spend"]) == Decimal(found["held"]) == held
    for name in ("spent", "rewards", "fees", "bonuses", "bonus_fees", "to_spend", "unreviewed_cost"):
        runs = [run for group in found["task_names"] for run in group["runs"]]
        assert Decimal(found["total"][name]) == add(found["task_names"], name) == add(runs, name)


@pytest.fixture
def reviewed(work: Work) -> Work:
    rows = [
        {"n": "0", "decision": "approve", "bonus": "0.07"},
        {"n": "1", "decision": "reject", "feedback": "No"},
    ]
    assert work.review("--apply", str(work.decisions(*rows)), "--yes").exit_code == 0
    return work


def test_the_table_shows_runs_task_names_and_the_sum(reviewed: Work) -> None:
    other = Work(reviewed.world, units=2, task_name="pilot-1", done=False)
    result = reviewed.world.invoke(SCRIPT)
    assert result.exit_code == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()[2:]]
    assert [(row[0], row[1]) for row in rows[2:]] == [("pilot-1", "2"), ("all", "2")]
    by_run = {row[1]: row for row in rows}  # runs of one second are in no order
    mine = by_run[reviewed.run.run_id]
    assert mine[2:10] == ["1", "$0.05", "$0.01", "$0.07", "$0.01", "$0.14", "1", "$0.06"]
    assert mine[-1] == "$0.06" and by_run[other.run.run_id][-1] == "$0.12" and rows[-1][-1] == "$0.18"
    assert result.stderr == "The account can spend $9999.68; $0.18 more are held for work on offer.\n"


def test_the_next_auto_approval_is_told(reviewed: Work) -> None:
    found = document(reviewed.world.invoke(SCRIPT, "--json"))
    left = reviewed.world.client.get_assignment(AssignmentId=reviewed.assignments[2])["Assignment"]
    moment = left["AutoApprovalTime"].astimezone().timestamp()
    assert found["total"]["unreviewed"] == 1
    told = found["total"]["next_auto_approval"]
    assert abs(moment - datetime.fromisoformat(told).timestamp()) < 1


def test_offline_only_the_balance_is_asked_for(reviewed: Work) -> None:
    result, calls = reviewed.world.calls_of(SCRIPT, "--offline", "--json")
    assert (result.exit_code, calls) == (0, {"GetAccountBalance": 1})
    assert document(result)["as_of"].endswith("Z")
    assert "Work and reviews are as of 20" in reviewed.world.invoke(SCRIPT, "--offline").stderr
    assert document(result)["total"]["spent"] == "0.14"


def test_reading_costs_a_walk_and_only_what_changed(reviewed: Work) -> None:
    reviewed.world.invoke(SCRIPT)
    _, calls = reviewed.world.calls_of(SCRIPT)
    assert calls == {"ListHITs": 2, "GetAccountBalance": 1}
    reviewed.world.client.approve_assignment(AssignmentId=reviewed.assignments[2])
    _, calls = reviewed.world.calls_of(SCRIPT)
    assert calls == {
        "ListHITs": 2,
        "GetAccountBalance": 1,
        "ListAssignmentsForHIT": 1,
    }


def test_ten_assignments_a_unit_cost_more_and_two_hits_would_not(world: World) -> None:
    path = str(world.write_run(2, assignments_per_unit=12))
    result = world.invoke("mturk/launch_run", path, "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "2 units, 24 assignments: $1.20 in rewards + $0.48 in fees (40%) = $1.68" in result.stdout
    assert (
        "10 and more assignments cost another 20%. 2 HITs of at most 9 in place of each would cost $1.44"
        in result.stdout
    )


def test_work_for_masters_costs_more(world: World) -> None:
    masters = """
[[qualifications]]
QualificationTypeId = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
Comparator = "Exists"
"""
    Work(world, units=2, done=False, given=("task_reward=1.00",), more=masters)
    found = document(world.invoke(SCRIPT, "--json"))
    assert found["held"] == found["total"]["to_spend"] == "2.50"
