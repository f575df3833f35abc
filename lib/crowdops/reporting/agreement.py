"""Whether the workers of a unit say the same, field by field.

The numbers are those of K. Krippendorff, Content Analysis, chapter 11, for nominal data with missing values.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from crowdops.formats import json_text
from crowdops.formats.question_xml import UNREADABLE
from crowdops.registry import Result
from crowdops.reporting.excerpts import Conceal, beginning, excerpt
from crowdops.reporting.worker_table import WorkerTally

MOST_FIELDS = 50
MOST_VALUES = 20_000  # different answers of a field; with more it is free text
FEW_VALUES = 10  # different answers to a field; more are free text where most answers differ
MOST_TEXTS = 1000  # different answers of a field whose texts are kept
MOST_TOP = 20
MOST_UNITS = 10
MOST_ANSWERS = 10
MOST_INPUTS = 10
_MISSING = 0  # in the place of an answer's hash


class ValueCount(NamedTuple):
    """A value that was answered, cut, and how often it was."""

    value: str
    number: int


class DisputedUnit(NamedTuple):
    """A unit whose workers disagree: the chance (0 to 1) that two of its answers are the same.

    `answers` are at most MOST_ANSWERS different ones, the most frequent first, and `others` count the rest.
    `input` is its data row, cut.
    """

    run_id: str
    task_name: str
    unit_index: int
    agreement: float
    answers: list[ValueCount]
    others: int
    input: dict[str, str]


class FieldAgreement(NamedTuple):
    """How far the answers of a field agree. Blank is missing; rejected and unreadable work does not count.

    `answers` are given and `missing` are not; `units` have two or more. `percent` (0 to 1) is the chance that
    another worker's answer to the same unit is the same: one minus Krippendorff's observed disagreement.
    `alpha` is Krippendorff's for nominal data. Both are None where no unit has two answers, alpha also where
    all are alike. `values` counts the different answers, None where they are more than MOST_VALUES: that is
    free text, of which there is no alpha. `top` are the most frequent answers, `disputed` the units with the
    least agreement.
    """

    field: str
    answers: int
    missing: int
    units: int
    percent: float | None
    alpha: float | None
    values: int | None
    top: list[ValueCount]
    disputed: list[DisputedUnit]

    @property
    def is_choice(self) -> bool:
        """Whether the field is not free text, where no two people write the same."""
        return self.values is not None and self.values <= max(FEW_VALUES, self.answers / 2)


class Agreement(NamedTuple):
    """All fields. `other_fields` answers stand in fields beyond MOST_FIELDS, or in none that was asked for.

    `unreadable` and `rejected` assignments do not count.
    """

    fields: list[FieldAgreement]
    other_fields: int
    unreadable: int
    rejected: int


class _Unit:
    """The answers to one unit: a number for each assignment and field, and the first of the texts."""

    def __init__(self, result: Result) -> None:
        self.first = result
        self.workers: list[WorkerTally] = []
        self.votes: dict[str, array[int]] = {}
        self.texts: dict[str, dict[int, str]] = {}

    def is_of(self, result: Result) -> bool:
        """Return whether a result belongs to this unit."""
        return (self.first.run_id, self.first.unit_index) == (result.run_id, result.unit_index)

    def add(self, worker: WorkerTally, texts: Iterable[tuple[str, str]]) -> None:
        """Take the answers of an assignment in, by field."""
        place = len(self.workers)
        self.workers.append(worker)
        for name, text in texts:
            votes = self.votes.setdefault(name, array("q"))
            votes.extend([_MISSING] * (place - len(votes)))
            vote = hash(text) or 1
            votes.append(vote)
            known = self.texts.setdefault(name, {})
            if len(known) < MOST_TEXTS:
                known.setdefault(vote, beginning(text))


class _Field:
    """What is known of a field so far: a number for each different answer, and the first of the texts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers = self.units = self._pairable = 0
        self._agreed = 0.0  # of the pairable answers: how many others of the unit, on average, say the same
        self._pairs: Counter[int] = Counter()  # the answers that have another one beside them, by value
        self._alone: Counter[int] = Counter()
        self._texts: dict[int, str] = {}
        self._is_free_text = False
        self._disputed: list[tuple[float, int, int, DisputedUnit]] = []

    def add(self, unit: _Unit, conceal: Conceal) -> None:
        """Take the answers to a unit in."""
        votes, texts = unit.votes[self.name], unit.texts[self.name]
        counts = Counter(vote for vote in votes if vote != _MISSING)
        number = counts.total()
        self.answers += number
        self._count(counts, texts)
        if number < 2:
            return
        same = sum(count * (count - 1) for count in counts.values())
        self.units += 1
        self._pairable += number
        self._agreed += same / (number - 1)
        self._compare(unit, counts, number)
        self._dispute(unit, counts, same / (number * (number - 1)), conceal)

    def _count(self, counts: Counter[int], texts: dict[int, str]) -> None:
        if self._is_free_text:
            return
        (self._pairs if counts.total() > 1 else self._alone).update(counts)
        for vote, text in texts.items():
            if len(self._texts) < MOST_TEXTS:
                self._texts.setdefault(vote, text)
        if len(self._pairs) + len(self._alone) > MOST_VALUES:
            self._is_free_text = True
            for numbers in (self._pairs, self._alone, self._texts):
                numbers.clear()

    def _compare(self, unit: _Unit, counts: Counter[int], number: int) -> None:
        """Compare each worker's answer with that of more than half of them, two at least."""
        [(most_frequent, count)] = counts.most_common(1)
        if count < 2 or count * 2 <= number:
            return
        for worker, vote in zip(unit.workers, unit.votes[self.name], strict=False):
            if vote != _MISSING:
                worker.compared += 1
                worker.agreed += vote == most_frequent

    def _dispute(self, unit: _Unit, counts: Counter[int], agreement: float, conceal: Conceal) -> None:
        """Keep a unit if it is among those with the least agreement; of equals, the one with more answers."""
        if agreement == 1:
            return
        rank = (-agreement, counts.total(), -self.units)
        if len(self._disputed) == MOST_UNITS and rank <= self._disputed[0][:3]:
            return
        entry = (*rank, _disputed(unit, counts, unit.texts[self.name], agreement, conceal))
        if len(self._disputed) < MOST_UNITS:
            heapq.heappush(self._disputed, entry)
        else:
            heapq.heapreplace(self._disputed, entry)

    def agreement(self, assignments: int, conceal: Conceal) -> FieldAgreement:
        """Return how far the answers agree, of so many assignments that could have one."""
        totals = self._pairs + self._alone
        percent = self._agreed / self._pairable if self._pairable else None
        return FieldAgreement(
            field=excerpt(self.name, conceal),
            answers=self.answers,
            missing=assignments - self.answers,
            units=self.units,
            percent=percent,
            alpha=None if percent is None or self._is_free_text else _alpha(percent, self._pairs),
            values=None if self._is_free_text else len(totals),
            top=_shown(totals, self._texts, MOST_TOP, conceal),
            disputed=[
                entry[-1] for entry in sorted(self._disputed, key=lambda entry: entry[:3], reverse=True)
            ],
        )


