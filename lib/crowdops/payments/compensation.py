"""Compensation for a worker who could not be paid otherwise: a HIT that only this worker can do.

Each is a run of its own, of one unit, under the task_name that it makes up for: so it is collected, paid,
counted, expired and found after a crash like any other run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.bulk import Tally
from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import Error, InsufficientFunds, Unreachable, UsageError
from crowdops.formats import csv_files, marks
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import html_question
from crowdops.hits import create
from crowdops.payments import pricing
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run, locks
from crowdops.workers import messages

PLAN_HEADERS = ("worker", "amount", "fee", "reason", "so far")
REQUIRED = ("worker_id", "amount", "reason")
REASON_LENGTH = 1000
PRESS_NOTE = "Stopping: the compensation under way is finished."
_DURATION, _LIFETIME = 3600, 2_678_400  # seconds
_PAGE = """<!DOCTYPE html>
<title>Payment for your work</title>
<h1>Payment for your work</h1>
<p>This is for you alone. There is nothing to do: press the button, and you are paid.</p>
<p>{{ reason }}</p>
<form><input type="hidden" name="received" value="yes"><button>Receive the payment</button></form>
"""


class Makeup(NamedTuple):
    """A compensation that somebody asked for. It is these values together: equal ones are one."""

    row: int | None
    worker_id: str
    amount: Decimal
    reason: str

    def identity(self, settings: Settings, task_name: str) -> str:
        """Return what tells this compensation from all others."""
        parts = (settings.endpoint, task_name, self.worker_id, str(self.amount), self.reason)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Plan(NamedTuple):
    """What is to be made, and what exists already. `original` is a run that they make up for."""

    original: Run
    due: list[Makeup]
    made: list[Makeup]


def read(path: Path) -> list[Makeup]:
    """Return the rows of a file. UsageError for any that cannot be made, and for two that are the same."""
    found: dict[tuple[str, Decimal, str], Makeup] = {}
    for row in csv_files.read(path, REQUIRED):
        values = (row.text("worker_id"), row.text("amount"), row.text("reason"))
        makeup = check(*values, place=f"{path}: row {row.number}", row=row.number)
        if twin := found.get(makeup[1:]):
            raise UsageError(f"{path}: row {row.number} is the same as row {twin.row}. Nothing was created.")
        found[makeup[1:]] = makeup
    return list(found.values())


def check(worker_id: str, amount: str, reason: str, *, place: str, row: int | None = None) -> Makeup:
    """Return a compensation. UsageError says at which place it cannot stand."""
    try:
        money = csv_files.money(amount)
    except ValueError as error:
        raise UsageError(f"{place}: {error}. Nothing was created.") from error
    if not worker_id or not 0 < len(reason) <= REASON_LENGTH or not reason.isprintable():
        raise UsageError(
            f"{place}: a worker and a reason of 1 to {REASON_LENGTH} characters on one line are needed; the"
            " worker reads the reason. Nothing was created."
        )
    return Makeup(row, worker_id, money, reason)


def plan(context: Context, task_name: str, wanted: Sequence[Makeup], runs: Sequence[Run]) -> Plan:
    """Return which of these still have to be made. No API call. UsageError if no run has the task_name."""
    original = next((run for run in reversed(runs) if run.task_name == task_name), None)
    if original is None:
        raise UsageError(
            f"No run at {context.settings.endpoint} has the task_name {task_name!r}. See them: make runs"
        )
    found = Plan(original, [], [])
    for makeup in wanted:
        run_id = context.registry.makeup_run(makeup.identity(context.settings, task_name))
        (found.made if run_id and _is_made(context.registry, run_id) else found.due).append(makeup)
    return found


def _is_made(registry: Registry, run_id: str) -> bool:
    unit = registry.unit(run_id, 0)
    return unit is not None and unit.hit_id is not None


def total(due: Sequence[Makeup], environment: str) -> Decimal:
    """Return what these cost, fees included."""
    return sum(
        (each.amount + pricing.fee(each.amount, 1, environment=environment) for each in due), Decimal(0)
    )


def plan_rows(plan: Plan, settings: Settings) -> list[tuple[object, ...]]:
    """Return the rows of a plan under PLAN_HEADERS."""
    return [
        (
            *(
                each.worker_id,
                f"${each.amount}",
                f"${pricing.fee(each.amount, 1, environment=settings.environment)}",
            ),
            *(each.reason, state),
        )
        for these, state in ((plan.due, "to be made"), (plan.made, "made before"))
        for each in these
    ]


def make(context: Context, plan: Plan, progress: Progress) -> tuple[Tally[Makeup], list[str]]:
    """Make compensations, one after another. Returns, too, a line for each worker who could not be told.

    Safe to repeat and to interrupt at any moment: each step is written down, or finds what it made before.
    """
    tally: Tally[Makeup] = Tally()
    untold: list[str] = []
    waiting = list(plan.due)
    with Interrupts() as presses:
        presses.note = lambda count: PRESS_NOTE
        while waiting and not presses.count:
            makeup = waiting.pop(0)
            try:
                if _make(context, plan.original, makeup):
                    untold += _tell(context, plan.original.task_name, makeup)
                else:
                    tally.already += 1
                tally.settled.append(makeup)
            except Error as error:
                row = f"row {makeup.row}: " if makeup.row else ""
                tally.failed.append((makeup.worker_id, f"{row}{error}"))
                if isinstance(error, Unreachable):
                    break
            progress.update(len(plan.due) - len(waiting))
        tally.interrupted = presses.count > 0 and bool(waiting)
    progress.close()
    tally.add_untried(each.worker_id for each in waiting)
    return tally, untold


def _make(context: Context, original: Run, makeup: Makeup) -> bool:
    """Make a compensation. False if it exists and a registry that is lost knew of it: its worker was told then."""
    identity = makeup.identity(context.settings, original.task_name)
    type_id = context.provider.create_qualification_type(
        f"{marks.PREFIX}makeup:{identity[:24]}",
        "Holders are paid for work that could not be paid otherwise.",
    )
    context.provider.grant(type_id, makeup.worker_id)
    run_id, standing = context.registry.makeup_run(identity), None
    if run_id is None:  # nobody else asks for this qualification: what asks for it is this compensation
        standing = next((hit for hit in context.provider.iter_hits_asking_for(type_id) if hit.mark), None)
        new_id = standing.mark.run_id if standing and standing.mark else marks.new_run_id()
        run_id = context.registry.intend_makeup(identity, new_id, makeup.worker_id)
    with locks.hold(context.settings.home, run_id):
        run = context.registry.run(run_id) or _enter(context, original, makeup, run_id, type_id)
        if standing:
            context.registry.adopt_hit(run_id, 0, standing.hit_id, standing.created_at)
        _launch(context, run, makeup)
    return standing is None


def _enter(context: Context, original: Run, makeup: Makeup, run_id: str, type_id: str) -> Run:
    """Write the run and its page. From here on it is a run like any other, whoever launches its unit."""
    requirement: dict[str, Any] = {
        "QualificationTypeId": type_id,
        "Comparator": "Exists",
        "ActionsGuarded": "DiscoverPreviewAndAccept",
    }
    folder = context.settings.home / "runs" / run_id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    template = folder / "template.html"
    template.write_text(_PAGE, encoding="utf-8")
    parameters = original.parameters._replace(
        task_title=f"Payment for your work: {original.parameters.task_title}"[:128],
        task_description=makeup.reason,
        task_reward=makeup.amount,
        task_tags="",
        data=template,
        template=template,
        assignments_per_unit=1,
        max_num_concurrent_units=0,
        allowed_concurrent=0,
        maximum_units_per_worker=0,
        max_cost=None,
        server_kind="none",
        assignment_duration_in_seconds=_DURATION,
        task_lifetime_in_seconds=_LIFETIME,
        auto_approval_delay_in_seconds=0,  # the submission alone pays
        qualifications=[requirement],
    )
    run = Run(
        *(
            run_id,
            original.task_name,
            context.settings.environment,
            context.settings.endpoint,
            "launching",
            True,
        ),
        parameters=parameters,
        data_digest="",
        units=1,
        hit_type_id=None,
        created_at=datetime.now(UTC),
        ended_at=None,
        reason=None,
    )
    context.registry.add_run(run)
    return run


def _launch(context: Context, run: Run, makeup: Makeup) -> None:
    """Create the run's one HIT, or find it."""
    parameters = run.parameters
    run = run._replace(hit_type_id=run.hit_type_id or _hit_type(context.provider, parameters))
    assert run.hit_type_id is not None
    context.registry.set_hit_type(run.run_id, run.hit_type_id)
    context.registry.add_units(run.run_id, [(0, {"worker_id": makeup.worker_id, "reason": makeup.reason})])
    unit = context.registry.unit(run.run_id, 0)
    assert unit is not None
    # A token is good for a day by the endpoint's clock, which need not be ours: look before sending again.
    found = create.find_created(context.provider, run, [unit]) if unit.state == "creating" else {}
    hit_id = unit.hit_id or found.get(0)
    if hit_id is None:
        context.registry.intend(run.run_id, 1)
        page = Page(parameters.template).render(unit.input or {}, 1)
        lifetime = parameters.task_lifetime_in_seconds
        try:
            hit_id = create.create(context.provider, run, unit, html_question(page, 1), 1, lifetime)
        except InsufficientFunds:
            context.registry.withdraw(run.run_id, [0])
            raise
    context.registry.set_created(run.run_id, 0, hit_id)
    context.registry.set_run_state(run.run_id, "running")


def _hit_type(provider: MTurk, parameters: Parameters) -> str:
    return provider.create_hit_type(
        title=parameters.task_title,
        description=parameters.task_description,
        keywords=parameters.task_tags,
        reward=parameters.task_reward,
        assignment_duration=parameters.assignment_duration_in_seconds,
        auto_approval_delay=parameters.auto_approval_delay_in_seconds,
        qualifications=parameters.qualifications,
    )


def _tell(context: Context, task_name: str, makeup: Makeup) -> list[str]:
    """Send the worker a message, once. Returns why it did not arrive; the HIT itself says the same."""
    text = (
        f"{makeup.reason}\n\nA HIT that only you can see pays you ${makeup.amount}: find it among the available"
        f" work, accept it and press its button. ({task_name})"
    )
    message = messages.Message("A payment for your work", text)
    if not messages.plan(context, message, [makeup.worker_id]).recipients:
        return []
    why = messages.tell(context, message, makeup.worker_id)
    return [f"{makeup.worker_id} could not be told: {why}"] if why else []
