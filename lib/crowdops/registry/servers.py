"""Task servers in the registry."""

from __future__ import annotations

from typing import Any

from crowdops.registry.database import RegistryFile, placeholders, repeatable
from crowdops.registry.rows import Entry, Server, stamp, write_value


class Servers(RegistryFile):
    """The table servers."""

    def add_server(self, server: Server) -> None:
        """Write down a server that is about to be created: state 'creating', with its name. Or one found."""
        kind = "server-intended" if server.state == "creating" else "server-adopted"
        entry = Entry(kind, server.name, server.run_id, server.kind)
        self._insert("servers", server, entry=entry)

    @repeatable
    def set_server(self, server_id: str, state: str, url: str | None, detail: dict[str, Any]) -> None:
        """Write down what is known of a server now. State 'gone' gets its time. Safe to repeat."""
        ended, kind = stamp() if state == "gone" else None, f"server-{state}"
        with self.transaction():
            row = self._row("SELECT name, run_id, state FROM servers WHERE server_id = ?", (server_id,))
            self._write(
                "UPDATE servers SET state = ?, url = ?, detail = ?, ended_at = ? WHERE server_id = ?",
                (state, url, write_value(detail), ended, server_id),
            )
            if row is None:  # it was found by its marks, and not written down
                self.record_once(Entry(kind, server_id, None, url))
            elif row["state"] != state:
                self.record(kind, row["name"], row["run_id"], url)

    def servers(self, *states: str, run_id: str | None = None) -> list[Server]:
        """Return the servers in these states, oldest first; only those of a run if one is named."""
        return self._all(
            Server,
            f"SELECT * FROM servers WHERE state IN ({placeholders(states)}) AND (? IS NULL OR run_id = ?)"
            " ORDER BY created_at, server_id",
            (*states, run_id, run_id),
        )
