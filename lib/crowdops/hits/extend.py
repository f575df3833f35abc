"""HITs are extended: more time, more assignments, each exactly once however often it is asked for.

What a HIT is to have is said in all, not by how much more: so it can be read whether it has it. The rules are
those of the API's ExtendHIT: a minute more at the least, and never from below 10 assignments to 10.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crowdops.config.environments import MANY_ASSIGNMENTS
from crowdops.errors import DuplicateToken
from crowdops.formats import marks, words
from crowdops.providers.mturk.client import Hit, MTurk

LEAST = timedelta(seconds=60)  # that a HIT can be extended by
MOST = timedelta(days=365)
MOST_DATES = 5  # that are tried where the service has seen each of them before


class Goal(NamedTuple):
    """What a HIT is to have: so many assignments in all, and an end not before a moment. None: as it is."""

    max_assignments: int | None
    expires_at: datetime | None

    def has_time(self, hit: Hit) -> bool:
        """Return whether a HIT, as it was read, is open for long enough: what is lacking cannot be added."""
        return self.expires_at is None or hit.expiration > self.expires_at - LEAST

    def has_places(self, hit: Hit) -> bool:
        """Return whether a HIT, as it was read, has as many assignments as it is to have."""
        return self.max_assignments is None or hit.max_assignments >= self.max_assignments

    def describe(self) -> str:
        """Return in words what a HIT is to have."""
        parts = [f"{words.count(self.max_assignments, 'assignment')} in all"] if self.max_assignments else []
        parts += [f"until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}"] if self.expires_at else []
        return ", ".join(parts)


def can_have(hit: Hit, max_assignments: int) -> bool:
    """Return whether the API lets a HIT have so many assignments: the fee of one that has few is fixed."""
    return can_grow(hit.max_assignments, max_assignments)


def can_grow(before: int, after: int) -> bool:
    """Return whether the API lets a HIT with so many assignments have so many more."""
    return not before < MANY_ASSIGNMENTS <= after


def extend(provider: MTurk, hit: Hit, goal: Goal) -> None:
    """Give a HIT, as it was read, what it lacks of a goal. Safe to repeat, by another process as well.

    At most two calls, and one more for each answer that was lost. Assignments come last: a refusal of
    anything means that there are none more.
    """
    if not goal.has_time(hit):
        _extend_time(provider, hit, goal)
    if not goal.has_places(hit):
        _add_places(provider, hit, goal)


def _extend_time(provider: MTurk, hit: Hit, goal: Goal) -> None:
    assert goal.expires_at is not None
    for seconds in range(MOST_DATES):
        try:
            provider.extend(hit.hit_id, goal.expires_at + timedelta(seconds=seconds))
            return
        except DuplicateToken:  # done before; or it was, and the HIT was expired since then
            if goal.has_time(provider.hit(hit.hit_id)):
                return
            if seconds == MOST_DATES - 1:
                raise


def _add_places(provider: MTurk, hit: Hit, goal: Goal) -> None:
    assert goal.max_assignments is not None
    more = goal.max_assignments - hit.max_assignments
    try:
        provider.add_assignments(
            hit.hit_id, more, marks.token("add-assignments", hit.hit_id, goal.max_assignments)
        )
    except DuplicateToken:
        if not goal.has_places(provider.hit(hit.hit_id)):
            raise


def now_at(provider: MTurk) -> datetime:
    """Return what time it is at the endpoint, to the second; by our clock before its first answer."""
    return (provider.time_there or datetime.now(UTC)).replace(microsecond=0)
