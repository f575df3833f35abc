"""Results: assignments collected from the provider, and written out as people use them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, Any, NamedTuple

from crowdops import marks, parallel, questions, spreadsheets
from crowdops.errors import NotFound
from crowdops.output import cell, timestamp
from crowdops.providers.mturk import Hit, MTurk, Submission
from crowdops.registry import Assignment, Registry, Result, Run

FIXED_COLUMNS = ("run_id", "task_name", "unit_index")
ASSIGNMENT_COLUMNS = (
    *("hit_id", "assignment_id", "worker_id", "status"),
    *("accepted_at", "submitted_at", "approved_at", "bonus"),
)


class Finding(NamedTuple):
    """An ended or partly done HIT of a run, whose assignments are to be collected."""

    run_id: str
    unit_index: int
    hit_id: str
    expected: int  # assignments that the counters speak of
    full: int  # assignments after which there can be no more
    ended: bool
    untouched: bool = False  # it ended, and nobody has submitted anything


def finding(hit: Hit, mark: marks.Mark) -> Finding:
    """Return what there is to collect of a HIT of ours."""
    return Finding(
        *(mark.run_id, mark.unit_index, hit.hit_id),
        expected=hit.submitted + hit.completed,
        full=hit.max_assignments,
        ended=not hit.is_outstanding,
        untouched=not hit.is_outstanding and hit.available == hit.max_assignments,
    )


def collect(
    registry: Registry, provider: MTurk, findings: Iterable[Finding], *, threads: int, mark: bool = True
) -> Iterator[parallel.Outcome[Finding, list[Assignment]]]:
    """Store the assignments of these HITs, then `mark` the ended ones Reviewing. Yields one outcome a HIT.

    Two calls an ended HIT, none for an untouched one, which is not marked either. Safe to repeat and to interrupt: a HIT that was stored but not marked is
    listed again. A unit is not ended while the counters speak of more assignments than are listed.
    """

    def fetch(found: Finding) -> list[Assignment]:
        if found.untouched:
            return []
        return [_assignment(submission) for submission in provider.submissions(found.hit_id, found.full)]

    stored: list[Finding] = []
    for outcome in parallel.each(fetch, findings, threads=threads):
        found = outcome.item
        if outcome.result is None:
            yield parallel.Outcome(found, None, outcome.error)
            continue
        ended = found.ended and len(outcome.result) >= found.expected
        registry.collect(found.run_id, found.unit_index, found.hit_id, outcome.result, ended=ended)
        if ended and mark and not found.untouched:
            stored.append(found)
        yield parallel.Outcome(found, outcome.result, None)
    yield from _mark(provider, stored, threads)


def mark_collected(provider: MTurk, hit_ids: Iterable[str], *, threads: int) -> None:
    """Take HITs whose results are stored off the list of reviewable ones. A failure is made good next time."""
    for _ in parallel.each(provider.mark_reviewing, hit_ids, threads=threads):
        pass


def _mark(
    provider: MTurk, stored: Sequence[Finding], threads: int
) -> Iterator[parallel.Outcome[Finding, list[Assignment]]]:
    def mark(found: Finding) -> None:
        provider.mark_reviewing(found.hit_id)

    for outcome in parallel.each(mark, stored, threads=threads):
        if outcome.error and not isinstance(outcome.error, NotFound):
            yield parallel.Outcome(outcome.item, None, outcome.error)


def uncollected(registry: Registry, provider: MTurk, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield what the account has of these runs beyond the registry: one walk over ListHITs.

    HITs that nobody has submitted to and that are still open are left out.
    """
    chosen = {run.run_id for run in runs}
    for hit in provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id not in chosen:
            continue
        unit = registry.unit(mark.run_id, mark.unit_index)
        if unit is None or unit.state in ("finished", "disposed"):
            continue
        found = finding(hit, mark)
        is_known_to_be_empty = found.untouched and unit.state == "expired"
        if (found.ended or found.expected) and not is_known_to_be_empty:
            yield found