def _alpha(percent: float, counts: Counter[int]) -> float | None:
    """Return Krippendorff's alpha from the observed agreement and the pairable answers by value."""
    number = counts.total()
    different = number * number - sum(count * count for count in counts.values())
    if not different:
        return None
    return 1 - (1 - percent) * number * (number - 1) / different


def _disputed(
    unit: _Unit, counts: Counter[int], texts: dict[int, str], agreement: float, conceal: Conceal
) -> DisputedUnit:
    answers = _shown(counts, texts, MOST_ANSWERS, conceal)
    inputs = list((unit.first.input or {}).items())[:MOST_INPUTS]
    return DisputedUnit(
        run_id=unit.first.run_id,
        task_name=unit.first.task_name,
        unit_index=unit.first.unit_index,
        agreement=agreement,
        answers=answers,
        others=counts.total() - sum(answer.number for answer in answers),
        input={excerpt(name, conceal): excerpt(value, conceal) for name, value in inputs},
    )


def _shown(counts: Counter[int], texts: dict[int, str], most: int, conceal: Conceal) -> list[ValueCount]:
    """Return the most frequent of the values whose texts are kept; of equals, those that came first."""
    known = ((vote, counts[vote]) for vote in texts if vote in counts)
    frequent = sorted(known, key=lambda item: -item[1])[:most]
    return [ValueCount(excerpt(texts[vote], conceal), number) for vote, number in frequent]


class Answers:
    """The answers so far, which come unit by unit. No `fields` are all fields, up to MOST_FIELDS."""

    def __init__(self, fields: Sequence[str], conceal: Conceal) -> None:
        self._asked_for, self._conceal = frozenset(fields), conceal
        self._fields: dict[str, _Field] = {}
        self._unit: _Unit | None = None
        self._assignments = self._others = self._unreadable = self._rejected = 0

    def add(self, result: Result, worker: WorkerTally) -> None:
        """Take an assignment in, the work of a worker."""
        if result.assignment.status == "Rejected":
            self._rejected += 1
            return
        answer = result.assignment.answer
        if UNREADABLE in answer:
            self._unreadable += 1
            return
        self._assignments += 1
        if self._unit is None or not self._unit.is_of(result):
            self._close_unit()
            self._unit = _Unit(result)
        self._unit.add(worker, self._texts(answer))

    def _texts(self, answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the fields of an answer that count and are not blank."""
        for name, value in answer.items():
            text = _text(value)
            if text and self._counts(name):
                yield name, text
            elif text:
                self._others += 1

    def _counts(self, name: str) -> bool:
        if name in self._fields:
            return True
        if self._asked_for and name not in self._asked_for:
            return False
        if len(self._fields) >= MOST_FIELDS:
            return False
        self._fields[name] = _Field(name)
        return True

    def _close_unit(self) -> None:
        if self._unit is not None:
            for name in self._unit.votes:
                self._fields[name].add(self._unit, self._conceal)
        self._unit = None

    def agreement(self) -> Agreement:
        """Return how far all of them agree."""
        self._close_unit()
        fields = [field.agreement(self._assignments, self._conceal) for field in self._fields.values()]
        return Agreement(fields, self._others, self._unreadable, self._rejected)


def _text(value: Any) -> str:
    """Return a value as it is compared: as text, without blanks around it. Nothing for a missing one."""
    if value is None:
        return ""
    return (value if isinstance(value, str) else json_text.dumps(value)).strip()
