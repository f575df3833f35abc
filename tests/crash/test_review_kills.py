"""kill -9 at the API calls of review, bonuses and compensation: each thing is done once."""

import pytest

from tests.support.sweeps import Point, Record, points, sweep
from tests.support.works import Work
from tests.support.world import World

pytestmark = pytest.mark.gated


def _later(script: str, hours: int) -> str:
    """Name a sweep by the script that is killed and is its own mender."""
    return f"{script}, then the same{f' {hours} hours later' if hours else ''}"


def payments(world: World) -> list[tuple[str, str]]:
    """What the server's ledger says: the worker and the amount of each bonus."""
    return sorted(
        (bonus["WorkerId"], bonus["BonusAmount"])
        for hit in world.client.list_hits(MaxResults=100)["HITs"]
        for bonus in world.client.list_bonus_payments(HITId=hit["HITId"])["BonusPayments"]
    )


@pytest.mark.parametrize("hours", [0, 25])
@sweep(points(calls=5), "after call 2", "before call 3")
def test_review_goes_on_after_a_kill(world: World, point: Point, hours: int, record_property: Record) -> None:
    work = Work(world, units=6)
    work.collect()
    rows = [{"n": str(n), "decision": "approve"} for n in (0, 1, 4)]
    rows += [{"n": str(n), "decision": "reject", "feedback": "No"} for n in (2, 3)]
    command = ("mturk/review_assignments", "--apply", str(work.decisions(*rows)), "--yes")
    world.strike(record_property, _later("review_assignments", hours), point, *command, threads=1)
    world.crowd.advance(hours * 3600)
    again = world.invoke(*command)
    assert again.exit_code == 0, again.stderr
    wanted = ["Approved", "Approved", "Rejected", "Rejected", "Approved", "Submitted"]
    assert work.statuses() == work.stored() == wanted
    before = len(world.gate.calls)
    assert world.invoke(*command).exit_code == 0
    assert len(world.gate.calls) == before


@pytest.mark.parametrize("hours", [0, 25])
@sweep(points(calls=6), "after call 2", "before call 5")
def test_bonuses_are_paid_once_after_a_kill(
    world: World, point: Point, hours: int, record_property: Record
) -> None:
    work = Work(world, units=3)
    work.collect()
    path = work.bonuses({"n": "0"}, {"n": "1", "amount": "0.20"}, {"n": "2", "amount": "0.30"})
    command = ("mturk/pay_bonuses", str(path), "--yes")
    world.strike(record_property, _later("pay_bonuses", hours), point, *command, threads=1)
    world.crowd.advance(hours * 3600)
    again = world.invoke(*command)
    assert again.exit_code == 0, again.stderr
    wanted = [("AWORKER1", "0.10"), ("AWORKER2", "0.20"), ("AWORKER3", "0.30")]
    assert payments(world) == wanted
    assert world.invoke(*command).exit_code == 0
    assert payments(world) == wanted


@pytest.mark.parametrize("hours", [0, 25])
@sweep(points(calls=9), "after call 3", "after call 5")
def test_decisions_with_bonuses_are_whole_after_a_kill(
    world: World, point: Point, hours: int, record_property: Record
) -> None:
    work = Work(world, units=3)
    work.collect()
    rows = [{"n": str(n), "decision": "approve", "bonus": "0.10"} for n in range(3)]
    command = ("mturk/review_assignments", "--apply", str(work.decisions(*rows)), "--yes")
    name = _later("review_assignments with bonuses", hours)
    world.strike(record_property, name, point, *command, threads=1)
    world.crowd.advance(hours * 3600)
    again = world.invoke(*command)
    assert again.exit_code == 0, again.stderr
    assert work.statuses() == ["Approved"] * 3
    assert payments(world) == [(f"AWORKER{n}", "0.10") for n in (1, 2, 3)]
    dry = world.invoke("mturk/review_assignments", "--run", work.run.run_id, "--dry-run")
    assert "0 decisions are noted." in dry.stderr


# Its calls: the qualification, its grant, the HITs that ask for it, the HIT type, the HIT, the message.
@pytest.mark.parametrize("hours", [0, 25])
@sweep(points(calls=6), "after call 1", "after call 5")
def test_a_compensation_is_made_once_after_a_kill(
    world: World, point: Point, hours: int, record_property: Record
) -> None:
    work = Work(world, units=2)
    work.collect()
    command = (
        "mturk/launch_makeup_hits",
        "--task-name",
        "pilot-1",
        "--worker",
        "AWORKER1",
        "--amount",
        "0.50",
        "--reason",
        "The page broke",
        "--yes",
    )
    world.strike(record_property, _later("launch_makeup_hits", hours), point, *command, threads=1)
    world.crowd.advance(hours * 3600)
    again = world.invoke(*command)
    assert again.exit_code == 0, again.stderr
    made = [hit for hit in world.client.list_hits()["HITs"] if hit["Reward"] == "0.50"]
    assert len(made) == 1
    assert world.invoke(*command).exit_code == 0
    assert len(world.client.list_hits()["HITs"]) == 3
