"""INSERT … ON CONFLICT: the same in sqlite and PostgreSQL, but SQLAlchemy has it in their dialects only."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, CursorResult, Table


class Upsert:
    """An INSERT that says what happens when there is a row with the same key: nothing, or its update.

    key: the columns that decide whether it is the same row; by default the primary key.
    replace: the columns that take the new values; add: those to which the new values are added. None of
    both: the old row stays as it is. where: which old rows are updated, by the new row's columns.
    returning: what comes back of a row that was inserted or updated, and only of such a row.
    """

    def __init__(
        self,
        table: Table,
        key: Iterable[str] = (),
        *,
        replace: Iterable[str] = (),
        add: Iterable[str] = (),
        where: Callable[[Any], ColumnElement[bool]] | None = None,
        returning: Iterable[Column[Any]] = (),
    ) -> None:
        self._table = table
        self._key = list(key) or [column.name for column in table.primary_key]
        self._replace = list(replace)
        self._add = list(add)
        self._where = where
        self._returning = list(returning)
        self._statements: dict[str, Any] = {}

    def execute(self, tx: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Insert a row or, if its key is taken, do what was said when this statement was made."""
        dialect = tx.dialect.name
        if dialect not in self._statements:
            self._statements[dialect] = self._statement(dialect)
        return tx.execute(self._statements[dialect], values)

    def _statement(self, dialect: str) -> Any:
        statement = _insert(dialect)(self._table)
        new = statement.excluded
        changes = {name: new[name] for name in self._replace}
        changes |= {name: self._table.c[name] + new[name] for name in self._add}
        if changes:
            condition = self._where(new) if self._where else None
            statement = statement.on_conflict_do_update(
                index_elements=self._key, set_=changes, where=condition
            )
        else:
            statement = statement.on_conflict_do_nothing()
        return statement.returning(*self._returning) if self._returning else statement


def _insert(dialect: str) -> Callable[[Table], Any]:
    # Late: each dialect takes a while to import, and a server uses one of them.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert
