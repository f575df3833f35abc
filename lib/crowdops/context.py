"""What an operation works with: settings, registry, provider, somebody to talk to, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from crowdops import bulk
from crowdops.bulk import Action, BulkResult, Item, Outcome, Result
from crowdops.config.settings import Selection, Settings
from crowdops.console import output, progress
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import Progress
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run, selection

Say = Callable[[str], None]


@dataclass(frozen=True)
class Context:
    """What one command works with. Operations take it first, then what they are about.

    `say` writes a line of talk. `interrupts` counts Ctrl-C, SIGTERM and SIGHUP while entered.
    """

    settings: Settings
    registry: Registry
    provider: MTurk
    say: Say = output.say
    interrupts: Interrupts = field(default_factory=Interrupts)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, quiet: bool = False) -> Iterator[Context]:
        """Open the registry of the settings' home, and prepare a provider for their endpoint. Calls nobody.

        `quiet`: nothing that an operation says is shown. Most commands leave out only their own remarks.
        """
        with Registry.open(settings.home) as registry:
            yield cls(settings, registry, MTurk(settings), (lambda text: None) if quiet else output.say)

    def at(self, settings: Settings) -> Context:
        """Return this context with other settings, and a provider for their endpoint."""
        return replace(self, settings=settings, provider=MTurk(settings))

    def choose(self, selected: Selection) -> tuple[Context, list[Run]]:
        """Return the context of the selected runs' endpoint, and the runs. Raises as selection.choose()."""
        settings, runs = selection.choose(self.registry, self.settings, selected)
        return self.at(settings), runs

    def progress(self, total: int, what: str) -> Progress:
        """Return a progress line for `total` items; it shows nothing if the command is quiet."""
        return progress.progress(total, what, quiet=self.settings.quiet)

    def outcomes(
        self, call: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Outcome[Item, Result]]:
        """Yield what comes of a call over items, side by side; see bulk.outcomes()."""
        return bulk.outcomes(call, items, threads=self.settings.threads)

    def carry_out(
        self, action: Action[Item, Result], items: Sequence[Item], what: str, *, threads: int | None = None
    ) -> BulkResult[Item]:
        """Do something to every item, for a command that does nothing else meanwhile. Ctrl-C ends it cleanly.

        Calls under way are waited for; what was not tried by then is neither settled nor failed. `what` is
        the word for an item that is through, such as "expired". `threads` are those of the settings where
        none are given. Within entered interrupts use bulk.carry_out(): there somebody else decides what
        Ctrl-C means.
        """
        self.interrupts.note = lambda count: "Stopping: the calls under way are finished."
        with closing(self.progress(len(items), what)) as bar, self.interrupts:
            return bulk.carry_out(
                action,
                items,
                threads=self.settings.threads if threads is None else threads,
                stop=lambda: self.interrupts.count > 0,
                on_progress=bar.update,
            )
