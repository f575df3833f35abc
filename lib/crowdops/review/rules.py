"""Rules that decide about submitted assignments: all, those that match gold answers, those that agree."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError
from crowdops.formats import csv_files, words
from crowdops.formats.question_xml import UNREADABLE
from crowdops.registry import Decision, Result
from crowdops.results import names
from crowdops.results.export import UNIT_COLUMNS

_INPUT, _ANSWER = "input.", names.ANSWER


class Ruling(NamedTuple):
    """Assignments to approve, and in words why the others are left alone."""

    approved: list[tuple[Result, Decision]]
    words: str


class Gold(NamedTuple):
    """Known answers: which columns name a unit, and which answers are right there."""

    keys: tuple[str, ...]
    fields: tuple[str, ...]
    answers: Mapping[tuple[str, ...], set[tuple[str, ...]]]
    blank: int  # rows that hold no answer
    others: tuple[str, ...]  # columns that say nothing


def approve_all(results: Iterable[Result]) -> Ruling:
    """Approve whatever is submitted and not reviewed."""
    approved = [_approval(result) for result in results if result.assignment.status == "Submitted"]
    return Ruling(
        approved, f"{len(approved)} {words.choose(len(approved), 'is', 'are')} submitted and not reviewed."
    )


def read_gold(path: Path) -> Gold:
    """Read gold answers: CSV with columns input.NAME, unit_index or run_id that name a unit, and answer.NAME.

    A unit may stand in several rows: each is a right answer. A row without any answer is none. UsageError if
    the file cannot mean that.
    """
    rows = csv_files.read(path, (), UNIT_COLUMNS)
    names = {name: _gold_name(path, name) for name in (rows[0].cells if rows else ())}
    keys = [name for name in names if names[name] in UNIT_COLUMNS or names[name].startswith(_INPUT)]
    fields = [name for name in names if names[name].startswith(_ANSWER)]
    if not keys or not fields:
        raise UsageError(
            f"{path} needs columns that name a unit (such as input.NAME or unit_index) and columns"
            " answer.NAME with rows below them. Nothing was done."
        )
    answers: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    blank = 0
    for row in rows:
        answer = tuple(row.text(name) for name in fields)
        if any(answer):
            answers.setdefault(tuple(row.text(name) for name in keys), set()).add(answer)
        else:
            blank += 1
    others = tuple(name for name in names if name not in (*keys, *fields))
    return Gold(
        tuple(names[name] for name in keys), tuple(names[name] for name in fields), answers, blank, others
    )


def _gold_name(path: Path, name: str) -> str:
    """Return a column of gold answers as results have it: MTurk writes Input.text and Answer.label.

    UsageError if it looks like a misspelt one.
    """
    prefix, dot, rest = name.partition(".")
    for known in (_INPUT, _ANSWER):
        if dot and prefix.strip().casefold() + dot == known:
            return known + rest
        if dot and csv_files.is_near(prefix, known[:-1]):
            raise UsageError(
                f"{path}: is the column {name!r} meant to be {known}{rest}? Write it so, or take it out."
                " Nothing was done."
            )
    return name


class Names(NamedTuple):
    """The columns of the data and the fields of the answers that the assignments of some runs have."""

    assignments: int
    inputs: frozenset[str]
    answers: frozenset[str]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Names:
        """Return the names that stand in results."""
        inputs: set[str] = set()
        answers: set[str] = set()
        count = 0
        for result in results:
            count += 1
            inputs.update(result.input or ())
            answers.update(result.assignment.answer)
        return cls(count, frozenset(inputs), frozenset(answers))

    def fields(self, given: Iterable[str]) -> list[str]:
        """Return the fields that --field names, also as answer.NAME. UsageError as check()."""
        if not self.assignments:
            return list(given)
        return list(dict.fromkeys(names.field(name, self.answers) for name in given))

    def check(self, path: Path, gold: Gold) -> None:
        """Raise UsageError for a column of gold answers that no assignment has, once there are any."""
        if not self.assignments:
            return
        if bare := [name for name in gold.others if name in self.answers]:
            raise UsageError(
                f"{path}: is the column {bare[0]!r} meant to be answer.{bare[0]}? Write it so, or take it"
                " out. Nothing was done."
            )
        for name in (*gold.keys, *gold.fields):
            place = f"{path}: the column {name}"
            if name.startswith(_INPUT):
                names.check(place, name.removeprefix(_INPUT), self.inputs, "column of the data")
            elif name.startswith(_ANSWER):
                names.check(place, name.removeprefix(_ANSWER), self.answers, "field")


def judge(result: Result, gold: Gold) -> bool | None:
    """Return whether an assignment says what the gold answers of its unit say. None if it has none."""
    cells = _cells(result)
    right = gold.answers.get(tuple(cells.get(name, "") for name in gold.keys))
    if right is None:
        return None
    has_answer = bool(cells.keys() & gold.fields)
    return has_answer and tuple(cells.get(name, "") for name in gold.fields) in right


def approve_matching(results: Iterable[Result], gold: Gold) -> Ruling:
    """Approve submitted work whose answers are those of the gold answers, as text."""
    approved, differing, unknown = [], 0, 0
    for result in results:
        if result.assignment.status != "Submitted":
            continue
        is_right = judge(result, gold)
        if is_right is None:
            unknown += 1
        elif is_right:
            approved.append(_approval(result))
        else:
            differing += 1
    matching = f"{len(approved)} {words.choose(len(approved), 'matches', 'match')}"
    left = f"{differing} {words.choose(differing, 'differs and is left', 'differ and are left')}"
    without = f"{unknown} {words.choose(unknown, 'has', 'have')} no gold answer"
    hold = words.choose(gold.blank, "holds", "hold")
    blank = f" {words.count(gold.blank, 'row')} of the file {hold} no answer." if gold.blank else ""
    return Ruling(approved, f"{matching}, {left}, {without}.{blank}")


def approve_agreeing(
    results: Iterable[Result], fields: Sequence[str], ended: Callable[[Result], bool]
) -> Ruling:
    """Approve submitted work that says what more than half of its unit's assignments say, of two or more.

    `fields` are the answer's fields that count; all of them if none is named. Who has none of them agrees
    with nobody. Units whose HITs have not `ended` can still change their majority and are left, as is what
    was rejected.
    """
    approved, alone, open_units = [], 0, 0
    for _, group in itertools.groupby(results, key=lambda result: (result.run_id, result.unit_index)):
        votes = [result for result in group if result.assignment.status != "Rejected"]
        waiting = [result for result in votes if result.assignment.status == "Submitted"]
        if not waiting:
            continue
        if not ended(waiting[0]):
            open_units += 1
            continue
        counts = Counter(_vote(result, fields) for result in votes)
        majorities = {
            vote for vote, count in counts.items() if vote and count >= 2 and count * 2 > len(votes)
        }
        agreeing = [result for result in waiting if _vote(result, fields) in majorities]
        approved += [_approval(result) for result in agreeing]
        alone += len(waiting) - len(agreeing)
    agree = words.choose(len(approved), "agrees", "agree")
    do_not = words.choose(alone, "does not and is left", "do not and are left")
    text = f"{len(approved)} {agree}, {alone} {do_not}"
    incomplete = f", {words.are(open_units, 'unit')} not complete" if open_units else ""
    return Ruling(approved, f"{text}{incomplete}.")


def _approval(result: Result) -> tuple[Result, Decision]:
    assignment = result.assignment
    return result, Decision(assignment.assignment_id, assignment.worker_id, "approve")


def _vote(result: Result, fields: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what an assignment says in these fields; nothing if it has none of them, or is unreadable."""
    answer = result.assignment.answer
    names = fields or sorted(answer)
    if UNREADABLE in answer or not any(name in answer for name in names):
        return ()
    return tuple((name, csv_files.cell(answer.get(name)).strip()) for name in names)


def _cells(result: Result) -> dict[str, str]:
    """Return a result as its row of the results file would be read again."""
    cells = {name: str(getattr(result, name)) for name in UNIT_COLUMNS}
    for prefix, values in ((_INPUT, result.input or {}), (_ANSWER, result.assignment.answer)):
        for name, value in values.items():
            cells[prefix + name] = csv_files.plain(csv_files.cell(value))
    return cells
