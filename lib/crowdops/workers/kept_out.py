"""Who has answered a unit does not get it again in another HIT that takes the place of its first.

The API keeps a worker from a HIT that he has done, and from nothing else. So a HIT that replaces one asks for
the absence of a qualification that everybody gets who answered one of the run's units with such a HIT. They
are kept out of all of these, because the requirements are part of the HIT type.
"""

from __future__ import annotations

from typing import Any

from crowdops.context import Context
from crowdops.registry import Run
from crowdops.workers import eligibility

_PREFIX = "crowdops-answered-"


def requirements(context: Context, run: Run, worker_ids: list[str]) -> list[dict[str, Any]]:
    """Return what keeps these workers out. Each is marked before: raises the first error. Safe to repeat."""
    provider = context.provider
    description = f"Holders have answered units of run {run.run_id} that others are to answer as well."
    type_id = provider.create_qualification_type(f"{_PREFIX}{run.run_id}", description)
    marked = {worker_id for worker_id, _ in provider.iter_workers_with(type_id)}
    due = [worker_id for worker_id in worker_ids if worker_id not in marked]
    for outcome in context.outcomes(lambda worker_id: provider.grant(type_id, worker_id), due):
        outcome.get()
        context.registry.record("worker-kept-out", outcome.item, run.run_id, "of units that he has answered")
    return [eligibility.requirement(type_id, "DoesNotExist")]
