"""Catching up: the registry learns what was submitted, approved and rejected since it last looked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crowdops import results
from crowdops.providers.mturk import MTurk
from crowdops.registry import Registry, Run
from crowdops.results import Finding


def catch_up(registry: Registry, provider: MTurk, runs: Sequence[Run], *, threads: int) -> list[str]:
    """Collect whatever differs. Returns a line for each HIT that could not be read.

    One walk over ListHITs, and one or two calls for each HIT whose counters disagree with what is stored:
    work that came in, was approved by itself, or was reviewed by somebody else.
    """
    found = list(_differing(registry, provider, runs))
    outcomes = results.collect(registry, provider, found, threads=threads)
    return [results.describe_failure(outcome) for outcome in outcomes if outcome.error]


def _differing(registry: Registry, provider: MTurk, runs: Sequence[Run]) -> Iterator[Finding]:
    chosen = {run.run_id for run in runs}
    for hit in provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id not in chosen:
            continue
        stored = registry.unit_review(mark.run_id, mark.unit_index)
        if stored is None or stored.state == "disposed":
            continue
        found = results.finding(hit, mark)
        ending = found.ended and stored.state in ("creating", "outstanding")
        if ending or (stored.reviewed, stored.submitted) != (hit.completed, hit.submitted):
            yield found
