"""The labels of one field as crowdkit takes them, for Dawid-Skene and the rest: task, worker, label."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from typing import IO

from crowdops.formats import csv_files
from crowdops.registry import Result
from crowdops.results import names

COLUMNS = ("task", "worker", "label")  # crowdkit's own names


def write(results: Callable[[], Iterable[Result]], field: str, file: IO[str]) -> int:
    """Write CSV, a row for each assignment that has a value in the field; reads the results twice.

    UsageError for a field that no assignment has, once there are any. Returns how many rows there are.
    """
    fields: set[str] = set()
    for result in results():
        fields.update(result.assignment.answer)
    if fields:
        field = names.field(field, fields)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for result in results():
        label = result.assignment.answer.get(field)
        if label not in (None, ""):
            row = (result.unit_id, result.assignment.worker_id, label)
            writer.writerow([csv_files.cell(value) for value in row])
            count += 1
    return count
