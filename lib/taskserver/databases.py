"""Where leases are kept: a sqlite file here, or PostgreSQL by taskserver.postgresql. Both run the same SQL.

(SQLAlchemy would spare us both, but under load it takes more time than all else that a page needs.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Values = Mapping[str, str | int | float]


Rows = list[tuple[Any, ...]]


# To PostgreSQL, as many as a process then has threads. Small plans at Heroku allow 20 in all, for all processes of
# all dynos.
CONNECTIONS = 4


class Database(Protocol):
    """Safe to use from any thread. Opens on first use, so that a process may fork before."""

    def create(self, schema: Sequence[str]) -> None:
        """Make tables, by statements CREATE TABLE IF NOT EXISTS; keeps no connection."""

    def write(self, statement: str, values: Values, *, turn: str = "") -> int:
        """One statement with :names for its values, committed; how many rows it changed.

        Statements that count before they write name in `turn` what they compete for: those with the same turn
        run one after another, across all processes. DatabaseError when the database fails.
        """

    def read(self, statement: str, values: Values) -> Rows:
        """The rows that a query finds. DatabaseError when the database fails."""
