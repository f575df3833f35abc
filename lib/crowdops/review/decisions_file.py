"""The decisions file: submitted assignments go out as CSV, and come back with somebody's decisions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

from crowdops import errors
from crowdops.errors import UsageError
from crowdops.formats import csv_files, money
from crowdops.formats.csv_files import Row
from crowdops.registry import Decision, Result
from crowdops.results.export import write_csv
from crowdops.workers.messages import text_problem

REQUIRED = ("assignment_id", "worker_id", "decision")
_OPTIONAL = ("feedback", "bonus")
_OF_RESULTS = {"status", "approved_at", "bonus"}  # columns that stand together in files of results only
WORDS = ("approve", "reject", "skip")
FEEDBACK_LENGTH = 1024  # MTurk API reference, RejectAssignment
_ASSIGNMENT = ("assignment_id", "worker_id", "submitted_at", "auto_approval_at")
_TO_FILL = ("decision", *_OPTIONAL)


class FileDecision(NamedTuple):
    """A row of the file that decides something. `problem` says why it cannot be carried out."""

    row: int
    decision: Decision
    problem: str | None
    repeated: int = 0  # how many rows say the same below it


def check_ending(path: Path) -> None:
    """UsageError for a file whose ending says that it holds something else than decisions in CSV."""
    if path.suffix.lower() not in ("", ".csv", ".tsv", ".txt"):
        raise UsageError(
            f"{path}: decisions are not written as {path.suffix}, but as .csv or .tsv. Nothing was written."
        )


def export(results: Iterable[Result], file: IO[str], path: Path | None) -> int:
    """Write assignments with empty columns for decisions; returns how many. No cell can run as a formula.

    As the file at `path` ends: with tabs between the cells if that is .tsv.
    """
    rows = list(results)
    delimiter = "\t" if path and path.suffix.lower() == ".tsv" else ","
    return write_csv(lambda: rows, file, _ASSIGNMENT, _TO_FILL, delimiter=delimiter)


def read(path: Path) -> list[FileDecision]:
    """Return the decisions of a file, repeated ones once; rows without one, and `skip`, are left out.

    UsageError for a file that cannot be trusted: malformed, an unknown word, one piece of work decided in two
    ways. What is wrong with a single row becomes its `problem`.
    """
    decisions: dict[tuple[str, str], FileDecision] = {}
    rows = csv_files.read(path, REQUIRED, _OPTIONAL)
    if rows and rows[0].cells.keys() >= _OF_RESULTS:
        raise UsageError(
            f"{path} was written by download_results: its column bonus says what was paid before. Take that"
            " column out, or begin with --export. Nothing was done."
        )
    for row in rows:
        decision = _decision(row, _word(path, row))
        if decision is None:
            continue
        twin = decisions.setdefault(decision.decision[:2], decision)
        if twin[1:3] != decision[1:3]:
            raise UsageError(
                f"{path}: rows {twin.row} and {row.number} both decide on assignment"
                f" {decision.decision.assignment_id}: {_describe(twin)}, and {_describe(decision)}."
                " Keep one of them. Nothing was done."
            )
        if twin is not decision:
            decisions[decision.decision[:2]] = twin._replace(repeated=twin.repeated + 1)
    return list(decisions.values())


def _word(path: Path, row: Row) -> str:
    word = row.text("decision").lower()
    if word and word not in WORDS:
        raise UsageError(
            f"{path}: row {row.number}: the decision is {word!r}; it can be {', '.join(WORDS)} or"
            f" empty.{errors.nearest(word, WORDS)} Nothing was done."
        )
    return word


def _describe(row: FileDecision) -> str:
    decision = row.decision
    words = decision.action or "nothing"
    if decision.bonus is not None:
        words += f" with a bonus of ${decision.bonus}"
    return f"{words}, saying {decision.feedback!r}" if decision.feedback else words


def _decision(row: Row, word: str) -> FileDecision | None:
    feedback, problem, bonus = row.text("feedback"), None, None
    if text := row.text("bonus"):
        try:
            bonus = money.dollars(text)
        except ValueError as error:
            problem = f"bonus: {error}"
    if word in ("", "skip"):
        if not text:
            return None
        problem = "a bonus without a decision: pay it with pay_bonuses"
    decision = Decision(row.text("assignment_id"), row.text("worker_id"), word, feedback or None, bonus)
    return FileDecision(row.number, decision, problem or feedback_problem(word, feedback))


def feedback_problem(action: str, feedback: str) -> str | None:
    """Return what is wrong with the feedback of a decision, or None."""
    if action == "reject" and not feedback:
        return "a rejection needs feedback: the worker reads it"
    return text_problem("feedback", feedback, FEEDBACK_LENGTH)
