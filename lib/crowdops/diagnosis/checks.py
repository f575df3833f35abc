"""What was seen of a run, as a table: what was looked at, what was found, and whether that is as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from crowdops.console.output import timestamp
from crowdops.diagnosis.snapshot import Pages, Symptoms, Work

SKEW = timedelta(
    seconds=60
)  # clocks that differ by more are worth a word; requests are refused at several minutes


class Evidence(NamedTuple):
    """One row. `fine` is None where it cannot be told."""

    what: str
    found: str
    fine: bool | None


def gather(seen: Symptoms) -> list[Evidence]:
    """Return the evidence, from the process at home to the workers outside."""
    return [
        *_home(seen),
        *_endpoint(seen),
        *(_pages(seen, seen.pages) if seen.pages else ()),
        *(_work(seen, seen.work) if seen.work else ()),
        *_caps(seen),
        *(_money(seen, seen.work) if seen.work else ()),
    ]


def ago(seen: Symptoms, moment: datetime | None) -> str:
    """Return a moment and how long ago it was, in words."""
    return f"{timestamp(moment)}, {duration(seen.at - moment)} ago" if moment else "never"


def duration(time: timedelta) -> str:
    """Return a duration in its largest sensible unit; what lies ahead by some other clock is none."""
    seconds = max(0, int(time.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _home(seen: Symptoms) -> Iterator[Evidence]:
    run, process = seen.run, seen.process
    yield Evidence(
        "run",
        f"{run.state}, {seen.condition}; launched {ago(seen, run.created_at)}",
        seen.condition != "crashed",
    )
    if process.holder:
        state = "suspended" if process.suspended else "alive"
        found = f"{process.holder.pid} ({process.holder.command}) is {state}"
        yield Evidence("process", found, not process.suspended)
    else:
        yield Evidence("process", "none", seen.condition != "crashed")
    last = process.last
    yield Evidence("last in the journal", f"{last.kind}, {ago(seen, last.at)}" if last else "nothing", True)
    units = ", ".join(f"{count} {state}" for state, count in seen.units.items()) or "none"
    yield Evidence("units", f"{units}, of {run.units}", "failed" not in seen.units)


def _endpoint(seen: Symptoms) -> Iterator[Evidence]:
    yield Evidence(
        "endpoint",
        str(seen.silence) if seen.silence else f"{seen.run.endpoint} answers",
        seen.silence is None,
    )
    if seen.clock_ahead is not None:
        found = f"{abs(seen.clock_ahead.total_seconds()):.0f} s apart from the endpoint's"
        yield Evidence("clock", found, abs(seen.clock_ahead) <= SKEW)
    yield Evidence(
        "throttling", f"{seen.throttled} of {seen.calls} calls just made were put off", not seen.throttled
    )


def _pages(seen: Symptoms, pages: Pages) -> Iterator[Evidence]:
    is_needed = seen.condition != "ended"
    name = pages.server.name if pages.server else pages.status.name if pages.status else None
    yield Evidence(
        "task server",
        f"{pages.kind}, {name}" if name else f"{pages.kind}, none is known",
        bool(name) or not is_needed,
    )
    if pages.status:
        exists = "exists" if pages.status.exists else "does not exist"
        found = f"{exists}, {pages.status.scaled} processes, {pages.status.dyno_state or 'down'}"
        yield Evidence(
            "where it runs", found, not is_needed or (pages.status.exists and pages.status.scaled > 0)
        )
    elif pages.note:
        yield Evidence("where it runs", pages.note, None)
    found = "answers" if pages.answers else "does not answer"
    found += f", serves {pages.serves}" if pages.serves else ""
    found += ", is draining: it gives out no more pages" if pages.draining else ""
    good = pages.answers and pages.serves in (None, seen.run.run_id) and not pages.draining
    yield Evidence("its pages", found, good or not is_needed)


def _work(seen: Symptoms, work: Work) -> Iterator[Evidence]:
    found = f"{work.assignable} can be accepted, {work.outstanding - work.assignable} are in workers' hands, {len(work.hits)} in all"
    yield Evidence("HITs", found, True)
    yield Evidence("available", f"{work.available} assignments", True)
    yield Evidence("pending", f"{work.pending} assignments are being worked on", True)
    yield Evidence(
        "not collected",
        f"{work.uncollected} submitted assignments",
        not work.uncollected or seen.condition == "attended",
    )
    yield Evidence("expired unseen", f"{work.unseen} HITs ended and nobody had taken them", not work.unseen)
    yield Evidence("broken units", str(len(work.broken)), not work.broken)
    yield Evidence(
        "last accept", ago(seen, work.last_accept), work.last_accept is not None or work.pending > 0
    )
    patience = timedelta(seconds=seen.parameters.no_submission_patience)
    found = f"{ago(seen, work.last_submission)}; patience is {duration(patience)}"
    yield Evidence("last submission", found, seen.condition == "ended" or seen.quiet_for <= patience)
    for requirement in work.requirements:
        fine = None if requirement.excludes_everybody is None else not requirement.excludes_everybody
        yield Evidence("qualification", f"{requirement.text}: {requirement.met_by}", fine)


def _caps(seen: Symptoms) -> Iterator[Evidence]:
    out, planned = seen.count("creating", "outstanding"), seen.count("planned")
    if cap := seen.parameters.max_num_concurrent_units:
        yield Evidence(
            "max_num_concurrent_units", f"{out} of {cap} are out, {planned} wait for their turn", True
        )
    if seen.caps:
        found = f"{seen.caps.at_cap} of {seen.caps.workers} workers have done {seen.caps.maximum}"
        yield Evidence(
            "maximum_units_per_worker", found, not seen.caps.workers or seen.caps.at_cap < seen.caps.workers
        )


def _money(seen: Symptoms, work: Work) -> Iterator[Evidence]:
    planned = seen.count("planned")
    found = f"${work.balance}, and the next unit costs ${seen.unit_cost}" if planned else f"${work.balance}"
    yield Evidence("balance", found, not planned or work.balance >= seen.unit_cost)
    if seen.parameters.max_cost is not None:
        reached = "reached" if seen.cost_is_reached else "not reached"
        yield Evidence(
            "max_cost", f"${seen.parameters.max_cost}, {reached}", not (planned and seen.cost_is_reached)
        )
