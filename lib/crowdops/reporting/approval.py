"""How long workers waited for a decision, and which rejections they got."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from crowdops.registry import Assignment, Registry, Run
from crowdops.registry.rows import read_moment
from crowdops.reporting import spread
from crowdops.reporting.excerpts import Conceal, excerpt
from crowdops.reporting.spread import Bar, Spread

MOST_REASONS = 20


class Reason(NamedTuple):
    """Rejections with one feedback, None where it is not known: decided elsewhere."""

    feedback: str | None
    rejections: int
    workers: int


class Approval(NamedTuple):
    """Waits are seconds from submission to approval or rejection; of `undated` ones a moment is missing.

    `waiting` assignments are not reviewed; the oldest of them since `oldest`. `reasons` are at most
    MOST_REASONS, the most frequent first; `other_rejections` have other ones.
    """

    waits: Spread | None
    bars: list[Bar]
    approved: int
    rejected: int
    undated: int
    waiting: int
    oldest: datetime | None
    next_auto_approval: datetime | None
    reasons: list[Reason]
    other_rejections: int


class Waits:
    """The waits so far: a number each."""

    def __init__(self) -> None:
        self._seconds = array("d")
        self.approved = self.rejected = self.undated = self.waiting = 0
        self._oldest: datetime | None = None

    def add(self, assignment: Assignment) -> None:
        """Take an assignment in."""
        submitted = assignment.submitted_at
        if assignment.status == "Submitted":
            self.waiting += 1
            if submitted and (self._oldest is None or submitted < self._oldest):
                self._oldest = submitted
            return
        is_approved = assignment.status == "Approved"
        self.approved += is_approved
        self.rejected += not is_approved
        decided = assignment.approved_at if is_approved else assignment.rejected_at
        if submitted is None or decided is None or decided < submitted:
            self.undated += 1
        else:
            self._seconds.append((decided - submitted).total_seconds())

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many assignments are approved, rejected and not reviewed."""
        return self.approved, self.rejected, self.waiting

    def approval(
        self, registry: Registry, runs: Sequence[Run], next_auto_approval: str | None, conceal: Conceal
    ) -> Approval:
        """Return how long workers of these runs waited, and their rejections."""
        found = registry.rejection_reasons([run.run_id for run in runs], MOST_REASONS)
        reasons = [
            Reason(None if feedback is None else excerpt(feedback, conceal), rejections, workers)
            for feedback, rejections, workers in found
        ]
        return Approval(
            waits=spread.spread(self._seconds),
            bars=spread.bars(self._seconds),
            approved=self.approved,
            rejected=self.rejected,
            undated=self.undated,
            waiting=self.waiting,
            oldest=self._oldest,
            next_auto_approval=read_moment(next_auto_approval),
            reasons=reasons,
            other_rejections=self.rejected - sum(reason.rejections for reason in reasons),
        )
