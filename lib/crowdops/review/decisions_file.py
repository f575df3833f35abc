"""The decisions file: submitted assignments go out as CSV, and come back with somebody's decisions."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

from crowdops import errors
from crowdops.console.output import timestamp
from crowdops.errors import UsageError
from crowdops.formats import csv_files
from crowdops.formats.csv_files import Row, cell
from crowdops.registry import Result
from crowdops.workers.messages import text_problem

REQUIRED = ("assignment_id", "worker_id", "decision")


VERDICTS = ("approve", "reject", "skip")


FEEDBACK_LENGTH = 1024  # MTurk API reference, RejectAssignment


_FIXED = ("run_id", "task_name", "unit_index")


_ASSIGNMENT = ("assignment_id", "worker_id", "submitted_at", "auto_approval_at")


_TO_FILL = ("decision", "feedback", "bonus")


class FileDecision(NamedTuple):
    """A row of the file whose decision is approve or reject. `trouble` says why it cannot be carried out."""

    row: int
    assignment_id: str
    worker_id: str
    verdict: str
    feedback: str | None
    bonus: Decimal | None
    trouble: str | None


def export(results: Iterable[Result], file: IO[str]) -> str:
    """Write assignments with empty columns for decisions; returns in words how many. No cell can run as a formula."""
    rows = list(results)
    inputs = dict.fromkeys(name for result in rows for name in result.input or {})
    answers = dict.fromkeys(name for result in rows for name in result.assignment.answer)
    writer = csv.writer(file, lineterminator="\n")
    headers = [*_FIXED, *(f"input.{name}" for name in inputs), *_ASSIGNMENT]
    writer.writerow(map(cell, [*headers, *(f"answer.{name}" for name in answers), *_TO_FILL]))
    for result in rows:
        writer.writerow(map(cell, _cells(result, list(inputs), list(answers))))
    return f"{len(rows)} assignments wait for a decision."


def _cells(result: Result, inputs: list[str], answers: list[str]) -> list[Any]:
    given, assignment = result.input or {}, result.assignment
    return [
        *(result.run_id, result.task_name, result.unit_index),
        *(given.get(name) for name in inputs),
        *(assignment.assignment_id, assignment.worker_id),
        *(timestamp(assignment.submitted_at), timestamp(assignment.auto_approval_at)),
        *(assignment.answer.get(name) for name in answers),
        *("" for _ in _TO_FILL),
    ]


def read(path: Path) -> list[FileDecision]:
    """Return the decisions of a file; rows without one, and `skip`, are left out.

    UsageError for a file that cannot be trusted: malformed, an unknown word, one assignment decided twice.
    What is wrong with a single row becomes its `trouble`.
    """
    found: dict[tuple[str, str], FileDecision] = {}
    for row in csv_files.read(path, REQUIRED):
        word = row.text("decision").lower()
        if word and word not in VERDICTS:
            hint = errors.nearest(word, VERDICTS)
            raise UsageError(
                f"{path}: row {row.number}: the decision is {word!r}; it can be {', '.join(VERDICTS)} or"
                f" empty.{hint} Nothing was done."
            )
        decision = _decision(row, word)
        if decision is None:
            continue
        key = (decision.assignment_id, decision.worker_id)
        if key in found:
            raise UsageError(
                f"{path}: rows {found[key].row} and {row.number} both decide on assignment {key[0]}."
                " Nothing was done."
            )
        found[key] = decision
    return list(found.values())


def _decision(row: Row, word: str) -> FileDecision | None:
    feedback, trouble, bonus = row.text("feedback"), None, None
    if text := row.text("bonus"):
        try:
            bonus = csv_files.money(text)
        except ValueError as error:
            trouble = f"bonus: {error}"
    if word in ("", "skip"):
        if not text:
            return None
        trouble = "a bonus without a decision: pay it with pay_bonuses"
    return FileDecision(
        *(row.number, row.text("assignment_id"), row.text("worker_id"), word),
        feedback=feedback or None,
        bonus=bonus,
        trouble=trouble or feedback_trouble(word, feedback),
    )


def feedback_trouble(verdict: str, feedback: str) -> str | None:
    """Return what is wrong with the feedback of a verdict, or None."""
    if verdict == "reject" and not feedback:
        return "a rejection needs feedback: the worker reads it"
    return text_problem("feedback", feedback, FEEDBACK_LENGTH)
