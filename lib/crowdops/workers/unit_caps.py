"""maximum_units_per_worker: a qualification marks who has done enough of a task_name, in all of its runs.

The API has no cap on how many HITs a worker does. A worker who reaches it is marked when the unit is
collected; what he accepts before that still counts, so he can exceed it by what fits between two polls.
Source: MTurk requester guide, FAQ on limiting workers; a worker without a qualification meets only
DoesNotExist.
"""

from __future__ import annotations

from typing import Any

from crowdops import bulk
from crowdops.context import Context
from crowdops.registry import Run
from crowdops.workers import eligibility

_PREFIX = "crowdops-done-"


class WorkerCap:
    """The cap of one run. Without one (0), and until its requirements were asked for, it makes no call."""

    def __init__(self, context: Context, run: Run) -> None:
        self._context, self._task_name = context, run.task_name
        self._maximum = run.parameters.maximum_units_per_worker
        self._type_id: str | None = None
        self._marked: set[str] = set()

    def requirements(self) -> list[dict[str, Any]]:
        """Return what keeps out those who have done enough. The qualification is made or found."""
        if not self._maximum:
            return []
        provider, name = self._context.provider, f"{_PREFIX}{self._maximum}-of-{self._task_name}"
        description = (
            f"Holders have done {self._maximum} units of {self._task_name},"
            " which is as many as one worker may do."
        )
        self._type_id = provider.create_qualification_type(name, description)
        self._marked = {worker_id for worker_id, _ in provider.iter_workers_with(self._type_id)}
        self.mark()
        return [eligibility.requirement(self._type_id, "DoesNotExist")]

    def mark(self) -> None:
        """Mark those who have reached the cap by now. A failure is made good the next time."""
        if self._type_id is None:
            return
        type_id, provider = self._type_id, self._context.provider
        due = self._context.registry.busiest_workers(self._task_name, self._maximum) - self._marked
        for outcome in bulk.outcomes(lambda worker_id: provider.grant(type_id, worker_id), sorted(due)):
            if outcome.error is None:
                detail = f"has done {self._maximum} of {self._task_name}"
                self._context.registry.record("worker-capped", outcome.item, detail=detail)
                self._marked.add(outcome.item)
