"""A registry that cannot be used for a while: it is tried again, for a bounded time, which is said once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from crowdops.console import output
from crowdops.errors import RegistryAway, RegistryLocked

LOCKED_SECONDS = 60.0  # how long any command waits for another process
PAUSE_SECONDS = 0.5

Result = TypeVar("Result")


class Patience:
    """For how long a registry that is locked is tried again, and one that is `away` for another reason.

    `say` tells what is waited for. `wait` sleeps, and `interrupts` counts what ends the waiting. Once a
    patience has run out, each further try is one only, until one succeeds.
    """

    def __init__(
        self,
        *,
        locked: float | None = None,
        away: float = 0.0,
        say: Callable[[str], None] = output.say,
        wait: Callable[[float], None] = time.sleep,
        interrupts: Callable[[], int] = lambda: 0,
    ) -> None:
        self._locked, self._away = LOCKED_SECONDS if locked is None else locked, away
        self._say, self._wait, self._interrupts = say, wait, interrupts
        self._since: float | None = None
        self._has_run_out = self._is_trying = False

    def try_on(self, action: Callable[[], Result], *, writes: bool = True) -> Result:
        """Do something that can be done again, until it succeeds or patience runs out: RegistryAway.

        What is a part of something larger is tried once: the larger is tried again.
        """
        if self._is_trying:
            return action()
        self._is_trying = True
        try:
            return self._try_on(action, writes=writes)
        finally:
            self._is_trying = False

    def _try_on(self, action: Callable[[], Result], *, writes: bool) -> Result:
        interrupts, was_away = self._interrupts(), False
        while True:
            try:
                result = action()
            except RegistryAway as error:
                if self._has_run_out or self._interrupts() != interrupts or not self._bear(error):
                    self._has_run_out = True
                    raise
                was_away = True
                self._wait(PAUSE_SECONDS)
            else:
                if writes or was_away:  # that a full disk can be read does not mean that it has room
                    self._end()
                return result

    def _bear(self, error: RegistryAway) -> bool:
        """Return whether to try again. Says why at the first time."""
        seconds = self._locked if isinstance(error, RegistryLocked) else self._away
        now = time.monotonic()
        if self._since is None:
            self._since = now
            if seconds:
                self._say(f"{error.what} Trying again, for {seconds:g} s at most.")
        return now - self._since < seconds

    def _end(self) -> None:
        if self._since is not None and not self._has_run_out:
            self._say("The registry can be used again.")
        self._since, self._has_run_out = None, False
