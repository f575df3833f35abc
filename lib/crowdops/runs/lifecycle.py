"""What an attended run is at, why it is being stopped, and what Ctrl-C means by then."""

from __future__ import annotations

from enum import Enum, auto

from crowdops.console.interrupts import Interrupts

STOPPING = (
    "Stopping: no more HITs are launched, and those that are out are expired."
    " Accepted work can still come in."
)
NOTED = "Noted. The HITs are being expired first; this takes effect when none can be accepted any more."
STOPPING_NOW = "Stopping now."


class Phase(Enum):
    """What is done about a run."""

    LAUNCHING = auto()  # planned units are launched, and what has ended is collected
    EXPIRING = auto()  # nothing is launched any more, and what is out is taken off the market
    WAITING = auto()  # nothing can be accepted any more, and accepted work can still come in


class Lifecycle:
    """Launching, then expiring, then waiting. A run whose units are all done ends while it is launching.

    A reason to stop, or an interrupt, ends the launching. One more interrupt ends the waiting: the second if
    an interrupt ended the launching, else the first. A crashed run is ended by a command that may end others
    as well: there the first interrupt ends the waiting for all of them.
    """

    def __init__(
        self, interrupts: Interrupts, *, has_crashed: bool = False, stop_reason: str | None = None
    ) -> None:
        self._interrupts = interrupts
        self._phase = Phase.LAUNCHING
        self._enough_interrupts = 2
        self.has_crashed = has_crashed
        self.stop_reason = stop_reason
        interrupts.note = self._note

    def stop(self, reason: str) -> None:
        """End the launching. The first reason is the run's reason."""
        self.stop_reason = self.stop_reason or reason

    def begin_expiring(self) -> None:
        """Nothing is launched any more. An interrupt takes effect when the HITs are expired, not before."""
        self._enter(Phase.EXPIRING)
        self._enough_interrupts = 2 if self._interrupts.count and not self.has_crashed else 1

    def begin_waiting(self) -> None:
        """Nothing is out any more that could be accepted."""
        self._enter(Phase.WAITING)

    @property
    def should_stop(self) -> bool:
        """Whether launching is to end."""
        return self._interrupts.count > 0 or self.stop_reason is not None

    @property
    def should_give_up(self) -> bool:
        """Whether nothing is to be waited for any longer."""
        return self._interrupts.count >= self._enough_interrupts

    @property
    def way_to_give_up(self) -> str:
        """What somebody has to do for should_give_up."""
        return "Press Ctrl-C again" if self._enough_interrupts > 1 else "Press Ctrl-C"

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._interrupts.note = self._note  # several runs may be ended at once: the one at hand answers

    def _note(self, count: int) -> str:
        if count < self._enough_interrupts:
            return STOPPING
        return STOPPING_NOW if self._phase is Phase.WAITING else NOTED
