"""An endpoint that does not answer: said once, borne as long as the run's patience lasts, then given up."""

from __future__ import annotations

import time
from typing import NoReturn

from crowdops.context import Context
from crowdops.errors import ProviderError
from crowdops.registry import Run
from crowdops.runs.lifecycle import Lifecycle

CRASHED_PATIENCE = 4  # time limits of a call, after which a crashed run is left for another time


class Outage:
    """For how long a run's endpoint has not answered."""

    def __init__(self, context: Context, run: Run, lifecycle: Lifecycle) -> None:
        self._context, self._run, self._lifecycle = context, run, lifecycle
        self._patience = float(run.parameters.no_submission_patience)
        if lifecycle.has_crashed:
            self._patience = min(self._patience, CRASHED_PATIENCE * context.settings.timeout)
        self._since: float | None = None

    def note(self, error: ProviderError | None) -> None:
        """Note that the endpoint answered (None), or why not. Gives up when this has lasted too long."""
        if error is None:
            if self._since is not None:
                self._context.say("The endpoint answers again.")
            self._since = None
            return
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self._context.say(f"{error} The run goes on trying.")
        self._follow()
        if self._lifecycle.should_give_up or now - self._since > self._patience:
            self.give_up(error)

    def _follow(self) -> None:
        """Go where the run's server was seen meanwhile, by another command that was told its new address."""
        run = self._context.registry.run(self._run.run_id)
        if run and self._context.provider.move(run.endpoint):
            self._context.say(f"It was seen at {run.endpoint} since: the run goes on there.")

    def give_up(self, error: ProviderError) -> NoReturn:
        """Raise ProviderError, which says how to go on when the endpoint answers again."""
        run_id = self._run.run_id
        raise ProviderError(
            f"{error} HITs of this run may still be open. When the endpoint answers again, carry it on:"
            f" make resume RUN={run_id}, or end it: make recover"
        )
