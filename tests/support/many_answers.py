"""A registry with as many assignments as one likes, written by SQL."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from crowdops.registry import Registry, Run
from crowdops.registry.rows import write_value
from tests.support.run_parameters import some_parameters, some_run

RUN_ID = "20260101-000000-aaaa"
START = datetime(2026, 1, 1, tzinfo=UTC)
LABELS = ("cat", "dog", "bird", "fish")


class Amount(NamedTuple):
    """How much there is. The last fields: answers that are missing, and rejections, as shares."""

    assignments: int
    per_unit: int = 5
    workers: int = 1000
    missing: float = 0.05
    rejected: float = 0.02


def fill(home: Path, amount: Amount, seed: int = 1) -> Run:
    """Make a registry with one finished run: a label and a comment an answer, an outcome for each."""
    units = -(-amount.assignments // amount.per_unit)
    run = some_run(
        run_id=RUN_ID,
        task_name="many",
        state="finished",
        parameters=some_parameters(assignments_per_unit=amount.per_unit),
        units=units,
        created_at=START,
        ended_at=START + timedelta(days=10),
    )
    with Registry.open(home) as registry:
        registry.add_run(run)
    with closing(sqlite3.connect(home / "registry.db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO units (run_id, unit_index, state, input, hit_id) VALUES (?, ?, 'finished', ?, ?)",
            (
                (RUN_ID, number, json.dumps({"text": f"message {number}"}), f"H{number:08}")
                for number in range(units)
            ),
        )
        connection.executemany(
            "INSERT INTO assignments (assignment_id, worker_id, run_id, unit_index, hit_id, status,"
            " accepted_at, submitted_at, approved_at, rejected_at, answer, collected_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _assignments(amount, random.Random(seed)),
        )
        connection.execute("COMMIT")
    return run


def _assignments(amount: Amount, chance: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(amount.assignments):
        unit, place = divmod(number, amount.per_unit)
        accepted = START + timedelta(seconds=chance.uniform(0, 9 * 86400))
        submitted = accepted + timedelta(seconds=round(chance.lognormvariate(4, 0.7)))
        decided = write_value(submitted + timedelta(hours=chance.uniform(1, 48)))
        is_rejected = chance.random() < amount.rejected
        right = LABELS[unit % len(LABELS)]
        answer = {"comment": f"Seen at {chance.randrange(10**9)}, nothing else to be said."}
        if chance.random() >= amount.missing:
            answer["label"] = right if chance.random() < 0.8 else chance.choice(LABELS)
        yield (
            f"A{number:029}",
            f"AWORKER{(unit + place * 7919) % amount.workers:07}",
            RUN_ID,
            unit,
            f"H{unit:08}",
            "Rejected" if is_rejected else "Approved",
            write_value(accepted),
            write_value(submitted),
            None if is_rejected else decided,
            decided if is_rejected else None,
            json.dumps(answer),
            write_value(START + timedelta(days=12)),
        )
