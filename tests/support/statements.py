"""The statements that a piece of work sends to a crowd server's database: their plans, and what they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import event

from crowdserver.storage.database import Database

# Tables that grow with the account.
LARGE = ("hits", "assignments")


class Work(NamedTuple):
    """What was sent and read; `scans` are the plans that go through a large table, each with its statement.

    reads: rows on PostgreSQL, steps of its virtual machine on sqlite.
    """

    statements: list[str]
    scans: list[str]
    reads: int


class Recorder:
    """Explains every statement of a database before it runs."""

    def __init__(self, database: Database) -> None:
        self._is_sqlite = database.is_sqlite
        self._statements: list[str] = []
        self._scans: list[str] = []
        self._reads = 0
        self._counts = False
        engine = database._engine
        engine.dispose()  # so that each connection is seen from its beginning
        event.listen(engine, "before_cursor_execute", self._note)
        if self._is_sqlite:
            event.listen(engine, "connect", self._count_steps)

    @contextmanager
    def recording(self) -> Iterator[list[Work]]:
        """Record what is sent within the block; the one item of the list is there after it."""
        self._statements, self._scans, self._reads = [], [], 0
        self._counts = True
        found: list[Work] = []
        try:
            yield found
        finally:
            self._counts = False
        found.append(Work(self._statements, self._scans, self._reads))

    def _count_steps(self, connection: Any, _record: object) -> None:
        def step() -> None:
            self._reads += self._counts

        connection.set_progress_handler(step, 1)

    def _note(
        self, connection: Any, _cursor: object, statement: str, values: Any, _context: object, many: bool
    ) -> None:
        if not self._counts or statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            return
        self._counts = False
        driver = connection.connection.driver_connection
        values = values[0] if many else values
        plan = (
            _sqlite_plan(driver, statement, values)
            if self._is_sqlite
            else self._postgresql_plan(driver, statement, values)
        )
        self._statements.append(statement)
        self._scans += [f"{step}\n{statement}" for step in plan]
        self._counts = True

    def _postgresql_plan(self, driver: Any, statement: str, values: Any) -> list[str]:
        with driver.transaction(force_rollback=True), driver.cursor() as cursor:
            explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "
            text = cursor.execute(explain + statement, values).fetchone()[0]
        plan = (json.loads(text) if isinstance(text, str) else text)[0]["Plan"]
        scans = []
        for node in _nodes(plan):
            rows = int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            self._reads += int(node["Actual Loops"]) * rows
            is_searched = "Index Cond" in node or "Recheck Cond" in node
            # The first row of an index of some rows has no condition.
            if node["Relation Name"] in LARGE and not is_searched and (rows > 1 or "Index Name" not in node):
                scans.append(f"{node['Node Type']} of {node['Relation Name']} by {node.get('Index Name')}")
        return scans


def _sqlite_plan(driver: Any, statement: str, values: Any) -> list[str]:
    rows = driver.execute("EXPLAIN QUERY PLAN " + statement, values).fetchall()
    details = [row[3] for row in rows]
    return [detail for detail in details if detail.startswith("SCAN") and detail.split()[1] in LARGE]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)
