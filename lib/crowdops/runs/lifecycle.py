"""What an attended run is at, why it is being stopped, and what Ctrl-C means by then."""

from __future__ import annotations

from crowdops.console.interrupts import Interrupts

STOPPING = (
    "Stopping: no more HITs are launched, and those that are out are expired."
    " Accepted work can still come in."
)
NOTED = "Noted. The HITs are being expired first; this takes effect when none can be accepted any more."
STOPPING_NOW = "Stopping now."


class Lifecycle:
    """Launching, then expiring, then waiting. A run whose units are all done ends while it is launching.

    A reason to stop, or an interrupt, ends the launching. One more interrupt ends the waiting: the second if
    an interrupt ended the launching, else the first. A crashed run is ended by a command that may end others
    as well: there the first interrupt ends the waiting for all of them. `was_stopping`: the process that
    attended it before was ending it already.
    """

    def __init__(
        self,
        interrupts: Interrupts,
        *,
        has_crashed: bool = False,
        was_stopping: bool = False,
        stop_reason: str | None = None,
    ) -> None:
        self._interrupts = interrupts
        self._is_ending = self._is_waiting = False
        self._enough_interrupts = 2
        self.has_crashed = has_crashed
        self._was_stopping = was_stopping
        self.stop_reason = stop_reason
        self._answer_interrupts()

    def stop(self, reason: str) -> None:
        """End the launching. The first reason is the run's reason."""
        self.stop_reason = self.stop_reason or reason

    def begin_expiring(self) -> None:
        """Nothing is launched any more. An interrupt takes effect when the HITs are expired, not before."""
        self._is_ending = True
        self._answer_interrupts()
        self._enough_interrupts = 2 if self._interrupts.count and not self.has_crashed else 1

    def begin_waiting(self) -> None:
        """Nothing can be accepted any more, and accepted work can still come in."""
        self._is_waiting = True
        self._answer_interrupts()

    @property
    def should_stop(self) -> bool:
        """Whether launching is to end."""
        return self._interrupts.count > 0 or self.stop_reason is not None

    @property
    def was_told_to_stop(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._interrupts.count > 0 or self._was_stopping

    @property
    def should_give_up(self) -> bool:
        """Whether nothing is to be waited for any longer. Not before the run is written down as ending."""
        return self._is_ending and self._interrupts.count >= self._enough_interrupts

    @property
    def way_to_give_up(self) -> str:
        """What somebody has to do for should_give_up."""
        return "Press Ctrl-C again" if self._enough_interrupts > 1 else "Press Ctrl-C"

    def _answer_interrupts(self) -> None:
        self._interrupts.note = self._note  # several runs may be ended at once: the one at hand answers

    def _note(self, count: int) -> str:
        if count < self._enough_interrupts:
            return STOPPING
        return STOPPING_NOW if self._is_waiting else NOTED
