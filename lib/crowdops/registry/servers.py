"""Task servers in the registry."""

from __future__ import annotations

import json
from typing import Any

from crowdops.registry.database import RegistryFile
from crowdops.registry.rows import Server, read_moment, stamp, write_moment


class Servers(RegistryFile):
    """The table servers."""

    def add_server(self, server: Server) -> None:
        """Write down a server that is about to be created: state 'creating', with its name."""
        values = (
            *server[:6],
            json.dumps(server.detail),
            write_moment(server.created_at),
            write_moment(server.ended_at),
        )
        with self._transaction():
            self._connection.execute("INSERT INTO servers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._record("server-intended", server.name, server.run_id, server.kind)

    def set_server(self, server_id: str, state: str, url: str | None, detail: dict[str, Any]) -> None:
        """Commit what is known of a server now. State 'gone' gets its time. Safe to repeat."""
        ended = stamp() if state == "gone" else None
        with self._transaction():
            self._connection.execute(
                "UPDATE servers SET state = ?, url = ?, detail = ?, ended_at = ? WHERE server_id = ?",
                (state, url, json.dumps(detail), ended, server_id),
            )
            self._record(f"server-{state}", server_id, None, url)

    def servers(self, *states: str, run_id: str | None = None) -> list[Server]:
        """Return the servers in these states, oldest first; only those of a run if one is named."""
        marks = ", ".join("?" for _ in states)
        rows = self._connection.execute(
            f"SELECT * FROM servers WHERE state IN ({marks}) AND (? IS NULL OR run_id = ?)"
            " ORDER BY created_at, server_id",
            (*states, run_id, run_id),
        )
        return [
            Server(*row)._replace(
                detail=json.loads(row["detail"]),
                created_at=read_moment(row["created_at"]),
                ended_at=read_moment(row["ended_at"]),
            )
            for row in rows
        ]
