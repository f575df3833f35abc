"""Results: assignments collected from the provider, and written out as people use them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops import bulk
from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.formats import marks, question_xml
from crowdops.providers.mturk.client import Hit, Submission
from crowdops.registry import Assignment, Registry, Run


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
    context: Context, findings: Iterable[Finding], *, mark: bool = True
) -> Iterator[bulk.Outcome[Finding, list[Assignment]]]:
    """Store the assignments of these HITs, then `mark` the ended ones Reviewing. Yields one outcome a HIT.

    Two calls an ended HIT, none for an untouched one, which is not marked either. Safe to repeat and to interrupt: a HIT that was stored but not marked is
    listed again. A unit is not ended while the counters speak of more assignments than are listed.
    """

    def fetch(found: Finding) -> list[Assignment]:
        if found.untouched:
            return []
        return [
            _assignment(submission) for submission in context.provider.submissions(found.hit_id, found.full)
        ]

    stored: list[Finding] = []
    for outcome in bulk.each(fetch, findings, threads=context.settings.threads):
        found = outcome.item
        if outcome.result is None:
            yield bulk.Outcome(found, None, outcome.error)
            continue
        ended = found.ended and len(outcome.result) >= found.expected
        context.registry.collect(found.run_id, found.unit_index, found.hit_id, outcome.result, ended=ended)
        if ended and mark and not found.untouched:
            stored.append(found)
        yield bulk.Outcome(found, outcome.result, None)
    yield from _mark(context, stored)


def mark_collected(context: Context, hit_ids: Iterable[str]) -> None:
    """Take HITs whose results are stored off the list of reviewable ones. A failure is made good next time."""
    for _ in bulk.each(context.provider.mark_reviewing, hit_ids, threads=context.settings.threads):
        pass


def _mark(context: Context, stored: Sequence[Finding]) -> Iterator[bulk.Outcome[Finding, list[Assignment]]]:
    def mark(found: Finding) -> None:
        context.provider.mark_reviewing(found.hit_id)

    for outcome in bulk.each(mark, stored, threads=context.settings.threads):
        if outcome.error and not isinstance(outcome.error, NotFound):
            yield bulk.Outcome(outcome.item, None, outcome.error)


def uncollected(context: Context, runs: Sequence[Run]) -> Iterator[Finding]:
    """Yield what the account has of these runs beyond the registry: one walk over ListHITs.

    HITs that nobody has submitted to and that are still open are left out.
    """
    chosen = {run.run_id for run in runs}
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id not in chosen:
            continue
        unit = context.registry.unit(mark.run_id, mark.unit_index)
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
    answer = question_xml.parse_answer(values.pop("answer"))
    return Assignment(**values, answer=answer)


def refresh(context: Context, runs: Sequence[Run], unattended: Container[str]) -> list[str]:
    """Collect what came in since somebody last looked. Returns a line for each HIT that could not be read.

    A run among the `unattended` ids whose last unit is collected here comes to its end.
    """
    failures: list[str] = []
    for findings in (uncollected(context, runs), stale(context.registry, runs)):
        for outcome in collect(context, findings):
            if outcome.error:
                failures.append(describe_failure(outcome))
    for run in runs:
        if (
            run.state in ("running", "draining")
            and run.run_id in unattended
            and not context.registry.open_units(run.run_id)
        ):
            context.registry.set_run_state(run.run_id, "finished")
    return failures


def describe_failure(outcome: bulk.Outcome[Finding, list[Assignment]]) -> str:
    """Return one line about a HIT whose results could not be collected."""
    found = outcome.item
    return f"HIT {found.hit_id} (unit {found.unit_index} of {found.run_id}): {outcome.error}"


def catch_up(context: Context, runs: Sequence[Run]) -> list[str]:
    """Collect whatever differs. Returns a line for each HIT that could not be read.

    One walk over ListHITs, and one or two calls for each HIT whose counters disagree with what is stored:
    work that came in, was approved by itself, or was reviewed by somebody else.
    """
    found = list(_differing(context, runs))
    outcomes = collect(context, found)
    return [describe_failure(outcome) for outcome in outcomes if outcome.error]


def _differing(context: Context, runs: Sequence[Run]) -> Iterator[Finding]:
    chosen = {run.run_id for run in runs}
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id not in chosen:
            continue
        stored = context.registry.unit_review(mark.run_id, mark.unit_index)
        if stored is None or stored.state == "disposed":
            continue
        found = finding(hit, mark)
        ending = found.ended and stored.state in ("creating", "outstanding")
        if ending or (stored.reviewed, stored.submitted) != (hit.completed, hit.submitted):
            yield found
