"""After a crash: wrecks are taken down or carried on. See wrecks for how they are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from crowdops.console.output import timestamp
from crowdops.context import Context
from crowdops.errors import Error
from crowdops.hits import repair
from crowdops.providers.mturk.client import Hit
from crowdops.recovery import rebuild
from crowdops.recovery.survey import Survey, Wreck
from crowdops.registry import END_STATES, Run, locks
from crowdops.runs import remainder, resume
from crowdops.runs.attended import AttendedRun
from crowdops.runs.drain import Drain
from crowdops.runs.lifecycle import Lifecycle
from crowdops.runs.outcome import Outcome
from crowdops.servers import leftovers, pages
from crowdops.servers.status import ServerStatus, as_server

Say = Callable[[str], None]
REASON = "the process that attended it died; recovered"


class Action(NamedTuple):
    """One thing that was done, or tried: `result` says how it is now, or why it failed."""

    kind: str
    target: str
    run_id: str | None
    result: str
    failed: bool = False


class Recovery:
    """Takes wrecks down or carries them on, one step after another. `actions` says what came of each.

    It can be killed anywhere and started again: a run is at its end only when everything of it is.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.actions: list[Action] = []

    def run(self, found: Survey, orphans: Sequence[Wreck], *, resume: bool, wait: bool) -> None:
        """Do everything that a survey calls for, and end the unknown runs among `orphans` as well."""
        crashed = [*found.crashed, *self.adopt(orphans)]
        if resume:
            self.resume(crashed)
            self.shut_down(found.ended, wait=wait)
            kept = {wreck.run_id for wreck in crashed}
            self.take_down(status for status in found.servers if status.run_id not in kept)
        else:
            self.shut_down([*crashed, *found.ended], wait=wait)
            self.take_down(found.servers)

    def adopt(self, wrecks: Iterable[Wreck]) -> list[Wreck]:
        """Take over runs that the registry does not know: from here on they are crashed runs of this home."""
        adopted = []
        for wreck in wrecks:
            found = rebuild.Find(
                *(wreck.run_id, wreck.task_name, wreck.hits, wreck.servers), at_home=False, known=False
            )
            try:
                rebuild.rebuild(self._context, [found])
            except Error as error:
                self._fail("run", wreck.run_id, wreck.run_id, error)
                continue
            run = self._context.registry.run(wreck.run_id)
            self._note("run", wreck.run_id, wreck.run_id, "taken over")
            adopted.append(wreck._replace(run=run, condition="crashed"))
        return adopted

    def shut_down(self, wrecks: Iterable[Wreck], *, wait: bool) -> None:
        """End these runs: first take every HIT off the market, then wait for accepted work, collect it, take servers down."""
        with ExitStack() as held:
            drains = []
            for wreck in wrecks:
                try:
                    held.enter_context(locks.hold(self._context.settings.home, wreck.run_id))
                    if attended := self._attend(wreck):
                        held.enter_context(attended)
                        drain = Drain(attended)
                        drain.expire_all()
                        drains.append((wreck, drain))
                except Error as error:
                    self._fail("run", wreck.run_id, wreck.run_id, error)
            for wreck, drain in drains:
                try:
                    self._tell(drain.wait_for_work(patient=wait))
                except Error as error:
                    self._fail("run", wreck.run_id, wreck.run_id, error)

    def _attend(self, wreck: Wreck) -> AttendedRun | None:
        """Attend a run that is to be ended. None if somebody else has ended it since the survey. Its lock must be held."""
        run = self._context.registry.run(wreck.run_id)
        assert run is not None
        if run.state in END_STATES and wreck.condition != "ended":
            self._note("run", run.run_id, run.run_id, f"{run.state}, by somebody else")
            return None
        self._adopt_hits(run, wreck.hits)
        self._context.say(f"{run.task_name} ({run.run_id}): ending it.")
        lifecycle = Lifecycle(self._context.interrupts, has_crashed=True, stop_reason=run.reason or REASON)
        return AttendedRun(self._context, run, pages.Left(self._context, run, run.parameters), lifecycle)

    def _adopt_hits(self, run: Run, seen: Sequence[Hit]) -> None:
        adopted = repair.adopt(self._context, run, seen)
        if adopted.hits:
            self._note("hits", f"{adopted.hits} HITs", run.run_id, "found by their marks, taken over")
        for line in adopted.failures:
            self._note("hits", run.run_id, run.run_id, line, failed=True)

    def _tell(self, ending: Outcome) -> None:
        planned = self._context.registry.unit_counts(ending.run_id).get("planned", 0)
        never = f"; {planned} units were never launched" if planned else ""
        self._note("run", ending.run_id, ending.run_id, ending.state + never)
        for hit, latest in ending.in_flight:
            self._context.say(
                f"HIT {hit.hit_id}: {hit.pending} accepted, not submitted; possible until {timestamp(latest)} at the"
                f" latest. Collect it then: make results RUN={ending.run_id}"
            )

    def resume(self, wrecks: Iterable[Wreck]) -> None:
        """Carry these runs on, one after the other; a press ends the one that is under way, and the rest is left."""
        for wreck in wrecks:
            if self._context.interrupts.count:
                self._note("run", wreck.run_id, wreck.run_id, "not carried on: interrupted", failed=True)
                continue
            try:
                run = self._context.registry.run(wreck.run_id)
                assert run is not None
                for remark in remainder.examine(
                    self._context.registry, run, ignore_data_change=False
                ).remarks:
                    self._context.say(remark)
                self._tell(resume.resume(self._context, resume.Resumption(run.run_id), wreck.hits))
            except Error as error:
                self._fail("run", wreck.run_id, wreck.run_id, error)

    def take_down(self, servers: Iterable[ServerStatus]) -> None:
        """Take down servers that outlived their runs, unless these have come to life meanwhile."""
        for status in servers:
            server = as_server(status)
            try:
                if status.run_id and leftovers.is_living(
                    self._context.registry, self._context.settings.home, status.run_id
                ):
                    self._note("server", status.name, status.run_id, "left alone: its run is alive")
                    continue
                ended = pages.backend(status.kind).take_down(self._context, server)
                self._note("server", status.name, status.run_id, "taken down" if ended else "gone already")
            except Error as error:
                self._fail("server", status.name, status.run_id, error)

    @property
    def failed(self) -> bool:
        return any(action.failed for action in self.actions)

    def _fail(self, kind: str, target: str, run_id: str | None, error: Error) -> None:
        self._note(kind, target, run_id, str(error), failed=True)

    def _note(self, kind: str, target: str, run_id: str | None, result: str, *, failed: bool = False) -> None:
        self.actions.append(Action(kind, target, run_id, result, failed))
        self._context.say(f"{kind} {target}: {result}")