def stale(registry: Registry, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield the HITs whose stored 'Submitted' must have become 'Approved' by itself meanwhile."""
    now = datetime.now(UTC)
    for run in runs:
        for unit_index, hit_id in registry.iter_stale_units(run.run_id, now):
            yield Finding(run.run_id, unit_index, hit_id, expected=0, full=1_000_000_000, ended=False)


def _assignment(submission: Submission) -> Assignment:
    values = submission._asdict()
    answer = questions.parse_answer(values.pop("answer"))
    return Assignment(**values, answer=answer)


def record(result: Result) -> dict[str, Any]:
    """Return one result as the JSON object that others build on."""
    assignment = result.assignment
    return {
        "run_id": result.run_id,
        "task_name": result.task_name,
        "unit_index": result.unit_index,
        "input": result.input,
        "hit_id": assignment.hit_id,
        "assignment_id": assignment.assignment_id,
        "worker_id": assignment.worker_id,
        "status": assignment.status,
        "accepted_at": timestamp(assignment.accepted_at),
        "submitted_at": timestamp(assignment.submitted_at),
        "approved_at": timestamp(assignment.approved_at),
        "answer": assignment.answer,
        "bonus": str(assignment.bonus or "0.00"),
    }


def write_jsonl(results: Iterable[Result], file: IO[str]) -> None:
    """Write one JSON object a line."""
    for result in results:
        file.write(json.dumps(record(result), ensure_ascii=False) + "\n")


def write_json(results: Iterable[Result], file: IO[str]) -> None:
    """Write one JSON array, streamed."""
    opening = "["
    for result in results:
        file.write(f"{opening}\n{json.dumps(record(result), ensure_ascii=False)}")
        opening = ","
    file.write("[]\n" if opening == "[" else "\n]\n")


def write_csv(results: Callable[[], Iterable[Result]], file: IO[str]) -> None:
    """Write CSV with a column for each input and answer field that occurs; reads the results twice.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV injection").
    """
    inputs: dict[str, None] = {}
    answers: dict[str, None] = {}
    for result in results():
        inputs.update(dict.fromkeys(result.input or {}))
        answers.update(dict.fromkeys(result.assignment.answer))
    writer = csv.writer(file, lineterminator="\n")
    headers = [
        *FIXED_COLUMNS,
        *(f"input.{n}" for n in inputs),
        *ASSIGNMENT_COLUMNS,
        *(f"answer.{n}" for n in answers),
    ]
    writer.writerow([spreadsheets.cell(header) for header in headers])
    for result in results():
        flat = record(result)
        given, answered = flat["input"] or {}, flat["answer"]
        row = [
            *(flat[name] for name in FIXED_COLUMNS),
            *(given.get(name) for name in inputs),
            *(flat[name] for name in ASSIGNMENT_COLUMNS),
            *(answered.get(name) for name in answers),
        ]
        writer.writerow([spreadsheets.cell(value) for value in row])


def write_table(results: Iterable[Result], file: IO[str]) -> None:
    """Write a table for people: one line a unit, its data and its answers side by side."""
    from tabulate import tabulate

    units: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        units.setdefault((result.task_name, result.unit_index), []).append(result)
    rows = [
        (
            name,
            index,
            cell(_short(found[0].input)),
            cell(" | ".join(_short(r.assignment.answer) for r in found)),
        )
        for (name, index), found in units.items()
    ]
    headers = ("task_name", "unit", "input", "answers")
    file.write(tabulate(rows, headers=headers, disable_numparse=True) + "\n")


def _short(fields: dict[str, Any] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (fields or {}).items())


def refresh(
    registry: Registry, provider: MTurk, runs: Sequence[Run], unattended: Container[str], *, threads: int
) -> list[str]:
    """Collect what came in since somebody last looked. Returns a line for each HIT that could not be read.

    A run among the `unattended` ids whose last unit is collected here comes to its end.
    """
    failures: list[str] = []
    for findings in (uncollected(registry, provider, runs), stale(registry, runs)):
        for outcome in collect(registry, provider, findings, threads=threads):
            if outcome.error:
                failures.append(describe_failure(outcome))
    for run in runs:
        if (
            run.state in ("running", "draining")
            and run.run_id in unattended
            and not registry.open_units(run.run_id)
        ):
            registry.set_run_state(run.run_id, "finished")
    return failures


def write(registry: Registry, runs: Sequence[Run], form: str, file: IO[str]) -> None:
    """Write the results of these runs as csv, json, jsonl or table."""
    run_ids = [run.run_id for run in runs]
    if form == "csv":
        write_csv(lambda: registry.iter_results(run_ids), file)
    elif form == "json":
        write_json(registry.iter_results(run_ids), file)
    elif form == "jsonl":
        write_jsonl(registry.iter_results(run_ids), file)
    else:
        write_table(registry.iter_results(run_ids), file)


def describe_failure(outcome: parallel.Outcome[Finding, list[Assignment]]) -> str:
    """Return one line about a HIT whose results could not be collected."""
    found = outcome.item
    return f"HIT {found.hit_id} (unit {found.unit_index} of {found.run_id}): {outcome.error}"
