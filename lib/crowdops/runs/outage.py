"""An endpoint that falls silent: said once, borne for as long as the run's patience lasts, and then given up."""

from __future__ import annotations

import time
from collections.abc import Callable

from crowdops.errors import ProviderError


class Silence:
    """How long an endpoint has not answered. `is_pressed` says that somebody has had enough of waiting."""

    def __init__(
        self, run_id: str, patience: float, is_pressed: Callable[[], bool], say: Callable[[str], None]
    ) -> None:
        self._run_id, self._is_pressed, self._say = run_id, is_pressed, say
        self.patience = patience  # seconds
        self._since: float | None = None

    def listen(self, error: ProviderError | None) -> None:
        """Note whether the endpoint answered (None) or why not. ProviderError when this has lasted for too long."""
        if error is None:
            if self._since is not None:
                self._say("The endpoint answers again.")
            self._since = None
            return
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self._say(f"{error} The run goes on trying.")
        if self._is_pressed() or now - self._since > self.patience:
            raise ProviderError(
                f"{error} HITs of this run may still be open. When the endpoint answers again:"
                f" make expire RUN={self._run_id}, then make results RUN={self._run_id}"
            )
