"""One walk over an account, for HITs that something is done to: after it, or while it goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Self

from crowdops.bulk import Action, BulkResult, Item
from crowdops.context import Context
from crowdops.errors import ProviderError
from crowdops.providers.mturk.client import Hit
from crowdops.providers.places import Lost
from crowdops.registry import Run


class _Interrupted(Exception):
    """Ctrl-C has ended the walk."""


class Walk(ABC, Generic[Item]):
    """The HITs of runs at one server to which the same is done. The account is walked over once.

    Either look(), show what was `found`, ask, and carry_out(); or carry_out() at once, and HITs are dealt
    with while the pages after theirs are fetched. `lost` says, after that, why the walk did not come to its
    end.
    """

    done = ""  # the word for a HIT to which it was done

    def __init__(self, context: Context, runs: Sequence[Run]) -> None:
        self.context, self.runs = context, list(runs)
        self.found: list[Item] = []
        self.is_whole = False
        self.lost: Lost | None = None
        self._run_ids = {run.run_id for run in runs}
        self._result: BulkResult[Item] | None = None

    @classmethod
    def begin(cls, context: Context, runs: Sequence[Run], *, at_once: bool = False) -> Self:
        """Look at what there is of runs, which are at the context's server, or carry it out `at_once`."""
        walk = cls(context, runs)
        if at_once:
            walk.carry_out()
        else:
            walk.look()
        return walk

    @abstractmethod
    def _iter_items(self) -> Iterator[Item]:
        """Yield what is found among the HITs of _hits(), each item as soon as it is known."""

    @abstractmethod
    def _action(self) -> Action[Item, Any]:
        """Return what is done to each."""

    def look(self) -> None:
        """Find everything. Only reads. Raises ProviderError."""
        self.found.extend(self._iter_items())
        self.is_whole = True

    def carry_out(self) -> BulkResult[Item]:
        """Do it to what look() has found, or else to what is found meanwhile. Once: then the result is known.

        Raises ProviderError if nothing was found before that. Ctrl-C ends it cleanly.
        """
        if self._result is None:
            items = self.found if self.is_whole else self._found_meanwhile()
            self._result = self.context.carry_out(self._action(), items, self.done)
            self._result.interrupted |= not (self.is_whole or self.lost)
        return self._result

    def _found_meanwhile(self) -> Iterator[Item]:
        try:
            for item in self._iter_items():
                self.found.append(item)
                yield item
        except _Interrupted:
            return
        except ProviderError as error:
            if not self.found:
                raise
            self.lost = Lost(self.context.settings, self.runs, str(error))
        else:
            self.is_whole = True

    def _hits(self) -> Iterator[Hit]:
        """Yield the HITs of these runs that the account's list shows."""
        for hit in self.context.provider.iter_hits():
            self._heed_interrupt()
            if (mark := hit.mark) and mark.run_id in self._run_ids:
                yield hit

    def _heed_interrupt(self) -> None:
        if self.context.interrupts.count:
            raise _Interrupted
