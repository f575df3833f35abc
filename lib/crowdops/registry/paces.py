"""How many calls a second servers have borne: where the next command begins."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from crowdops.errors import RegistryError
from crowdops.registry.database import RegistryFile
from crowdops.registry.patience import Patience
from crowdops.registry.rows import stamp


class Pace(NamedTuple):
    """How many calls a second a server has borne; `is_limit` if it has refused more."""

    rate: float
    is_limit: bool


class Paces(RegistryFile):
    """The table paces. The place of a server is its id or, where it has none, its address.

    No command waits for them or fails for them: what cannot be read or written is found out again.
    """

    def pace(self, crowd_server_id: str | None, environment: str, endpoint: str) -> Pace | None:
        """Return what a server bore, None if that is not known; without its id, whichever was here last."""
        column, value = ("place", crowd_server_id) if crowd_server_id else ("endpoint", endpoint)
        with self._tried_once():
            return self._one(
                Pace,
                f"SELECT rate, is_limit FROM paces WHERE environment = ? AND {column} = ?"
                " ORDER BY noted_at DESC LIMIT 1",
                (environment, value),
            )
        return None

    def note_pace(self, crowd_server_id: str | None, environment: str, endpoint: str, pace: Pace) -> None:
        """Keep what a server bears. It does not wait for the disk."""
        with self._tried_once():
            self._write(
                "INSERT OR REPLACE INTO paces VALUES (?, ?, ?, ?, ?, ?)",
                (crowd_server_id or endpoint, environment, endpoint, pace.rate, pace.is_limit, stamp()),
                synced=False,
            )

    @contextlib.contextmanager
    def _tried_once(self) -> Iterator[None]:
        patience, self.patience = self.patience, Patience(locked=0.0)
        try:
            with contextlib.suppress(RegistryError):
                yield
        finally:
            self.patience = patience
