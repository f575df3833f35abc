"""What a script says that something costs is what the crowd server's ledger then shows, to the cent."""

import json
import re
from decimal import Decimal

from hypothesis import HealthCheck, given, settings

from tests.support.lots import LOTS, Lot, dollars, ledger, paid_bonuses
from tests.support.scripts import Invoked
from tests.support.works import Work, document
from tests.support.world import World


def estimated(world: World, lot: Lot, task_name: str) -> Decimal:
    """What launch_run says before a launch."""
    path = world.write_run(len(lot.fates), task_name=task_name, assignments_per_unit=lot.workers)
    options = ("--set", f"task_reward={lot.reward}", "--dry-run", "--json")
    return Decimal(document(world.invoke("mturk/launch_run", str(path), *options))["cost"])


def announced(result: Invoked) -> Decimal:
    """The dollars of a plan: the last cell of each row of its table, and what its words say of bonuses."""
    assert result.exit_code == 0, result.stderr
    rows = [line.split()[-1] for line in result.stdout.splitlines()[2:]]
    if (
        "paid already" in result.stdout
    ):  # the table of pay_bonuses ends with a count: its words have the total
        rows = []
    words = re.findall(r"bonus(?:es)? for (\$[0-9.]+) with fees", result.stderr)
    return sum((Decimal(text.lstrip("$")) for text in [*rows, *words] if text.startswith("$")), Decimal(0))


def compensate(work: Work, amount: Decimal) -> tuple[str, ...]:
    more = ("--worker", "AWORKER1", "--amount", str(amount), "--reason", "The page broke")
    return ("mturk/launch_makeup_hits", "--task-name", work.run.task_name, *more)


def results(world: World) -> list[dict[str, str]]:
    shown = world.invoke("mturk/download_results", "--all-runs", "--format", "jsonl")
    return [json.loads(line) for line in shown.stdout.splitlines()]


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lot=LOTS, makeup=dollars(500))
def test_every_announced_cost_is_what_the_ledger_then_shows(world: World, lot: Lot, makeup: Decimal) -> None:
    world.crowd.empty()
    for path in world.home.glob("registry.db*"):
        path.unlink()
    cost = estimated(world, lot, "pilot-1")
    work = lot.launch(world, "pilot-1")
    assert ledger(world) == (Decimal(0), cost)
    for command in lot.payments(work):
        spent, _ = ledger(world)
        plan = announced(world.invoke(*command, "--dry-run"))
        assert world.invoke(*command, "--yes").exit_code == 0
        assert ledger(world)[0] - spent == plan
    _, held = ledger(world)
    (row,) = world.invoke(*compensate(work, makeup), "--dry-run").stdout.splitlines()[2:]
    price = sum(Decimal(text.lstrip("$")) for text in row.split()[1:3])
    assert world.invoke(*compensate(work, makeup), "--yes").exit_code == 0
    assert ledger(world)[1] - held == price
    assert sum(Decimal(line["bonus"]) for line in results(world)) == paid_bonuses(world)
