"""Task servers in the registry."""

from __future__ import annotations

from typing import Any

from crowdops.registry.database import RegistryFile, placeholders
from crowdops.registry.rows import Server, stamp, write_value


class Servers(RegistryFile):
    """The table servers."""

    def add_server(self, server: Server) -> None:
        """Write down a server that is about to be created: state 'creating', with its name."""
        entry = ("server-intended", server.name, server.run_id, server.kind)
        self._insert("servers", server, entry=entry)

    def set_server(self, server_id: str, state: str, url: str | None, detail: dict[str, Any]) -> None:
        """Write down what is known of a server now. State 'gone' gets its time. Safe to repeat."""
        ended = stamp() if state == "gone" else None
        self._write(
            "UPDATE servers SET state = ?, url = ?, detail = ?, ended_at = ? WHERE server_id = ?",
            (state, url, write_value(detail), ended, server_id),
            entry=(f"server-{state}", server_id, None, url),
        )

    def servers(self, *states: str, run_id: str | None = None) -> list[Server]:
        """Return the servers in these states, oldest first; only those of a run if one is named."""
        return self._all(
            Server,
            f"SELECT * FROM servers WHERE state IN ({placeholders(states)}) AND (? IS NULL OR run_id = ?)"
            " ORDER BY created_at, server_id",
            (*states, run_id, run_id),
        )
