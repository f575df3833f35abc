"""All numbers of a report as one value, from what the registry has.

They are of one moment, whatever others write meanwhile. Bounded is what is kept of 100,000 assignments: a few
numbers each (time, wait, moment of submission), some hundred bytes a worker, a number for each different
answer of a field, and the texts of some; never the assignments themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import money
from crowdops.payments import account
from crowdops.registry import Registry, Result, Run
from crowdops.reporting import costs, durations, excerpts, outcome, pay
from crowdops.reporting.agreement import Agreement, Answers
from crowdops.reporting.aliases import Aliases, read_key
from crowdops.reporting.approval import Approval, Waits
from crowdops.reporting.costs import Costs, Spending
from crowdops.reporting.durations import Durations, Times
from crowdops.reporting.outcome import RunOutcome
from crowdops.reporting.pay import Counts, Given, Pay, TopUp
from crowdops.reporting.progress import Progress, Submissions
from crowdops.reporting.worker_table import WorkerRow, Workers
from crowdops.review import rules
from crowdops.review.rules import Gold, Names

MOST_NAMES = 3  # task_names in a title


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


def gather(context: Context, run_ids: Collection[str], options: Options) -> Report:
    """Return the numbers of these runs, wherever they are, from what the registry has. No API call.

    UsageError names a field or a column of gold answers that nothing matches.
    """
    registry, home, wanted = context.registry, context.settings.home, frozenset(run_ids)
    gold = rules.read_gold(options.gold) if options.gold else None
    with registry.snapshot():
        runs = [run for run in registry.runs() if run.run_id in wanted]
        aliases = Aliases(read_key(home), registry.all_workers()) if options.anonymous else None
        intake = _Intake(runs, options, gold, aliases.conceal if aliases else excerpts.as_is)
        for result in registry.iter_results([run.run_id for run in runs]):
            intake.add(result)
        intake.check_names()
        report = intake.report(registry, home, _servers(registry, runs))
    return aliases.conceal_all(report) if aliases else report


class _Intake:
    """Takes the assignments of some runs in, one after the other, and keeps what a report needs."""

    def __init__(
        self, runs: Sequence[Run], options: Options, gold: Gold | None, conceal: excerpts.Conceal
    ) -> None:
        self._runs, self._by_id = runs, {run.run_id: run for run in runs}
        self._options, self._gold, self._conceal = options, gold, conceal
        self._submissions, self._times, self._waits = Submissions(), Times(), Waits()
        self._spending, self._workers = Spending(self._by_id), Workers()
        self._answers = Answers(_candidates(options.fields), conceal)
        self._names: tuple[set[str], set[str]] = (set(), set())

    def add(self, result: Result) -> None:
        """Take an assignment in."""
        assignment, run = result.assignment, self._by_id[result.run_id]
        time = durations.time_on(assignment)
        is_right = rules.judge(result, self._gold) if self._gold else None
        worker = self._workers.of(assignment.worker_id)
        worker.add(result, run, time, is_right=is_right)
        self._submissions.add(assignment)
        self._times.add(time)
        self._waits.add(assignment)
        self._spending.add(result)
        self._answers.add(result, worker)
        if self._gold or self._options.fields:
            self._names[0].update(result.input or ())
            self._names[1].update(assignment.answer)

    def check_names(self) -> None:
        """Raise UsageError for a field or a column of gold answers that no assignment has."""
        names = Names(sum(self._waits.counts), *map(frozenset, self._names))
        names.fields(self._options.fields)
        if self._gold and self._options.gold:
            names.check(self._options.gold, self._gold)

    def report(self, registry: Registry, home: Path, servers: list[ServerRow]) -> Report:
        """Return the report."""
        given = self._read_bonuses(registry)
        line, figures = self._options.hourly_pay, account.read(registry, self._runs)
        known = outcome.outcomes(registry, home, figures)
        agreement = self._answers.agreement()  # it tells the workers' tallies whom they agree with
        times, urgent = self._times.durations(), outcome.worst(known)
        due = pay.top_ups(self._workers.earnings(), line, given)
        counts = Counts(self._waits.waiting, self._waits.rejected, times.untimed)
        next_auto_approval = account.total(figures).next_auto_approval
        return Report(
            title=_title(known),
            made_at=datetime.now(UTC),
            as_of=account.as_of(registry, self._runs),
            anonymous=self._options.anonymous,
            verdict=urgent.verdict if urgent else "There are no runs.",
            next_command=urgent.next_command if urgent else "make demo",
            runs=known,
            costs=costs.costs(figures, known, self._spending.days()),
            progress=self._submissions.progress(sum(run.tally.asked for run in known)),
            durations=times,
            pay=pay.pay((earned for _, earned in self._workers.earnings()), due, self._by_id, line, counts),
            agreement=agreement,
            workers=self._workers.rows(line),
            approval=self._waits.approval(registry, self._runs, next_auto_approval, self._conceal),
            servers=servers,
            top_ups=due,
        )

    def _read_bonuses(self, registry: Registry) -> Given:
        """Take the bonuses that were paid in. Returns what they leave to be paid."""
        sending: defaultdict[str, Decimal] = defaultdict(Decimal)
        paid: Counter[tuple[str, str, Decimal]] = Counter()
        for run_id, bonus, settled_at in registry.iter_bonuses(list(self._by_id)):
            if bonus.state == "sending":
                sending[bonus.worker_id] += bonus.amount
            elif bonus.state == "paid":
                self._spending.add_bonus(run_id, bonus.amount, settled_at)
                if bonus.reason.startswith(pay.REASON):
                    paid[bonus.assignment_id, bonus.worker_id, bonus.amount] += 1
        return Given(sending, paid)


def _candidates(given: Iterable[str]) -> list[str]:
    """Return the fields that --field may name: as it is written, and without answer. in front."""
    return [name for text in given for name in (text, text.partition(".")[2]) if name]


def _title(known: Sequence[RunOutcome]) -> str:
    names = list(dict.fromkeys(run.task_name for run in known))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"


def _servers(registry: Registry, runs: Sequence[Run]) -> list[ServerRow]:
    names, now = {run.run_id: run.task_name for run in runs}, datetime.now(UTC)
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
        for server in registry.servers("creating", "up", "gone")
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
    """Return a value with its named tuples as objects, and days and dollars as text."""
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value
