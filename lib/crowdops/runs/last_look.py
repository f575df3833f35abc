"""Before a run is called finished, its HITs are looked at once more: registry and provider must agree."""

from __future__ import annotations

from crowdops.context import Context
from crowdops.hits.differences import compare
from crowdops.hits.reconcile import reconcile
from crowdops.registry import OPEN_STATES, Run
from crowdops.results.collect import Stored

MOST_LOOKS = 5  # that find something, before a run ends all the same, with that as its reason


class LastLook:
    """Looks at all HITs of a run whose units are at their end. Its lock must be held.

    `unsettled` units are open only because the provider speaks of more answers than it lists.
    """

    def __init__(self, context: Context, run: Run) -> None:
        self._context, self._run = context, run
        self._looks = 0
        self.unsettled = 0

    def agrees(self) -> bool:
        """Return whether the provider says of every HIT what the registry says; brings them in line if not.

        One walk over the account, and a few calls for each HIT that differs. Raises ProviderError.
        """
        context, run = self._context, self._run
        differing = [
            hit
            for hit in context.provider.iter_hits()
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

    @property
    def has_given_up(self) -> bool:
        """Whether it was looked so often in vain that the run is to end all the same."""
        return self._looks >= MOST_LOOKS

    def _progress(self) -> tuple[int, int]:
        run_id = self._run.run_id
        return self._context.registry.open_units(run_id), self._context.registry.assignment_count(run_id)
