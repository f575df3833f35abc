"""Before a run is called finished, its HITs are looked at once more: registry and provider must agree."""

from __future__ import annotations

from collections.abc import Iterable

from crowdops.context import Context
from crowdops.hits.differences import compare
from crowdops.hits.reconcile import reconcile
from crowdops.providers.mturk.client import Hit
from crowdops.registry import OPEN_STATES, Run
from crowdops.results.collect import Stored

MOST_LOOKS = 5  # that find something, before a run ends all the same, with that as its reason


class LastLook:
    """Looks at all HITs of a run whose units are at their end. Its lock must be held.

    `was_walked`: what the account has of the run was seen just before, and nothing was launched since; see
    survey. Then its HITs are all known, and are asked for among those of their type that have ended. The rest
    of the account need not be walked over, unless one is not among them. `unsettled` units are open only
    because the provider speaks of more answers than it lists.
    """

    def __init__(self, context: Context, run: Run, *, was_walked: bool = False) -> None:
        self._context, self._run, self._was_walked = context, run, was_walked
        self._looks = 0
        self.unsettled = 0

    def agrees(self) -> bool:
        """Return whether the provider says of every HIT what the registry says; brings them in line if not.

        At most one walk over the account, and a few calls for each HIT that differs. Raises ProviderError.
        """
        context, run = self._context, self._run
        differing = [
            hit
            for hit in self._hits()
            if hit.mark and hit.mark.run_id == run.run_id and compare(context.registry, run, "crashed", hit)
        ]
        if not differing:
            return True
        before = self._progress()
        for line in reconcile(context, run, differing).failures:
            context.say(line)
        units = [(hit, Stored.read(context.registry, hit).unit) for hit in differing]
        self.unsettled = sum(
            unit is not None and unit.state in OPEN_STATES and not hit.is_outstanding for hit, unit in units
        )
        self._looks += 1
        return self._progress() == before

    def _hits(self) -> Iterable[Hit]:
        """Return HITs among which are all of the run's."""
        provider, run = self._context.provider, self._run
        if self._was_walked and run.hit_type_id:
            known = self._context.registry.undeleted_hits(run.run_id)
            ended = [hit for hit in provider.iter_ended(run.hit_type_id) if hit.hit_id in known]
            if len({hit.hit_id for hit in ended}) == len(known):
                return ended
        return provider.iter_hits()

    @property
    def has_given_up(self) -> bool:
        """Whether it was looked so often in vain that the run is to end all the same."""
        return self._looks >= MOST_LOOKS

    def _progress(self) -> tuple[int, int]:
        run_id = self._run.run_id
        return self._context.registry.open_units(run_id), self._context.registry.assignment_count(run_id)
