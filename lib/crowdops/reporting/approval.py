"""How long workers waited for a decision, and which rejections they got."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from crowdops.reporting.spread import Bar, Spread


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
