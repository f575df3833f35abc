"""What an operation works with: settings, registry, provider, somebody to talk to, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace

from crowdops import bulk
from crowdops.bulk import Action, BulkResult, Item, Outcome, Result
from crowdops.config.environments import ENVIRONMENTS
from crowdops.config.settings import Selection, Settings
from crowdops.console import output, progress
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import Progress
from crowdops.console.unseen import Unseen
from crowdops.errors import OtherServer, ProviderError, Unreachable, UsageError
from crowdops.providers import paces
from crowdops.providers.mturk.client import MTurk
from crowdops.providers.places import Lost, Places
from crowdops.registry import Event, Registry, Run, events_view, run_log, selection
from crowdops.registry.patience import Patience

Say = Callable[[str], None]


def run_logs(settings: Settings) -> AbstractContextManager[None]:
    """Keep the logs of runs meanwhile, and show each event if the command is verbose."""

    def show(event: Event) -> None:
        output.say(events_view.line(event))

    return run_log.kept(settings.home, output.say, show if settings.verbose else None)


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
    clients: dict[object, MTurk] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, quiet: bool = False) -> Iterator[Context]:
        """Open the registry of the settings' home, and prepare a provider for their endpoint. Calls nobody.

        `quiet`: nothing that an operation says is shown. Most commands leave out only their own remarks.
        """
        with Registry.open(settings.home) as registry, run_logs(settings):
            provider = paces.client(registry, settings)
            context = cls(settings, registry, provider, (lambda text: None) if quiet else output.say)
            context.bear_registry(away=0.0)
            try:
                yield context
            finally:
                context.note_paces()

    def bear_registry(self, *, away: float) -> None:
        """Try again while the registry is locked, and so many seconds while it is `away`: see Patience."""
        is_quiet = self.settings.quiet and not away
        self.registry.patience = Patience(
            locked=away or None,
            away=away,
            say=(lambda text: None) if is_quiet else output.say,
            wait=self.interrupts.sleep,
            interrupts=lambda: self.interrupts.count,
        )

    def at(self, settings: Settings, server_id: str | None = None) -> Context:
        """Return this context with other settings, and a provider for their endpoint: one for each.

        `server_id` is the crowd server that has to answer there, if it is known.
        """
        key = (settings.environment, settings.endpoint, server_id)
        if key not in self.clients:
            self.clients[key] = paces.client(self.registry, settings, server_id)
        return replace(self, settings=settings, provider=self.clients[key])

    def note_paces(self) -> None:
        """Write down what pace the servers bear, for the next command. No statement where that is not new."""
        for client in {self.provider, *self.clients.values()}:
            paces.note(self.registry, client)

    @property
    def calls(self) -> int:
        """How many API calls this command has made, wherever."""
        return sum(client.calls for client in {self.provider, *self.clients.values()})

    @property
    def first_endpoint(self) -> str:
        """Where this server was seen first, wherever it is now: the address that stands for it for good."""
        settings = self.settings
        server_id = self.provider.server_id
        return self.registry.first_address(server_id, settings.environment, settings.endpoint)

    def choose(self, selected: Selection) -> tuple[Context, list[Run]]:
        """Return the context of the selected runs' server, wherever it answers now, and the runs.

        An empty selection, like --all-runs, means the runs at the server of the ambient endpoint. UsageError
        names a selector that matches nothing, and runs that do not share one server. Where their server does
        not answer anywhere, the first call says so.
        """
        places, runs = Places(self.registry, self.settings), selection.select(self.registry, selected)
        if selected.takes_all:
            alive, runs = places.with_life(runs), places.here(runs)
            if selected.all_runs:
                self._say_left_out(len(alive) - len(runs))
        if len({(run.environment, run.endpoint) for run in runs}) > 1:
            where = ", ".join(f"{run.run_id} ({run.environment}, {run.endpoint})" for run in runs)
            raise UsageError(
                f"These runs are not at one endpoint: {where}. Name those of one endpoint: --run."
            )
        found, missing = places.find(runs)
        for place in found:
            return self.at(place.settings, place.server_id), place.runs
        for lost in missing:
            context = self.at(lost.settings, lost.runs[0].crowd_server_id)
            context.provider.out_of_reach = lost.reason
            return context, lost.runs
        return self, []

    def _say_left_out(self, count: int) -> None:
        if count and not self.settings.quiet:
            self.say(f"Left out, at other servers: {count}. See them: make runs. Name them: --run RUN_ID")

    def of(self, run_id: str | None) -> Context:
        """Return the context of a run's server as choose() does; this one if no run is named."""
        return self.choose(Selection((run_id,)))[0] if run_id else self

    def visit(
        self,
        selected: Selection,
        look: Callable[[Context, list[Run]], Result],
        *,
        ambient: bool = False,
        ended: bool = False,
    ) -> tuple[list[Result], list[Lost]]:
        """Look at the selected runs, each at its own server. Returns what was seen, and what could not be.

        An empty selection, like --all-runs, means all runs at the server of the ambient endpoint, and at each
        other one where something may be alive, or with `ended` at every one. With `ambient` that endpoint is
        looked at even if no run is there, and so it is where there is no run at all. UsageError names a
        selector that matches nothing.
        """
        servers, missing = self._servers(selected, ambient=ambient, ended=ended)
        seen: list[Result] = []
        for context, runs in servers:
            try:
                seen.append(look(context, runs))
            except ProviderError as error:
                is_all = len(servers) == 1 and not missing
                if is_all and not (runs and isinstance(error, Unreachable)):
                    raise
                missing.append(Lost(context.settings, runs, str(error)))
                if ambient and isinstance(error, OtherServer) and context.settings == self.settings:
                    seen.append(look(self, []))
        return seen, missing

    def reach(
        self,
        selected: Selection,
        look: Callable[[Context, list[Run]], Result],
        *,
        ambient: bool = False,
        ended: bool = False,
    ) -> tuple[list[Result], list[Unseen]]:
        """Look at the selected runs as visit() does, for a command that is about to act on them.

        Unreachable if nothing could be looked at.
        """
        seen, missing = self.visit(selected, look, ambient=ambient, ended=ended)
        if missing and not seen:
            raise Unreachable(" ".join(lost.reason for lost in missing))
        return seen, self.unseen(missing)

    def unseen(self, missing: Sequence[Lost]) -> list[Unseen]:
        """Return servers that could not be looked at, with what may be left there by the registry."""
        alive = self.registry.live_runs() if missing else set()
        return [lost.unseen(alive) for lost in missing]

    def _servers(
        self, selected: Selection, *, ambient: bool, ended: bool
    ) -> tuple[list[tuple[Context, list[Run]]], list[Lost]]:
        places, runs = Places(self.registry, self.settings), selection.select(self.registry, selected)
        found, missing = places.find(places.with_life(runs) if selected.takes_all and not ended else runs)
        servers = [(self.at(place.settings, place.server_id), place.runs) for place in found]
        if not (servers or missing):
            return [(self, [])], []
        if ambient and not places.has_ambient(found):
            why = places.why_silent()
            is_usual = self.settings.endpoint == ENVIRONMENTS[self.settings.environment].endpoint
            if why is None:
                servers.append((self, []))
            elif not is_usual and self.settings not in [lost.settings for lost in missing]:
                missing.append(Lost(self.settings, [], why))
        return servers, missing

    def progress(self, total: int | None, what: str) -> Progress:
        """Return a progress line for `total` items, if that is known; silent if the command is quiet."""
        return progress.progress(total, what, quiet=self.settings.quiet)

    def working(self, what: str, total: int = 0) -> Progress:
        """Return a line for work of which nothing is said in a log: shown at a terminal only."""
        return progress.on_terminal(what, quiet=self.settings.quiet, total=total)

    def counted(self, items: Iterable[Item], what: str, total: int = 0) -> Iterator[Item]:
        """Yield items, and show at a terminal how many there were so far, of how many if that is known."""
        return progress.counted(items, what, quiet=self.settings.quiet, total=total)

    def outcomes(
        self, call: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Outcome[Item, Result]]:
        """Yield what comes of a call over items, side by side; see bulk.outcomes()."""
        return bulk.outcomes(call, items, threads=self.settings.threads)

    def carry_out(
        self, action: Action[Item, Result], items: Iterable[Item], what: str, *, threads: int | None = None
    ) -> BulkResult[Item]:
        """Do something to every item as carry_out_quietly() does, with a progress line.

        `what` is the word for an item that is as it should be, such as "expired".
        """
        with closing(self.progress(len(items) if isinstance(items, Sequence) else None, what)) as bar:
            return self.carry_out_quietly(action, items, bar.update, threads=threads)

    def carry_out_quietly(
        self,
        action: Action[Item, Result],
        items: Iterable[Item],
        on_progress: Callable[[int, str], None],
        *,
        threads: int | None = None,
    ) -> BulkResult[Item]:
        """Do something to every item, for a command that does nothing else meanwhile. Ctrl-C ends it cleanly.

        Calls under way are waited for; what was not tried by then is neither settled nor failed. `threads`
        are those of the settings where none are given. Within entered interrupts use bulk.carry_out(): there
        somebody else decides what Ctrl-C means.
        """
        self.interrupts.note = lambda count: "Stopping: the calls under way are finished."
        with self.interrupts:
            return bulk.carry_out(
                action,
                items,
                threads=self.settings.threads if threads is None else threads,
                stop=lambda: self.interrupts.count > 0,
                on_progress=on_progress,
            )
