"""Results written out as people use them: CSV, JSON, JSON Lines, or a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

from crowdops.console.output import cell, timestamp
from crowdops.formats import csv_files
from crowdops.registry import Registry, Result, Run

UNIT_COLUMNS = ("run_id", "task_name", "unit_index")
ASSIGNMENT_COLUMNS = (
    "hit_id",
    "assignment_id",
    "worker_id",
    "status",
    "accepted_at",
    "submitted_at",
    "approved_at",
    "bonus",
)


def write(registry: Registry, runs: Sequence[Run], form: str, file: IO[str]) -> None:
    """Write the results of these runs as csv, json, jsonl or table."""
    run_ids = [run.run_id for run in runs]
    if form == "csv":
        write_csv(lambda: registry.iter_results(run_ids), file)
    elif form == "json":
        write_json(registry.iter_results(run_ids), file)
    elif form == "jsonl":
        write_jsonl(registry.iter_results(run_ids), file)
    else:
        write_table(registry.iter_results(run_ids), file)


def document(result: Result) -> dict[str, Any]:
    """Return one result as the JSON object that others build on."""
    assignment = result.assignment
    return {
        "run_id": result.run_id,
        "task_name": result.task_name,
        "unit_index": result.unit_index,
        "input": result.input,
        "hit_id": assignment.hit_id,
        "assignment_id": assignment.assignment_id,
        "worker_id": assignment.worker_id,
        "status": assignment.status,
        "accepted_at": timestamp(assignment.accepted_at),
        "submitted_at": timestamp(assignment.submitted_at),
        "approved_at": timestamp(assignment.approved_at),
        "answer": assignment.answer,
        "answer_values": assignment.all_values,
        "bonus": str(assignment.bonus or "0.00"),
    }


def write_jsonl(results: Iterable[Result], file: IO[str]) -> None:
    """Write one JSON object a line."""
    for result in results:
        file.write(json.dumps(document(result), ensure_ascii=False) + "\n")


def write_json(results: Iterable[Result], file: IO[str]) -> None:
    """Write one JSON array, streamed."""
    opening = "["
    for result in results:
        file.write(f"{opening}\n{json.dumps(document(result), ensure_ascii=False)}")
        opening = ","
    file.write("[]\n" if opening == "[" else "\n]\n")


def write_csv(
    results: Callable[[], Iterable[Result]],
    file: IO[str],
    columns: Sequence[str] = ASSIGNMENT_COLUMNS,
    to_fill: Sequence[str] = (),
) -> None:
    """Write CSV with a column for each input and answer field that occurs; reads the results twice.

    `columns` are those of an assignment; the columns `to_fill` come last and are empty.
    A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV injection").
    """
    inputs: dict[str, None] = {}
    answers: dict[str, None] = {}
    for result in results():
        inputs.update(dict.fromkeys(result.input or {}))
        answers.update(dict.fromkeys(result.assignment.answer))
    headings = [
        *UNIT_COLUMNS,
        *(f"input.{name}" for name in inputs),
        *columns,
        *(f"answer.{name}" for name in answers),
        *to_fill,
    ]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([csv_files.cell(heading) for heading in headings])
    for result in results():
        deadline = timestamp(result.assignment.auto_approval_at)
        values = document(result) | {"auto_approval_at": deadline}
        row = [
            *(values[name] for name in UNIT_COLUMNS),
            *((result.input or {}).get(name) for name in inputs),
            *(values[name] for name in columns),
            *(result.assignment.answer.get(name) for name in answers),
            *("" for _ in to_fill),
        ]
        writer.writerow([csv_files.cell(value) for value in row])


def write_table(results: Iterable[Result], file: IO[str]) -> None:
    """Write a table for people: one line a unit, its data and its answers side by side."""
    from tabulate import tabulate

    units: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        units.setdefault((result.task_name, result.unit_index), []).append(result)
    rows = []
    for (task_name, unit_index), answered in units.items():
        answers = " | ".join(_in_short(result.assignment.answer) for result in answered)
        rows.append((task_name, unit_index, cell(_in_short(answered[0].input)), cell(answers)))
    headings = ("task_name", "unit", "input", "answers")
    file.write(tabulate(rows, headers=headings, disable_numparse=True) + "\n")


def _in_short(fields: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (fields or {}).items())
