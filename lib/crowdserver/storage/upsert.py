"""INSERT … ON CONFLICT: the same in sqlite and PostgreSQL, but SQLAlchemy has it in their dialects only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, CursorResult, Table


@dataclass(eq=False)
class Upsert:
    """An INSERT that says what happens when there is a row with the same key: nothing, or its update.

    key: the columns that decide whether it is the same row; by default the primary key.
    replace: the columns that take the new values; add: those to which the new values are added. None of
    both: the old row stays as it is. where: which old rows are updated, by the new row's columns.
    returning: what comes back of a row that was inserted or updated, and only of such a row.
    statements: by the dialect, made at their first use.
    """

    table: Table
    key: Sequence[str] = ()
    _: KW_ONLY
    replace: Sequence[str] = ()
    add: Sequence[str] = ()
    where: Callable[[Any], ColumnElement[bool]] | None = None
    returning: Sequence[Column[Any]] = ()
    statements: dict[str, Any] = field(default_factory=dict, init=False)

    def execute(self, tx: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Insert a row or, if its key is taken, do what was said when this statement was made."""
        dialect = tx.dialect.name
        if dialect not in self.statements:
            self.statements[dialect] = self._statement(dialect)
        return tx.execute(self.statements[dialect], values)

    def _statement(self, dialect: str) -> Any:
        statement = _insert(dialect)(self.table)
        new = statement.excluded
        changes = {name: new[name] for name in self.replace}
        changes |= {name: self.table.c[name] + new[name] for name in self.add}
        if changes:
            condition = self.where(new) if self.where else None
            key = self.key or [column.name for column in self.table.primary_key]
            statement = statement.on_conflict_do_update(index_elements=key, set_=changes, where=condition)
        else:
            statement = statement.on_conflict_do_nothing()
        return statement.returning(*self.returning) if self.returning else statement


def _insert(dialect: str) -> Callable[[Table], Any]:
    # Late: each dialect takes a while to import, and a server uses one of them.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert
