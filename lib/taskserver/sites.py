"""The worker sites that a run's pages may be submitted to: those of run.json, and those told of since."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from taskserver.database import Database

MOST = 20  # that one message may name

_SITE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*")
_LONGEST = 300
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS taskserver_sites (
        run_id TEXT NOT NULL, site TEXT NOT NULL, PRIMARY KEY (run_id, site))""",
)
_ADD = "INSERT INTO taskserver_sites (run_id, site) VALUES (:run_id, :site) ON CONFLICT DO NOTHING"
_ALL = "SELECT site FROM taskserver_sites WHERE run_id = :run_id ORDER BY site"


def is_site(value: object) -> bool:
    """Return whether this is an address like https://crowd.example.org, maybe with a path."""
    return isinstance(value, str) and len(value) <= _LONGEST and _SITE.fullmatch(value) is not None


class Sites:
    """The sites of one run. What one process is told of, the others find where the leases are."""

    def __init__(self, database: Database, run_id: str, first: Iterable[str]) -> None:
        self._database, self._run_id = database, run_id
        self._first = tuple(first)
        self.known = self._first

    def create_table(self) -> None:
        """Make the table; keeps no connection. Safe to repeat."""
        self._database.create(_SCHEMA)

    def add(self, sites: Sequence[str]) -> None:
        """Learn of more sites. Safe to repeat; DatabaseError when they cannot be written down."""
        for site in sites:
            self._database.write(_ADD, {"run_id": self._run_id, "site": site})
        self._read()

    def __contains__(self, site: str) -> bool:
        """Return whether this is one. Another process may have been told of it: one look for each unknown."""
        if site not in self.known:
            self._read()
        return site in self.known

    def _read(self) -> None:
        told = [site for (site,) in self._database.read(_ALL, {"run_id": self._run_id})]
        known = tuple(dict.fromkeys((*self._first, *told)))
        if known != self.known:
            self.known = known
