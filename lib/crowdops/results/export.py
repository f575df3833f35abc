"""Results written out as people use them: CSV, JSON, JSON Lines, or a table."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from crowdops.console import tables, terminal
from crowdops.console.output import timestamp
from crowdops.console.tables import Look
from crowdops.errors import UsageError
from crowdops.formats import csv_files, json_text
from crowdops.registry import Registry, Result
from crowdops.results import crowdkit, votes

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
FORMATS = ("csv", "tsv", "json", "jsonl", "table", "crowdkit")
_ENDINGS = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def choose_format(form: str | None, path: Path | None, *, as_json: bool) -> str:
    """Return the format that --format, --json and the ending of --output say. UsageError if they disagree.

    The ending of a pipe or a device says nothing.
    """
    if as_json:
        if form not in (None, "json"):
            raise UsageError(f"--json and --format {form} do not go together. Nothing was written.")
        form = "json"
    ending = path.suffix.lower() if path and (path.is_file() or not path.exists()) else ""
    said = _ENDINGS.get(ending)
    if form == "crowdkit" and said == "csv":
        return form
    if form and said and form != said:
        raise UsageError(
            f"{path} ends as {said} does, and the format is {form}: say only one of them."
            " Nothing was written."
        )
    if ending and not (said or form):
        raise UsageError(
            f"{path}: no format that can be written ends in {ending}. There are {', '.join(_ENDINGS)}; for"
            " another ending say --format. Nothing was written."
        )
    return said or form or "csv"


def require_field(field: str | None) -> None:
    """Raise UsageError unless a field was named."""
    if not field:
        raise UsageError("--format crowdkit needs --field NAME, one of the answers. Nothing was written.")


def write(
    registry: Registry, run_ids: Sequence[str], form: str, file: IO[str], field: str | None = None
) -> int:
    """Write the results of these runs in one of FORMATS. Returns how many assignments there are.

    `field` is whose labels crowdkit gets. UsageError for one that there is not.
    """
    if form == "crowdkit":
        return crowdkit.write(lambda: registry.iter_results(run_ids), field or "", file)
    results = votes.iter_results(registry, run_ids)
    if form in ("csv", "tsv"):
        return write_csv(results, file, delimiter="\t" if form == "tsv" else ",")
    writers = {"json": write_json, "jsonl": write_jsonl, "table": write_table}
    return writers[form](results(), file)


def document(result: Result) -> dict[str, Any]:
    """Return one result as the JSON object that others build on."""
    assignment = result.assignment
    quality = {"quality": result.quality} if result.quality else {}
    return {
        "run_id": result.run_id,
        "task_name": result.task_name,
        "unit_index": result.unit_index,
        "unit_id": result.unit_id,
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
        **quality,
    }


def write_jsonl(results: Iterable[Result], file: IO[str]) -> int:
    """Write one JSON object a line. Returns how many."""
    count = 0
    for result in results:
        file.write(json_text.dumps(document(result)) + "\n")
        count += 1
    return count


def write_json(results: Iterable[Result], file: IO[str]) -> int:
    """Write one JSON array, streamed. Returns how many assignments it has."""
    count = 0
    for result in results:
        file.write(f"{',' if count else '['}\n{json_text.dumps(document(result))}")
        count += 1
    file.write("\n]\n" if count else "[]\n")
    return count


def write_csv(
    results: Callable[[], Iterable[Result]],
    file: IO[str],
    columns: Sequence[str] = ASSIGNMENT_COLUMNS,
    to_fill: Sequence[str] = (),
    *,
    delimiter: str = ",",
) -> int:
    """Write CSV with a column for each input and answer field that occurs; reads the results twice.

    `columns` are those of an assignment; the columns `to_fill` come last and are empty.
    A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV injection").
    Returns how many assignments there are.
    """
    inputs: dict[str, None] = {}
    answers: dict[str, None] = {}
    decided: dict[str, None] = {}
    for result in results():
        decided.update(dict.fromkeys(result.quality or {}))
        inputs.update(dict.fromkeys(result.input or {}))
        answers.update(dict.fromkeys(result.assignment.answer))
    headings = [
        *UNIT_COLUMNS,
        *(f"input.{name}" for name in inputs),
        *columns,
        *(f"answer.{name}" for name in answers),
        *(f"quality.{name}" for name in decided),
        *to_fill,
    ]
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    count = 0
    writer.writerow([csv_files.cell(heading) for heading in headings])
    for result in results():
        deadline = timestamp(result.assignment.auto_approval_at)
        values = document(result) | {"auto_approval_at": deadline}
        row = [
            *(values[name] for name in UNIT_COLUMNS),
            *((result.input or {}).get(name) for name in inputs),
            *(values[name] for name in columns),
            *(result.assignment.answer.get(name) for name in answers),
            *((result.quality or {}).get(name) for name in decided),
            *("" for _ in to_fill),
        ]
        writer.writerow([csv_files.cell(value) for value in row])
        count += 1
    return count


def write_table(results: Iterable[Result], file: IO[str]) -> int:
    """Write a table for people: one line a unit, its data and its answers side by side.

    Returns how many assignments there are.
    """
    units: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        units.setdefault((result.task_name, result.unit_index), []).append(result)
    has_decided = any(answered[0].quality for answered in units.values())
    rows: list[tuple[object, ...]] = []
    for (task_name, unit_index), answered in units.items():
        answers = " | ".join(_in_short(result.assignment.answer) for result in answered)
        row = (task_name, unit_index, _in_short(answered[0].input), answers)
        rows.append((*row, _decided(answered[0])) if has_decided else row)
    headings = ["task_name", "unit", "input", "answers", *(["agreed"] if has_decided else [])]
    looks = [Look(heading) for heading in headings]
    columns = terminal.columns(terminal.STDOUT) if file.isatty() else None
    file.write(tables.of_values(looks, rows, columns) + "\n")
    return sum(map(len, units.values()))


def _decided(result: Result) -> str:
    """Return what has come of a unit by its votes, in a cell; nothing where nothing has to agree."""
    if not (quality := result.quality):
        return ""
    agreed = "yes" if quality["agreed"] else f"no ({quality['why']})"
    return f"{agreed}: {quality['answer'] or '-'}, {quality['votes']} of {quality['answers']}"


def _in_short(fields: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (fields or {}).items())
