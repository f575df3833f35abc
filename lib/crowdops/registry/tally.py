"""How far runs have come: what became of their units, and which answers are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crowdops.formats import words
from crowdops.registry import Registry, Run

OUT = ("creating", "outstanding")  # states of units that have a HIT out, or may have one


class Tally(NamedTuple):
    """What became of a run's units, each in one of the first five numbers.

    `answered` units have an answer, `unanswered` ones have ended without, `outstanding` ones have a HIT or
    may have one; `failed` could not be launched, or somebody deleted their HIT. `answers` were collected of
    the `asked` ones.
    """

    answered: int
    unanswered: int
    never_launched: int
    outstanding: int
    failed: int
    answers: int
    asked: int

    @property
    def is_short(self) -> bool:
        """Return whether fewer answers have come in than were asked for."""
        return self.answers < self.asked

    @property
    def is_over(self) -> bool:
        """Return whether no unit is to be launched or can still get an answer."""
        return not (self.never_launched or self.outstanding)

    def describe(self) -> str:
        """Return in words what became of the units."""
        units = sum(self[:5])
        text = f"{self.answered} of {words.count(units, 'unit')} {words.choose(units, 'has', 'have')} answers"
        for count, what in (
            (self.unanswered, "ended without an answer"),
            (self.never_launched, "never launched"),
            (self.outstanding, "not at their end"),
            (self.failed, "failed"),
        ):
            text += f", {count} {what}" if count else ""
        is_partial = self.answers < self.answered * self.asked // units if units else False
        return f"{text}; {self.answers} of {words.count(self.asked, 'answer')}" if is_partial else text


def tally(registry: Registry, run: Run) -> Tally:
    """Return how far a run has come, by the registry."""
    return tallies(registry, [run])[run.run_id]


def tallies(registry: Registry, runs: Sequence[Run]) -> dict[str, Tally]:
    """Return how far each of these runs has come, by run id. One statement, however many there are."""
    counts = registry.answer_counts([run.run_id for run in runs])
    return {run.run_id: _add_up(run, counts.get(run.run_id, [])) for run in runs}


def _add_up(run: Run, counts: Sequence[tuple[str, int, int]]) -> Tally:
    """Add up what units of a state with so many answers there are: (state, answers, units)."""
    per_unit = run.parameters.assignments_per_unit
    answered = sum(units for state, answers, units in counts if answers and state not in OUT)
    planned = sum(units for state, answers, units in counts if state == "planned" and not answers)
    outstanding = sum(units for state, _, units in counts if state in OUT)
    failed = sum(units for state, answers, units in counts if state == "failed" and not answers)
    known = sum(units for _, _, units in counts)
    unread = max(0, run.units - known)  # rows of the data that a crash has kept out of the registry
    return Tally(
        answered=answered,
        unanswered=known - answered - planned - outstanding - failed,
        never_launched=planned + unread,
        outstanding=outstanding,
        failed=failed,
        answers=sum(min(answers, per_unit) * units for _, answers, units in counts),
        asked=per_unit * (known + unread),
    )
