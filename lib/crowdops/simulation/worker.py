"""One simulated worker: what it does, and how often."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from crowdops.errors import ProviderError, Unreachable, WrongState
from crowdops.providers.crowd_server.client import WorkerSession
from crowdops.providers.crowd_server.forms import TaskForm, Values
from crowdops.providers.crowd_server.pages import Task
from crowdops.simulation import answers

IDLE_SECONDS = 0.5  # between two looks at the list of work when there is nothing to do


class Behaviour(NamedTuple):
    """How the workers behave. Rates are shares of the accepted units, 0 to 1; the rest is submitted.

    A unit takes `seconds_per_task`, half of it more or less. A worker leaves after `until_idle` seconds
    without anything to do.
    """

    seed: int
    return_rate: float = 0.0
    abandon_rate: float = 0.0
    seconds_per_task: float = 0.0
    until_idle: float = 10.0


@dataclass
class Totals:
    """What workers did. `refused` counts what the site or a page would not let them do."""

    workers: int = 0
    submitted: int = 0
    returned: int = 0
    abandoned: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)

    def add(self, other: Totals) -> None:
        """Add what other workers did."""
        self.workers += other.workers
        self.submitted += other.submitted
        self.returned += other.returned
        self.abandoned += other.abandoned
        self.refused += other.refused
        self.errors += other.errors


class Worker:
    """One worker, whose random choices follow from the seed and the worker's number."""

    def __init__(
        self,
        number: int,
        link: str,
        behaviour: Behaviour,
        stop: threading.Event,
        report: Callable[[str], None],
        timeout: float,
    ) -> None:
        self._number, self._behaviour = number, behaviour
        self._stop, self._report = stop, report
        self._session = WorkerSession(link, timeout)
        self._random = random.Random(f"{behaviour.seed}:{number}")
        self.totals = Totals(workers=1)
        self._unworkable: set[str] = set()  # HIT types
        self._abandoned: set[str] = set()  # assignments
        self._unsent: tuple[TaskForm, Values] | None = None
        self._was_cut_off = False  # so that a unit may be in hand whose page never came

    def work(self) -> Totals:
        """Work until there was nothing to do for long enough, and return what came of it."""
        with closing(self._session):
            try:
                self._session.sign_in()
                self._work_until_idle()
            except ProviderError as error:
                self.totals.errors.append(self._report_problem(error))
        return self.totals

    def _work_until_idle(self) -> None:
        patience = self._behaviour.until_idle
        idle_since: float | None = None  # since when look after look has found nothing to do
        while not self._stop.is_set():
            failure = None
            try:
                has_worked = self._do_unit()
            except Unreachable as error:  # a server that restarts is back in a moment
                has_worked, failure, self._was_cut_off = False, error, True
            if has_worked:
                idle_since = None
                continue
            if idle_since is None:  # how long the look itself took says nothing of what there is to do
                idle_since = time.monotonic()
            if time.monotonic() - idle_since < patience:
                self._stop.wait(min(IDLE_SECONDS, patience / 4))
            elif failure:
                raise failure
            else:
                return

    def _do_unit(self) -> bool:
        """Take a unit and do it, or leave its kind alone for good; False if there was none, or not now."""
        if self._unsent:
            self._submit(*self._unsent)
        try:
            task = self._resume() or self._take()
        except WrongState:  # another worker was faster
            self.totals.refused += 1
            return False
        if task is None:
            return False
        try:
            form = self._session.read(task)
            values = answers.fill(form, self._random)
        except ProviderError as error:
            self._refuse(task, error)
            return task.hit_type_id in self._unworkable
        self._decide(task, form, values)
        return True

    def _resume(self) -> Task | None:
        """Return a unit in hand whose page was lost when the server did not answer."""
        if not self._was_cut_off:
            return None
        in_hand = [
            assignment_id for assignment_id in self._session.in_hand() if assignment_id not in self._abandoned
        ]
        self._was_cut_off = bool(in_hand)
        return self._session.resume(in_hand[0]) if in_hand else None

    def _take(self) -> Task | None:
        groups = [
            group
            for group in self._session.work()
            if group.accept and group.hit_type_id not in self._unworkable
        ]
        return self._session.accept_next(groups[0]) if groups else None

    def _decide(self, task: Task, form: TaskForm, values: Values) -> None:
        chance, pace = self._random.random(), self._random.uniform(0.5, 1.5)
        stopped = self._stop.wait(self._behaviour.seconds_per_task * pace)
        if stopped or chance < self._behaviour.return_rate:
            self._give_back(task)
        elif chance < self._behaviour.return_rate + self._behaviour.abandon_rate:
            self._abandoned.add(task.assignment_id)
            self.totals.abandoned += 1
        else:
            self._submit(form, values)

    def _submit(self, form: TaskForm, values: Values) -> None:
        self._unsent = form, values  # kept and sent again when the server does not answer
        try:
            self._session.submit(form, values)
            self.totals.submitted += 1
        except WrongState as error:  # the time was up, or it had arrived after all
            self.totals.refused += 1
            self._report_problem(error)
        self._unsent = None

    def _give_back(self, task: Task) -> None:
        try:
            self._session.give_back(task)
            self.totals.returned += 1
        except WrongState as error:
            self.totals.refused += 1
            self._report_problem(error)

    def _refuse(self, task: Task, reason: ProviderError) -> None:
        """Give back what cannot be worked on, and leave its kind alone unless that may pass."""
        self.totals.refused += 1
        self._report_problem(reason)
        if not isinstance(reason, (Unreachable, WrongState)):
            self._unworkable.add(task.hit_type_id)
        self._session.give_back(task)
        if isinstance(reason, Unreachable):
            raise reason

    def _report_problem(self, reason: ProviderError) -> str:
        line = f"worker {self._number}: {reason}"
        self._report(line)
        return line
