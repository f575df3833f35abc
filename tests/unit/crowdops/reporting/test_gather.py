"""A report is gathered in one go: of one moment, with as many statements for many assignments as for few."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest

from crowdops.config.settings import resolve
from crowdops.context import Context
from crowdops.registry import Registry
from crowdops.reporting import report
from crowdops.reporting.report import Options, Report
from tests.support.forks import REPOSITORY
from tests.support.many_answers import LABELS, RUN_ID, Amount, fill


@contextmanager
def opened(home: Path) -> Iterator[Context]:
    settings = resolve({"home": str(home)}, quiet=True, verbose=False, as_json=True)
    with Context.open(settings) as context:
        yield context


def gather(home: Path, amount: Amount) -> Report:
    fill(home, amount)
    with opened(home) as context:
        return report.gather(context, [RUN_ID], Options(fields=("label",)))


def rows(home: Path, columns: str) -> list[Any]:
    with closing(sqlite3.connect(home / "registry.db")) as connection:
        return connection.execute(f"SELECT {columns} FROM assignments").fetchall()


def test_the_numbers_of_a_thousand_assignments_are_those_of_the_references(tmp_path: Path) -> None:
    amount = Amount(1000, workers=40, missing=0.3, rejected=0.1)
    found = gather(tmp_path, amount)
    [field] = found.agreement.fields
    table = np.full((amount.per_unit, 200), np.nan)
    for number, (unit, status, answer) in enumerate(rows(tmp_path, "unit_index, status, answer")):
        label = json.loads(answer).get("label")
        if label and status != "Rejected":
            table[number % amount.per_unit, unit] = LABELS.index(label)
    expected = krippendorff.alpha(table, level_of_measurement="nominal")
    assert field.alpha == pytest.approx(expected, rel=1e-9)
    assert field.answers == np.count_nonzero(~np.isnan(table))
    taken = "86400 * (julianday(submitted_at) - julianday(accepted_at))"
    seconds = [max(1, round(value)) for (value,) in rows(tmp_path, taken)]
    assert found.durations.spread is not None
    quartiles = np.quantile(seconds, [0, 0.25, 0.5, 0.75, 1])
    assert found.durations.spread[1:] == pytest.approx(list(quartiles), rel=1e-9)
    approved = sum(status == "Approved" for (status,) in rows(tmp_path, "status"))
    assert found.costs.rewards == approved * Decimal("0.05") == sum(row.earned for row in found.workers)
    assert found.costs.days[-1].so_far == found.costs.spent
    assert found.approval.rejected == found.agreement.rejected == 1000 - approved


def test_many_assignments_take_as_many_statements_as_few(tmp_path: Path) -> None:
    counts = []
    for number in (10, 200):
        home = tmp_path / str(number)
        fill(home, Amount(number, workers=number))
        statements: list[str] = []
        with opened(home) as context:
            context.registry._connection.set_trace_callback(statements.append)
            report.gather(context, [RUN_ID], Options(anonymous=True))
        counts.append(len(statements))
    assert counts[0] == counts[1] < 60


def test_a_snapshot_is_of_one_moment_whatever_others_write(tmp_path: Path) -> None:
    fill(tmp_path, Amount(10))
    change = "UPDATE assignments SET status = 'Rejected'"
    with Registry.open(tmp_path) as registry:
        [run] = registry.runs()
        with registry.snapshot():
            before = registry.status_counts(run.run_id)
            with closing(sqlite3.connect(tmp_path / "registry.db", isolation_level=None)) as other:
                other.execute(change)
            assert registry.status_counts(run.run_id) == before
        assert registry.status_counts(run.run_id) == {"Rejected": 10}
        registry.record("noted", "after a snapshot the registry can be written")


def keys(value: Any) -> set[str]:
    """The names of all fields of a value, and of what is in it."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set()


def test_every_key_of_the_document_is_explained(tmp_path: Path) -> None:
    found = gather(tmp_path, Amount(50, workers=9, rejected=0.3))
    disputed = found.agreement.fields[0].disputed[0]
    document = report.document(found)
    page = (REPOSITORY / "docs" / "report.md").read_text()
    explained = set(re.findall(r"\w+", page[page.index("## Every number as JSON") :]))
    unexplained = keys(document) - explained - set(disputed.input) - set(found.runs[0].tally._fields)
    assert unexplained == set()
