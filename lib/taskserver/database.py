"""What leases are kept in: the interface of the sqlite file and of PostgreSQL, which run the same SQL.

(SQLAlchemy would replace both, but under load it takes more time than all else that a page needs.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Values = Mapping[str, str | int | float]
Records = list[tuple[Any, ...]]

# To PostgreSQL; threads wait for one in turn. Small plans at Heroku allow 20 in all, for all processes of all
# dynos.
CONNECTIONS = 4


class Database(Protocol):
    """Safe to use from any thread. Opens on first use, so that a process may fork before."""

    def create(self, schema: Sequence[str]) -> None:
        """Make tables, by statements CREATE TABLE IF NOT EXISTS; keeps no connection."""

    def write(self, statement: str, values: Values, *, lock: str = "") -> int:
        """Run one statement with :names for its values, commit it, and return how many rows it changed.

        Statements that count before they write name in `lock` what they compete for: those with the same lock
        run one after another, across all processes. Raises DatabaseError when the database fails.
        """

    def read(self, statement: str, values: Values) -> Records:
        """Return what a query finds. Raises DatabaseError when the database fails."""
