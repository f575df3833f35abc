"""Accounts as large as one likes: HITs and answers written into the crowd server's database by SQL.

A run of one unit is launched for real; its HIT and its unit are the pattern of all others.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, text, update

from crowdops.formats.marks import Mark, annotation
from crowdserver.protocol import answer_xml
from crowdserver.storage import schema
from tests.benchmarks._sides import Bench

WORKER, ENOUGH = "AWORKER1", 10**12
CHUNK = 5000
LONG = "2026-01-01T00:00:00.000000Z"  # ago, for every list to have the HITs
DAY = 86_400


class State(NamedTuple):
    """What became of the HITs: their counter that is 1, their answers' status, and what the registry says."""

    counter: str
    answer: str | None
    unit: str
    run: str
    is_collected: bool


OPEN = State("available", None, "outstanding", "running", is_collected=False)
SUBMITTED = State("submitted", "Submitted", "outstanding", "stopped", is_collected=False)
COLLECTED = State("submitted", "Submitted", "finished", "finished", is_collected=True)
REVIEWED = State("completed", "Approved", "finished", "finished", is_collected=True)


class Account(NamedTuple):
    """What was made: our run with its HITs, and the ids of the others' HITs."""

    run_id: str
    hit_ids: list[str]
    others: list[str]


def fill(place: Bench, ours: int, others: int, state: State = OPEN) -> Account:
    """Let the account hold a run of so many units, and so many HITs that are not ours, all in one state."""
    path = place.write_run(1)
    _, shown = place.ours("mturk/launch_run", str(path), "--yes", "--again", "--quiet", "--detach", "--json")
    run_id = json.loads(shown)["run_id"]
    hit_ids = [f"3OURS{number:025d}" for number in range(ours)]
    other_ids = [f"3ELSE{number:025d}" for number in range(others)]
    marks = [annotation(Mark(run_id, index, "pilot-1")) for index in range(ours)] + ["batch=17"] * others
    _fill_server(place, list(zip(hit_ids + other_ids, marks, strict=True)), state)
    with closing(sqlite3.connect(place.home / "registry.db")) as registry, registry:
        _fill_registry(registry, run_id, hit_ids, state)
    return Account(run_id, hit_ids, other_ids)


def answer_of(hit_id: str) -> str:
    """Return the id of the assignment that was made to a HIT."""
    return f"A{hit_id[1:]}"


def _fill_server(place: Bench, marked: list[tuple[str, str]], state: State) -> None:
    with place.crowd.database.write() as tx:
        pattern = dict(tx.execute(select(schema.hits)).mappings().one())
        del pattern["serial"]
        tx.execute(delete(schema.hits))
        counters = {"available": 0, state.counter: 1, "reviewing": state is REVIEWED}
        open_until = {} if state is OPEN else {"release_at": None}
        for start in range(0, len(marked), CHUNK):
            chunk = marked[start : start + CHUNK]
            rows = [
                {**pattern, **counters, **open_until, "id": hit_id, "annotation": mark}
                for hit_id, mark in chunk
            ]
            tx.execute(insert(schema.hits), rows)
            if state.answer:
                answers = [_answer(hit_id, state.answer, pattern["created_at"]) for hit_id, _ in chunk]
                tx.execute(insert(schema.assignments), answers)
        tx.execute(update(schema.account).values(funds=ENOUGH, held=ENOUGH // 2))
    if tx.dialect.name == "postgresql":  # its own autovacuum would get to it within a minute
        with place.crowd.database.write() as tx:
            tx.execute(text("ANALYZE"))


def _answer(hit_id: str, status: str, created_at: float) -> dict[str, Any]:
    due = created_at + 7 * DAY
    return {
        "id": answer_of(hit_id),
        "hit_id": hit_id,
        "worker_id": WORKER,
        "status": status,
        "accepted_at": created_at,
        "deadline": created_at + 600,
        "submitted_at": created_at,
        "auto_approval_at": due,
        "approved_at": created_at if status == "Approved" else None,
        "due_at": due if status == "Submitted" else None,
        "answer": answer_xml.write([("label", "cat")]),
    }


def _fill_registry(registry: sqlite3.Connection, run_id: str, hit_ids: list[str], state: State) -> None:
    registry.execute("DELETE FROM units WHERE run_id = ?", (run_id,))
    registry.executemany(
        "INSERT INTO units (run_id, unit_index, state, input, hit_id, intended_at, created_at)"
        ' VALUES (?, ?, ?, \'{"text": "message"}\', ?, ?, ?)',
        ((run_id, index, state.unit, hit_id, LONG, LONG) for index, hit_id in enumerate(hit_ids)),
    )
    ended_at = None if state is OPEN else LONG
    registry.execute(
        "UPDATE task_runs SET units = ?, state = ?, ended_at = ? WHERE run_id = ?",
        (len(hit_ids), state.run, ended_at, run_id),
    )
    if state.is_collected:
        registry.executemany(
            "INSERT INTO assignments (assignment_id, worker_id, run_id, unit_index, hit_id, status,"
            " accepted_at, submitted_at, auto_approval_at, approved_at, answer, collected_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '2036-01-01T00:00:00.000000Z', ?, '{\"label\": \"cat\"}', ?)",
            _collected(run_id, hit_ids, state),
        )


def _collected(run_id: str, hit_ids: list[str], state: State) -> Iterator[tuple[object, ...]]:
    approved_at = LONG if state.answer == "Approved" else None
    for index, hit_id in enumerate(hit_ids):
        yield (
            answer_of(hit_id), WORKER, run_id, index, hit_id, state.answer, LONG, LONG, approved_at, LONG,
        )  # fmt: skip
