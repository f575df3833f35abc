"""All numbers of a report as one value, from what the registry has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.config.settings import Selection
from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import money
from crowdops.payments import account
from crowdops.payments.account import RunFigures
from crowdops.registry import Run
from crowdops.registry.selection import select
from crowdops.reporting import durations, outcome, pay
from crowdops.reporting.agreement import Agreement
from crowdops.reporting.approval import Approval
from crowdops.reporting.costs import Costs
from crowdops.reporting.durations import Durations, seconds_on
from crowdops.reporting.outcome import RunOutcome
from crowdops.reporting.pay import Pay, TopUp
from crowdops.reporting.progress import Progress, Submissions
from crowdops.reporting.worker_table import WorkerRow


class Options(NamedTuple):
    """What a report is asked for. `hourly_pay` is the line, in dollars; no `fields` are all fields."""

    fields: tuple[str, ...] = ()
    gold: Path | None = None
    hourly_pay: Decimal = pay.LINE
    anonymous: bool = False


class ServerRow(NamedTuple):
    """A task server of the runs by the registry; `seconds` from its making to its end, or to now."""

    name: str
    kind: str
    run_id: str | None
    task_name: str | None
    state: str
    url: str | None
    created_at: datetime
    ended_at: datetime | None
    seconds: float


class Report(NamedTuple):
    """Everything that a report shows. `as_of` is when assignments were last collected.

    `verdict` and `next_command` are those of the run that needs somebody most. `top_ups` are no part of its
    document: they name workers and assignments, and are what a bonus file holds.
    """

    title: str
    made_at: datetime
    as_of: datetime | None
    anonymous: bool
    verdict: str
    next_command: str
    runs: list[RunOutcome]
    costs: Costs
    progress: Progress
    durations: Durations
    pay: Pay
    agreement: Agreement
    workers: list[WorkerRow]
    approval: Approval
    servers: list[ServerRow]
    top_ups: list[TopUp]


def options(fields: Iterable[str], gold: Path | None, hourly_pay: str, *, anonymous: bool) -> Options:
    """Return the options as they are given. UsageError if the line is no amount."""
    try:
        line = money.dollars(hourly_pay)
    except ValueError as error:
        raise UsageError(f"--hourly-pay: {error}. Nothing was done.") from error
    return Options(tuple(fields), gold, line, anonymous)


def gather(context: Context, selection: Selection, options: Options) -> Report:
    """Return the numbers of the selected runs, wherever they are, from what the registry has. No API call.

    UsageError names a selector, a field or a column of gold answers that nothing matches.
    """
    registry, now = context.registry, datetime.now(UTC)
    runs = select(registry, selection)
    known = outcome.outcomes(registry, context.settings.home, runs)
    submissions, times, untimed = Submissions(), [], 0
    for result in registry.iter_results([run.run_id for run in runs]):
        submissions.add(result.assignment)
        seconds = seconds_on(result.assignment)
        if seconds is None:
            untimed += 1
        else:
            times.append(seconds)
    figures = account.read(registry, runs)
    most_urgent = outcome.worst(known)
    return Report(
        title=", ".join(dict.fromkeys(run.task_name for run in known)),
        made_at=now,
        as_of=account.as_of(registry, runs),
        anonymous=options.anonymous,
        verdict=most_urgent.verdict if most_urgent else "There are no runs.",
        next_command=most_urgent.next_command if most_urgent else "make demo",
        runs=known,
        costs=_costs(figures, known),
        progress=submissions.progress(sum(run.tally.asked for run in known)),
        durations=durations.durations(times, untimed),
        pay=_no_pay(options),
        agreement=Agreement([], 0, 0, 0),
        workers=[],
        approval=Approval(None, [], 0, 0, 0, 0, None, None, [], 0),
        servers=_servers(context, runs, now),
        top_ups=[],
    )


def _costs(figures: list[RunFigures], known: list[RunOutcome]) -> Costs:
    total = account.total(figures)
    limits = [run.max_cost for run in known if run.max_cost is not None]
    return Costs(
        approved=total.approved,
        rewards=total.rewards,
        fees=total.fees,
        bonuses=total.bonuses,
        bonus_fees=total.bonus_fees,
        spent=total.spent,
        unreviewed=total.unreviewed,
        unreviewed_cost=total.unreviewed_cost,
        to_spend=total.to_spend,
        bound=sum((run.bound for run in known), Decimal(0)),
        budget=sum(limits, Decimal(0)) if known and len(limits) == len(known) else None,
        days=[],
    )


def _no_pay(options: Options) -> Pay:
    zero = Decimal("0.00")
    return Pay(
        line=options.hourly_pay,
        floor=pay.FLOOR,
        by_worker=None,
        with_rejected=None,
        bars=[],
        below_line=0,
        below_floor=0,
        lifted_workers=0,
        lift=zero,
        lift_cost=zero,
        due_workers=0,
        due=zero,
        due_cost=zero,
        unreviewed=0,
        rejected=0,
        untimed=0,
    )


def _servers(context: Context, runs: list[Run], now: datetime) -> list[ServerRow]:
    names = {run.run_id: run.task_name for run in runs}
    servers = context.registry.servers("creating", "up", "gone")
    return [
        ServerRow(
            name=server.name,
            kind=server.kind,
            run_id=server.run_id,
            task_name=names[server.run_id],
            state=server.state,
            url=server.url,
            created_at=server.created_at,
            ended_at=server.ended_at,
            seconds=((server.ended_at or now) - server.created_at).total_seconds(),
        )
        for server in servers
        if server.run_id in names
    ]


def document(report: Report) -> dict[str, Any]:
    """Return a report as the JSON document that others build on."""
    return {name: _plain(value) for name, value in report._asdict().items() if name != "top_ups"}


def write_document(report: Report, path: Path | None) -> None:
    """Write the document to a file, or to stdout without one or for `-`."""
    if path is None or path == output.STDOUT:
        output.document(document(report))
        return
    with output.destination(path) as file:
        file.write(output.document_text(document(report)) + "\n")


def _plain(value: Any) -> Any:
    """Return a value with its named tuples as objects, and days as text."""
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value
