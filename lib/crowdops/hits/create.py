"""HITs are created once: written down before they are sent, and settled by reading if no answer came.

The process may die between any two lines here and leaves nothing but units in state 'creating'.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta

from crowdops import bulk
from crowdops.context import Context
from crowdops.errors import (
    CredentialsRefused,
    DuplicateToken,
    Error,
    InsufficientFunds,
    NotFound,
    Unreachable,
)
from crowdops.formats import marks
from crowdops.hits import extend
from crowdops.hits.expire import Target
from crowdops.providers.mturk.client import LISTING_LAG, Hit, MTurk
from crowdops.registry import Run, Unit

TOKEN_IS_GOOD = timedelta(hours=20)  # of the 24 hours that the API promises
CLOCKS_DIFFER = timedelta(minutes=5)  # or less, where both are right
ENOUGH_TIME = 0.25  # of a HIT's lifetime, with which it is not given more when it is extended
MISSING_AFTER = 5 * LISTING_LAG  # a HIT that no list shows for so long does not carry the mark
MOST_LATEST = 10_000  # HITs, more than can be made within LISTING_LAG
MIN_WALKS = 4  # over the account, before a HIT is taken for missing
MISSING = "the endpoint says that the HIT was made before, but lists none that carries its mark"


def create(provider: MTurk, run: Run, unit: Unit, question: str) -> str:
    """Create a unit's HIT and return its id. Safe to repeat: the token makes it count once.

    A duplicate answer is settled by reading the HITs that it names. DuplicateToken is raised on if none
    of them carries the unit's mark: then only find_created() can settle it.
    """
    annotation = marks.annotation(marks.Mark(run.run_id, unit.unit_index, run.task_name))
    nth = f"{unit.unit_index}.{unit.attempt}" if unit.attempt else unit.unit_index
    hit_type_id = run.replacement_type_id if unit.is_replaced else run.hit_type_id
    assert hit_type_id is not None
    try:
        return provider.create_hit(
            hit_type_id=hit_type_id,
            question=question,
            annotation=annotation,
            assignments=unit.places or run.parameters.assignments_per_unit,
            lifetime=run.parameters.task_lifetime_in_seconds,
            token=marks.token("create-hit", run.run_id, nth),
        )
    except DuplicateToken as duplicate:
        for hit_id in duplicate.hit_ids:
            if _annotation_of(provider, hit_id) == annotation:
                return hit_id
        raise


def _annotation_of(provider: MTurk, hit_id: str) -> str | None:
    try:
        return provider.hit(hit_id).annotation
    except NotFound:
        return None


def find_created(
    provider: MTurk, run: Run, units: Iterable[Unit], replaced: Collection[str] = ()
) -> dict[int, str]:
    """Return the HITs that exist for these units of a run, by unit index. One walk over ListHITs.

    The first HIT of a unit that is launched anew was deleted, and may be listed for a while yet: it is asked
    for. It is not, if it is one of the `replaced` ones, which stay.
    """
    by_index = {unit.unit_index: unit for unit in units}
    hit_ids: dict[int, str] = {}
    for hit in provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id != run.run_id or mark.unit_index not in by_index:
            continue
        if hit.hit_id in replaced:
            continue
        if not by_index[mark.unit_index].attempt or _annotation_of(provider, hit.hit_id):
            hit_ids[mark.unit_index] = hit.hit_id
    return hit_ids


class Creator:
    """Creates the HITs of one run, and settles those creations whose answer never came.

    The run's HIT type must be in the registry by then. Calls are made by a pool, the registry is written by
    the caller's thread. `question` returns the Question XML of a unit's HIT. `listen` is told after each
    batch of calls whether the endpoint answered (None) or not. `failure` is the error that forbids to create
    anything more (no money, no key), or None.
    """

    def __init__(
        self,
        context: Context,
        run: Run,
        question: Callable[[Unit], str],
        listen: Callable[[Unreachable | None], None],
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._context, self._run = context, run
        self._question, self._listen, self._on_progress = question, listen, on_progress
        self._walks: dict[int, int] = {}  # unit index to how often its HIT was looked for in vain
        self._unanswered: dict[int, float] = {}  # unit index to when it was sent, by the monotonic clock
        # Those that lists and, if that cannot be written, the registry may lack.
        self.latest: deque[Target] = deque(maxlen=MOST_LATEST)
        self.failure: Error | None = None
        self.listed: dict[str, Hit] = {}  # HITs that are to be extended, as they were listed just now

    def create(self, units: Iterable[Unit], should_stop: Callable[[], bool]) -> None:
        """Create the HITs of units that have just been written down as 'creating'; this is their first call.

        A unit whose call is not answered stays 'creating', for settle(). The units are taken one by one.
        """
        self._send_all(units, lambda: self.failure is not None or should_stop(), first=True)

    @property
    def has_unanswered(self) -> bool:
        """Whether calls were sent here whose answer never came, and that are not settled yet."""
        return bool(self._unanswered)

    def settle(self) -> None:
        """Settle the 'creating' units that no call is under way for: resend while the token is good, or find.

        One call a unit; one walk over the account if there are units whose token is too old, or was used for
        a HIT that the answer does not name. What is on no list yet stays 'creating': repeat until none is.
        Neither Ctrl-C nor an empty account ends this, because a HIT that may exist must be known to be
        expired.
        """
        to_resend: list[Unit] = []
        to_find: list[Unit] = []
        for unit in self._context.registry.iter_units(self._run.run_id, ["creating"]):
            ages = self._ages(unit)
            is_fresh = min(ages) >= -CLOCKS_DIFFER and max(ages) < TOKEN_IS_GOOD
            if (
                unit.hit_id or is_fresh and unit.unit_index not in self._walks
            ):  # whether it was extended can be read
                to_resend.append(unit)
            else:
                to_find.append(unit)
        self._send_all(to_resend, lambda: False, first=False)
        if to_find:
            self._find(to_find)

    def _ages(self, unit: Unit) -> list[timedelta]:
        """Return how long ago a unit was sent first: exactly, or by each clock where another process did it.

        Somebody may have set ours since then.
        """
        if unit.unit_index in self._unanswered:
            return [timedelta(seconds=time.monotonic() - self._unanswered[unit.unit_index])]
        if unit.intended_at is None:
            return [timedelta.min, timedelta.max]
        clocks = (datetime.now(UTC), self._context.provider.time_there)
        return [now - unit.intended_at for now in clocks if now]

    def _send_all(self, units: Iterable[Unit], stop: Callable[[], bool], *, first: bool) -> None:
        run = self._context.registry.run(self._run.run_id)
        assert run is not None
        calls, error = 0, None

        def send(unit: Unit) -> str:
            if unit.hit_id:
                return self._extend(run, unit, unit.hit_id, first=first)
            hit_id = create(self._context.provider, run, unit, self._question(unit))
            self.latest.append(Target(run.run_id, unit.unit_index, hit_id))
            return hit_id

        for outcome in bulk.outcomes(send, units, threads=self._context.settings.threads, stop=stop):
            calls, error = calls + 1, self._write_down(outcome, first=first)
            self._on_progress()
        if calls:
            self._listen(error)

    def _extend(self, run: Run, unit: Unit, hit_id: str, *, first: bool) -> str:
        """Give a unit's own HIT the places that it is to have, and time for them. Returns its id."""
        provider, parameters = self._context.provider, run.parameters
        hit = self.listed.pop(hit_id, None) if first else None
        hit = hit or provider.hit(hit_id)
        lifetime = timedelta(seconds=parameters.task_lifetime_in_seconds)
        now = extend.now_at(provider)
        is_ending = hit.expiration < now + lifetime * ENOUGH_TIME
        goal = extend.Goal(
            unit.places or parameters.assignments_per_unit, now + lifetime if is_ending else None
        )
        extend.extend(provider, hit, goal)
        self.latest.append(Target(run.run_id, unit.unit_index, hit_id))
        return hit_id

    def _write_down(self, outcome: bulk.Outcome[Unit, str], *, first: bool) -> Unreachable | None:
        """Write down what came of a call. Returns the error if no answer came: the unit stays 'creating'."""
        run_id, index, error = self._run.run_id, outcome.item.unit_index, outcome.error
        if outcome.result is not None and outcome.item.hit_id:
            places = outcome.item.places or self._run.parameters.assignments_per_unit
            self._context.registry.set_topped_up(run_id, index, outcome.result, places)
        elif outcome.result is not None:
            self._context.registry.set_created(run_id, index, outcome.result)
            self._walks.pop(index, None)
            self._unanswered.pop(index, None)
        elif isinstance(error, Unreachable):
            if first:
                self._unanswered[index] = time.monotonic()
            return error
        elif isinstance(error, DuplicateToken):
            if not outcome.item.hit_id:  # else it is read again, until the HIT shows what it has
                self._walks.setdefault(index, 0)
        elif isinstance(error, InsufficientFunds | CredentialsRefused):
            self.failure = error
            if first or isinstance(error, InsufficientFunds):  # a refused key says nothing of an earlier try
                self._context.registry.withdraw(run_id, [index])
        else:
            self._context.registry.set_failed(run_id, index, str(error))
            self._context.say(f"Unit {index} could not be launched: {error}")
        return None

    def _find(self, units: list[Unit]) -> None:
        """Find HITs by their marks, with one walk over the account. Never creates."""
        try:
            replaced = self._context.registry.replaced_hits(self._run.run_id)
            hit_ids = find_created(self._context.provider, self._run, units, replaced)
        except Unreachable as error:
            self._listen(error)
            return
        for unit in units:
            index = unit.unit_index
            if index in hit_ids:
                self._context.registry.set_created(self._run.run_id, index, hit_ids[index])
                self._walks.pop(index, None)
                continue
            self._walks[index] = self._walks.get(index, 0) + 1
            if min(self._ages(unit)) > MISSING_AFTER and self._walks[index] >= MIN_WALKS:
                self._context.registry.set_failed(self._run.run_id, index, MISSING)
