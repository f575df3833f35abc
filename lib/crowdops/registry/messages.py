"""Messages to workers: who is about to get one, and who has it."""

from __future__ import annotations

from collections.abc import Sequence

from crowdops.registry.database import RegistryFile, repeatable
from crowdops.registry.rows import Entry, stamp


class Messages(RegistryFile):
    """The table notices."""

    def message_states(self, endpoint: str, digest: str) -> dict[str, str]:
        """Return the state of a message, by worker."""
        query = "SELECT worker_id, state FROM notices WHERE endpoint = ? AND digest = ?"
        return dict(self._rows(query, (endpoint, digest)))

    @repeatable
    def intend_messages(self, endpoint: str, digest: str, worker_ids: Sequence[str]) -> None:
        """Write down who is about to get a message."""
        now = stamp()
        with self.transaction():
            self._connection.executemany(
                "INSERT INTO notices (endpoint, digest, worker_id, state, intended_at)"
                " VALUES (?, ?, ?, 'sending', ?)"
                " ON CONFLICT DO UPDATE SET state = 'sending', error = NULL WHERE state = 'failed'",
                [(endpoint, digest, worker_id, now) for worker_id in worker_ids],
            )
            self._note_each("message-intended", digest, [(worker_id, None) for worker_id in worker_ids])

    @repeatable
    def set_delivered(self, endpoint: str, digest: str, outcomes: Sequence[tuple[str, str | None]]) -> None:
        """Write down what became of a message: for each worker why it failed, or None if it was sent."""
        now = stamp()
        with self.transaction():
            self._connection.executemany(
                "UPDATE notices SET state = ?, settled_at = ?, error = ?"
                " WHERE endpoint = ? AND digest = ? AND worker_id = ?",
                [
                    ("failed" if error else "sent", now, error, endpoint, digest, worker_id)
                    for worker_id, error in outcomes
                ],
            )
            self._note_each("message-sent", digest, [outcome for outcome in outcomes if not outcome[1]])
            self._note_each("message-failed", digest, [outcome for outcome in outcomes if outcome[1]])

    def _note_each(self, kind: str, digest: str, outcomes: Sequence[tuple[str, str | None]]) -> None:
        for worker_id, error in outcomes:
            self.note(Entry(kind, digest[:12], detail=error, worker_id=worker_id))
