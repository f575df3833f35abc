"""After a crash: what runs have left alive is taken down or carried on. See survey for how it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import Error
from crowdops.formats import words
from crowdops.hits import reconcile
from crowdops.providers.mturk.client import Hit
from crowdops.recovery import rebuild
from crowdops.recovery.rebuild import MarkedRun
from crowdops.recovery.survey import OrphanedRun, Survey
from crowdops.registry import END_STATES, Run, locks
from crowdops.runs import resume
from crowdops.runs.attended import AttendedRun
from crowdops.runs.drain import Drain
from crowdops.runs.lifecycle import Lifecycle
from crowdops.runs.outcome import Outcome
from crowdops.runs.remainder import Resumption, examine
from crowdops.servers import orphans, pages
from crowdops.servers.backend import backend_of
from crowdops.servers.status import ServerStatus

REASON = "the process that attended it died; recovered"


class Step(NamedTuple):
    """One thing that was done, or tried: `result` says how it is now, or why it failed."""

    kind: str
    target: str
    run_id: str | None
    result: str
    failed: bool = False


class Recovery:
    """Takes orphaned runs down or carries them on, one step after another. `steps` says what came of each.

    It can be killed anywhere and started again: a run is at its end only when everything of it is.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.steps: list[Step] = []

    @property
    def has_failed(self) -> bool:
        """Whether a step has failed."""
        return any(step.failed for step in self.steps)

    def carry_out(
        self, survey: Survey, unknown: Sequence[OrphanedRun], *, carry_on: bool, wait: bool
    ) -> None:
        """Do everything that a survey calls for, and for these `unknown` runs as well."""
        crashed = [*survey.crashed, *self._take_over(unknown)]
        if carry_on:
            self._resume(crashed)
            self._end(survey.ended, wait=wait)
            kept = {run.run_id for run in crashed}
            self._take_down(status for status in survey.servers if status.run_id not in kept)
        else:
            self._end([*crashed, *survey.ended], wait=wait)
            self._take_down(survey.servers)

    def _take_over(self, unknown: Iterable[OrphanedRun]) -> list[OrphanedRun]:
        """Enter runs that the registry does not know: from here on they are crashed runs of this home."""
        entered = []
        for orphaned in unknown:
            run_id = orphaned.run_id
            marked = MarkedRun(run_id, orphaned.task_name, orphaned.hits, orphaned.servers)
            with self._noting_failure("run", run_id, run_id):
                rebuild.rebuild(orphaned.context, [marked])
                self._note("run", run_id, run_id, "taken over")
                known = self._context.registry.run(run_id)
                # Nothing of it is open, as far as its marks tell: its servers are to go all the same.
                condition = "ended" if known and known.state in END_STATES else "crashed"
                entered.append(orphaned._replace(known=known, condition=condition))
        return entered

    def _end(self, runs: Iterable[OrphanedRun], *, wait: bool) -> None:
        """End these runs: first all HITs are expired, then accepted work is waited for run by run."""
        with ExitStack() as held:
            drains = []
            for orphaned in runs:
                with self._noting_failure("run", orphaned.run_id, orphaned.run_id):
                    held.enter_context(locks.hold(self._context.settings.home, orphaned.run_id))
                    if attended := self._attend(orphaned):
                        drain = Drain(held.enter_context(attended))
                        drain.expire_all()
                        drains.append((orphaned.run_id, drain))
            for run_id, drain in drains:
                with self._noting_failure("run", run_id, run_id):
                    self._note_outcome(drain.wait_for_work(patient=wait))

    def _attend(self, orphaned: OrphanedRun) -> AttendedRun | None:
        """Attend a run to end it; its lock must be held. None if somebody has ended it since the survey."""
        run = self._context.registry.run(orphaned.run_id)
        assert run is not None
        if run.state in END_STATES and orphaned.condition != "ended":
            self._note("run", run.run_id, run.run_id, f"{run.state}, by somebody else")
            return None
        context = orphaned.context
        self._reconcile(context, run, orphaned.hits)
        context.say(f"{run.task_name} ({run.run_id}): ending it.")
        lifecycle = Lifecycle(self._context.interrupts, has_crashed=True, stop_reason=run.reason or REASON)
        return AttendedRun(context, run, pages.UnattendedPages(context, run), lifecycle)

    def _reconcile(self, context: Context, run: Run, hits: Sequence[Hit]) -> None:
        result = reconcile.reconcile(context, run, hits)
        if result.adopted:
            self._note(
                "hits", words.count(result.adopted, "HIT"), run.run_id, "found by their marks, taken over"
            )
        for line in result.failures:
            self._note("hits", run.run_id, run.run_id, line, failed=True)

    def _resume(self, runs: Iterable[OrphanedRun]) -> None:
        """Carry these runs on, one after the other. An interrupt ends the one under way; the rest is left."""
        for orphaned in runs:
            run_id, run = orphaned.run_id, self._context.registry.run(orphaned.run_id)
            assert run is not None
            if self._context.interrupts.count:
                self._note("run", run_id, run_id, "not carried on: interrupted", failed=True)
                continue
            with self._noting_failure("run", run_id, run_id):
                resumption = Resumption(run_id)
                for remark in examine(self._context.registry, run, resumption).remarks:
                    self._context.say(remark)
                self._note_outcome(resume.resume(orphaned.context, resumption, orphaned.hits))

    def _take_down(self, servers: Iterable[ServerStatus]) -> None:
        """Take down servers that outlived their runs, unless these have come to life meanwhile."""
        for status in servers:
            with self._noting_failure("server", status.name, status.run_id):
                if status.run_id and orphans.is_living(self._context, status.run_id):
                    result = "left alone: its run is alive"
                elif backend_of(status.server.kind).take_down(self._context, status.server):
                    result = "taken down"
                else:
                    result = "gone already"
                self._note("server", status.name, status.run_id, result)

    def _note_outcome(self, outcome: Outcome) -> None:
        run_id = outcome.run_id
        planned = self._context.registry.unit_counts(run_id)["planned"]
        never = (
            f"; {words.were(planned, 'unit')} never launched; to launch {words.choose(planned, 'it', 'them')}"
            f" after all: make resume RUN={run_id}"
            if planned
            else ""
        )
        self._note("run", run_id, run_id, outcome.state + never)
        for line in outcome.describe_in_flight():
            self._context.say(f"{line} Collect it then: make results RUN={run_id}")
        if outcome.state in END_STATES:
            for server in self._context.registry.servers("creating", "up", run_id=run_id):
                self._note("server", server.name, run_id, "could not be taken down", failed=True)

    @contextmanager
    def _noting_failure(self, kind: str, target: str, run_id: str | None) -> Iterator[None]:
        """Note an error as the failure of a step, and go on with what comes next."""
        try:
            yield
        except Error as error:
            self._note(kind, target, run_id, str(error), failed=True)

    def _note(self, kind: str, target: str, run_id: str | None, result: str, *, failed: bool = False) -> None:
        self.steps.append(Step(kind, target, run_id, result, failed))
        say = output.say if failed else self._context.say  # --quiet keeps no failure to itself
        say(f"{kind} {target}: {result}")
