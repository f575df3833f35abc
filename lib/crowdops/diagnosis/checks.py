"""A snapshot of a run as a table: what was looked at, what was found, and whether that is as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from crowdops.console.output import timestamp
from crowdops.diagnosis.snapshot import Pages, Snapshot, Work
from crowdops.formats import words

SKEW = timedelta(seconds=60)  # between two clocks; the endpoint refuses requests at several minutes


class Check(NamedTuple):
    """One row. `is_fine` is None where it cannot be told."""

    subject: str
    finding: str
    is_fine: bool | None


def make_checks(snapshot: Snapshot) -> list[Check]:
    """Return what there is to check, from the process at home to the workers outside."""
    checks = [*_check_home(snapshot), *_check_endpoint(snapshot)]
    if snapshot.pages:
        checks += _check_pages(snapshot, snapshot.pages)
    if snapshot.work:
        checks += _check_work(snapshot, snapshot.work)
    checks += _check_caps(snapshot)
    if snapshot.work:
        checks += _check_money(snapshot, snapshot.work)
    return checks


def duration(time: timedelta) -> str:
    """Return a duration in its largest sensible unit; what lies ahead by some other clock is none."""
    seconds = max(0, int(time.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def untaken(hits: int) -> str:
    """Return in words that HITs ended unseen."""
    return f"{words.count(hits, 'HIT')} ended and nobody had taken {words.choose(hits, 'it', 'them')}"


def _ago(snapshot: Snapshot, moment: datetime | None) -> str:
    return f"{timestamp(moment)}, {duration(snapshot.at - moment)} ago" if moment else "never"


def _check_home(snapshot: Snapshot) -> Iterator[Check]:
    run, process, is_crashed = snapshot.run, snapshot.process, snapshot.condition == "crashed"
    launched = f"launched {_ago(snapshot, run.created_at)}"
    yield Check("run", f"{run.state}, {snapshot.condition}; {launched}", not is_crashed)
    if process.holder:
        state = "suspended" if process.is_suspended else "alive"
        finding = f"{process.holder.pid} ({process.holder.command}) is {state}"
        yield Check("process", finding, not process.is_suspended)
    else:
        yield Check("process", "none", not is_crashed)
    event = process.last_event
    finding = f"{event.kind}, {_ago(snapshot, event.at)}" if event else "nothing"
    yield Check("last in the journal", finding, True)
    units = ", ".join(f"{count} {state}" for state, count in snapshot.units.items()) or "none"
    yield Check("units", f"{units}, of {run.units}", "failed" not in snapshot.units)


def _check_endpoint(snapshot: Snapshot) -> Iterator[Check]:
    endpoint = snapshot.endpoint
    finding = str(endpoint.error) if endpoint.error else f"{snapshot.run.endpoint} answers"
    yield Check("endpoint", finding, endpoint.error is None)
    if endpoint.clock_ahead is not None:
        finding = f"{abs(endpoint.clock_ahead.total_seconds()):.0f} s apart from the endpoint's"
        yield Check("clock", finding, abs(endpoint.clock_ahead) <= SKEW)
    finding = f"{endpoint.throttled} of {endpoint.calls} calls just made were put off"
    yield Check("throttling", finding, not endpoint.throttled)


def _check_pages(snapshot: Snapshot, pages: Pages) -> Iterator[Check]:
    is_needed, status = snapshot.condition != "ended", pages.status
    name = pages.server.name if pages.server else status.name if status else None
    finding = f"{pages.kind}, {name}" if name else f"{pages.kind}, none is known"
    yield Check("task server", finding, bool(name) or not is_needed)
    if status:
        exists = "exists" if status.exists else "does not exist"
        known = f"{words.count(status.scaled or 0, 'process')}, {status.dyno_state or 'down'}"
        finding = f"{exists}, {'its processes are not known' if status.scaled is None else known}"
        is_up = status.exists and status.scaled != 0
        yield Check("where it runs", finding, is_up or not is_needed)
    elif pages.note:
        yield Check("where it runs", pages.note, None)
    is_serving = pages.answers and pages.serves in (None, snapshot.run.run_id) and not pages.is_draining
    yield Check("its pages", _describe_answer(pages), is_serving or not is_needed)


def _describe_answer(pages: Pages) -> str:
    finding = "answers" if pages.answers else "does not answer"
    finding += f", serves {pages.serves}" if pages.serves else ""
    return finding + (", is draining: it gives out no more pages" if pages.is_draining else "")


def _check_work(snapshot: Snapshot, work: Work) -> Iterator[Check]:
    in_hands = work.outstanding - work.assignable
    finding = f"{work.assignable} can be accepted, {in_hands} are in workers' hands, {len(work.hits)} in all"
    yield Check("HITs", finding, True)
    yield Check("available", words.count(work.available, "assignment"), True)
    yield Check("pending", f"{words.are(work.pending, 'assignment')} being worked on", True)
    is_collected = not work.uncollected or snapshot.condition == "attended"
    yield Check("not collected", words.count(work.uncollected, "submitted assignment"), is_collected)
    finding = untaken(work.untouched)
    yield Check("expired unseen", finding, not work.untouched)
    yield Check("broken units", str(len(work.differences)), not work.differences)
    has_begun = work.last_accept is not None or work.pending > 0
    yield Check("last accept", _ago(snapshot, work.last_accept), has_begun)
    if given_back := snapshot.given_back:
        who = f", by {words.count(work.returns.workers, 'worker')}" if work.returns else ""
        finding = f"{given_back} accepted and returned{who}"
        yield Check("given back", finding, work.last_submission is not None)
    patience = timedelta(seconds=snapshot.run.parameters.no_submission_patience)
    finding = f"{_ago(snapshot, work.last_submission)}; patience is {duration(patience)}"
    yield Check("last submission", finding, snapshot.condition == "ended" or snapshot.quiet_for <= patience)
    for requirement in work.requirements:
        excludes = requirement.excludes_everybody
        is_fine = None if excludes is None else not excludes
        yield Check("qualification", f"{requirement.text}: {requirement.met_by}", is_fine)


def _check_caps(snapshot: Snapshot) -> Iterator[Check]:
    if cap := snapshot.run.parameters.max_num_concurrent_units:
        out, planned = snapshot.count("creating", "outstanding"), snapshot.count("planned")
        finding = f"{out} of {cap} are out, {planned} wait for their turn"
        yield Check("max_num_concurrent_units", finding, True)
    if caps := snapshot.caps:
        workers = words.have(caps.workers, "worker")
        finding = f"{caps.at_cap} of {workers} done {caps.maximum}"
        yield Check("maximum_units_per_worker", finding, not caps.workers or caps.at_cap < caps.workers)


def _check_money(snapshot: Snapshot, work: Work) -> Iterator[Check]:
    planned, cost = snapshot.count("planned"), snapshot.unit_cost
    finding = f"${work.balance}, and the next unit costs ${cost}" if planned else f"${work.balance}"
    yield Check("balance", finding, not planned or work.balance >= cost)
    max_cost = snapshot.run.parameters.max_cost
    if max_cost is not None:
        reached = "reached" if snapshot.cost_is_reached else "not reached"
        yield Check("max_cost", f"${max_cost}, {reached}", not (planned and snapshot.cost_is_reached))
