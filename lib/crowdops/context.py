"""What an operation works with: settings, registry, provider, somebody to talk to, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from crowdops import bulk
from crowdops.bulk import Action, BulkResult, Item, Result
from crowdops.config.settings import Selection, Settings
from crowdops.console import output, progress
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import Progress
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run, selection

PRESS_NOTE = "Stopping: the calls under way are finished."
Say = Callable[[str], None]


@dataclass(frozen=True)
class Context:
    """One command's world. Operations take it first; what they make or change besides are their other arguments.

    `say` writes a line of talk. `interrupts` counts what was pressed once it has been entered.
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

        `quiet` drops what operations say; most commands drop their own remarks only.
        """
        with Registry.open(settings.home) as registry:
            yield cls(settings, registry, MTurk(settings), _say_nothing if quiet else output.say)

    def at(self, settings: Settings) -> Context:
        """Return the same with other settings, such as a run's own endpoint."""
        return replace(self, settings=settings, provider=MTurk(settings))

    def choose(self, selected: Selection) -> tuple[Context, list[Run]]:
        """Return the selected runs, and the context of their own endpoint. Raises UsageError as selection.choose() does."""
        settings, runs = selection.choose(self.registry, self.settings, selected)
        return self.at(settings), runs

    def progress(self, total: int, what: str) -> Progress:
        """Return a progress line on stderr for so many of something, unless the command is to be quiet."""
        return progress.progress(total, what, quiet=self.settings.quiet)

    def carry_out(self, action: Action[Item, Result], items: Sequence[Item], what: str) -> BulkResult[Item]:
        """Do something to every item, for a command that does nothing else meanwhile. Ctrl-C ends it cleanly.

        Calls under way are waited for; what was not tried by then is neither settled nor failed. `what` is the word
        for an item that is through, such as "expired".
        """
        bar = self.progress(len(items), what)
        self.interrupts.note = lambda count: PRESS_NOTE
        with self.interrupts:
            result = bulk.carry_out(
                action,
                items,
                threads=self.settings.threads,
                stop=lambda: self.interrupts.count > 0,
                on_progress=bar.update,
            )
        bar.close()
        return result


def _say_nothing(text: str) -> None:
    """Take the place of say() where nothing is to be said."""
