"""At which addresses the servers of our runs were seen, and which runs move with them."""

from __future__ import annotations

from crowdops.registry.database import RegistryFile, repeatable
from crowdops.registry.rows import stamp


class Addresses(RegistryFile):
    """The table addresses, and where runs are."""

    def see_server(self, place: str, environment: str, endpoint: str) -> None:
        """Note that a server answers at an address. Safe to repeat."""
        now = stamp()
        self._write(
            "INSERT INTO addresses VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (place, environment, endpoint) DO UPDATE SET seen_at = excluded.seen_at",
            (place, environment, endpoint, now, now),
            synced=False,
        )

    def addresses(self, place: str, environment: str) -> list[str]:
        """Return where a server was seen, the latest first."""
        rows = self._rows(
            "SELECT endpoint FROM addresses WHERE place = ? AND environment = ? ORDER BY seen_at DESC",
            (place, environment),
        )
        return [endpoint for (endpoint,) in rows]

    def first_address(self, crowd_server_id: str | None, environment: str, endpoint: str) -> str:
        """Return the address at which the server that is now at this one was seen first: it never changes."""
        row = self._row(
            "SELECT first.endpoint FROM addresses AS first JOIN addresses AS now"
            " ON now.place = first.place AND now.environment = first.environment"
            " WHERE now.environment = ? AND now.endpoint = ? AND now.place = coalesce(?, now.place)"
            " ORDER BY first.first_seen_at LIMIT 1",
            (environment, endpoint, crowd_server_id),
        )
        return row[0] if row else endpoint

    @repeatable
    def move_runs(self, crowd_server_id: str, environment: str, endpoint: str) -> None:
        """Let the runs of a crowd server be where it answers now. Journalled once; safe to repeat."""
        with self.transaction():
            self.see_server(crowd_server_id, environment, endpoint)
            moved = self._write(
                "UPDATE task_runs SET endpoint = ?"
                " WHERE crowd_server_id = ? AND environment = ? AND endpoint <> ?",
                (endpoint, crowd_server_id, environment, endpoint),
            )
            if moved:
                self.record("server-moved", crowd_server_id, None, endpoint)

    @repeatable
    def settle_runs(self, environment: str, address: str, endpoint: str, crowd_server_id: str | None) -> None:
        """Let the runs at an address, whose server had no identity, be where they were proved to be.

        `crowd_server_id` is the identity that it has by now. Journalled once; safe to repeat.
        """
        with self.transaction():
            settled = self._write(
                "UPDATE task_runs SET endpoint = ?, crowd_server_id = ?"
                " WHERE crowd_server_id IS NULL AND environment = ? AND endpoint = ?",
                (endpoint, crowd_server_id, environment, address),
            )
            if settled:
                place = crowd_server_id or self.first_address(None, environment, address)
                self.see_server(place, environment, address)
                self.see_server(place, environment, endpoint)
                kind = "server-recognized" if address == endpoint else "server-moved"
                self.record(kind, place, None, endpoint)
