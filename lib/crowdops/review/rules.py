"""Rules that decide about submitted assignments: all, those that match gold answers, those that agree."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError
from crowdops.formats import csv_files
from crowdops.registry import Decision, Result
from crowdops.results.export import UNIT_COLUMNS

_INPUT, _ANSWER = "input.", "answer."


class Ruling(NamedTuple):
    """Assignments to approve, and in words why the others are left alone."""

    approved: list[tuple[Result, Decision]]
    words: str


class Gold(NamedTuple):
    """Known answers: which columns name a unit, and which answers are right there."""

    keys: tuple[str, ...]
    fields: tuple[str, ...]
    answers: Mapping[tuple[str, ...], set[tuple[str, ...]]]


def approve_all(results: Iterable[Result]) -> Ruling:
    """Approve whatever is submitted and not reviewed."""
    approved = [_approval(result) for result in results if result.assignment.status == "Submitted"]
    return Ruling(approved, f"{len(approved)} are submitted and not reviewed.")


def read_gold(path: Path) -> Gold:
    """Read gold answers: CSV with columns input.NAME, unit_index or run_id that name a unit, and answer.NAME.

    A unit may stand in several rows: each is a right answer. UsageError if the file cannot mean that.
    """
    rows = csv_files.read(path, ())
    columns = list(rows[0].cells) if rows else []
    keys = tuple(name for name in columns if name in UNIT_COLUMNS or name.startswith(_INPUT))
    fields = tuple(name for name in columns if name.startswith(_ANSWER))
    if not keys or not fields:
        raise UsageError(
            f"{path} needs columns that name a unit (such as input.NAME or unit_index) and columns"
            " answer.NAME with rows below them. Nothing was done."
        )
    answers: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for row in rows:
        key = tuple(row.text(name) for name in keys)
        answers.setdefault(key, set()).add(tuple(row.text(name) for name in fields))
    return Gold(keys, fields, answers)


def approve_matching(results: Iterable[Result], gold: Gold) -> Ruling:
    """Approve submitted work whose answers are those of the gold answers, as text."""
    approved, differing, unknown = [], 0, 0
    for result in results:
        if result.assignment.status != "Submitted":
            continue
        cells = _cells(result)
        right = gold.answers.get(tuple(cells.get(name, "") for name in gold.keys))
        if right is None:
            unknown += 1
        elif tuple(cells.get(name, "") for name in gold.fields) in right:
            approved.append(_approval(result))
        else:
            differing += 1
    words = f"{len(approved)} match, {differing} differ and are left, {unknown} have no gold answer."
    return Ruling(approved, words)


def approve_agreeing(
    results: Iterable[Result], fields: Sequence[str], ended: Callable[[Result], bool]
) -> Ruling:
    """Approve submitted work that says what more than half of its unit's assignments say, of two or more.

    `fields` are the answer's fields that count; all of them if none is named. Units whose HITs have not
    `ended` can still change their majority and are left, as is what was rejected.
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
        majorities = {vote for vote, count in counts.items() if count >= 2 and count * 2 > len(votes)}
        agreeing = [result for result in waiting if _vote(result, fields) in majorities]
        approved += [_approval(result) for result in agreeing]
        alone += len(waiting) - len(agreeing)
    words = f"{len(approved)} agree, {alone} do not and are left"
    return Ruling(approved, f"{words}, {open_units} units are not complete." if open_units else f"{words}.")


def _approval(result: Result) -> tuple[Result, Decision]:
    assignment = result.assignment
    return result, Decision(assignment.assignment_id, assignment.worker_id, "approve")


def _vote(result: Result, fields: Sequence[str]) -> tuple[tuple[str, str], ...]:
    answer = result.assignment.answer
    names = fields or sorted(answer)
    return tuple((name, csv_files.cell(answer.get(name)).strip()) for name in names)


def _cells(result: Result) -> dict[str, str]:
    """Return a result as its row of the results file would be read again."""
    cells = {name: str(getattr(result, name)) for name in UNIT_COLUMNS}
    for prefix, values in ((_INPUT, result.input or {}), (_ANSWER, result.assignment.answer)):
        for name, value in values.items():
            cells[prefix + name] = csv_files.plain(csv_files.cell(value))
    return cells
