"""Runs in the registry, and the journal of what was done to them."""

from __future__ import annotations

from datetime import datetime

from crowdops.config.parameters import Parameters
from crowdops.registry.addresses import Addresses
from crowdops.registry.database import placeholders, repeatable
from crowdops.registry.rows import END_STATES, Entry, Event, Run, stamp


class Runs(Addresses):
    """The table task_runs, and what the journal says of a run."""

    @repeatable
    def add_run(self, run: Run) -> None:
        """Add a run in state 'launching'."""
        with self.transaction():
            entry = Entry("run-created", run.run_id, run.run_id, run.task_name)
            self._insert("task_runs", run, entry=entry)
            self._see_server_of(run)

    def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        return self._one(Run, "SELECT * FROM task_runs WHERE run_id = ?", (run_id,))

    def runs(self) -> list[Run]:
        """Return every run, oldest first."""
        return self._all(Run, "SELECT * FROM task_runs ORDER BY run_id")

    def live_runs(self) -> set[str]:
        """Return the ids of the runs of which something may be alive: not at their end, or with a HIT out."""
        rows = self._rows(
            f"SELECT run_id FROM task_runs WHERE state NOT IN ({placeholders(END_STATES)}) OR EXISTS"
            " (SELECT 1 FROM units WHERE units.run_id = task_runs.run_id"
            " AND units.state IN ('creating', 'outstanding'))",
            END_STATES,
        )
        return {run_id for (run_id,) in rows}

    def polled_hit_types(self) -> set[str]:
        """Return the HIT types whose reviewable HITs a process asks for, or will when a run is carried on."""
        rows = self._rows(
            "SELECT hit_type_id, replacement_type_id FROM task_runs WHERE hit_type_id IS NOT NULL"
            f" AND NOT detached AND state NOT IN ({placeholders(END_STATES)})",
            END_STATES,
        )
        return {hit_type_id for row in rows for hit_type_id in row if hit_type_id}

    def known_since(self, run_id: str) -> datetime:
        """Return when the registry last learnt something of a run."""
        row = self._row(
            "SELECT max(created_at,"
            " coalesce((SELECT at FROM events WHERE run_id = ? ORDER BY event_id DESC LIMIT 1), ''),"
            " coalesce((SELECT max(collected_at) FROM assignments WHERE run_id = ?), ''))"
            " FROM task_runs WHERE run_id = ?",
            (run_id, run_id, run_id),
        )
        return datetime.fromisoformat(row[0])

    def open_runs(self) -> list[Run]:
        """Return the runs that are not at their end, oldest first."""
        query = f"SELECT * FROM task_runs WHERE state NOT IN ({placeholders(END_STATES)}) ORDER BY run_id"
        return self._all(Run, query, END_STATES)

    def set_hit_type(self, run_id: str, hit_type_id: str) -> None:
        """Remember the HIT type that the run's HITs have."""
        self._write("UPDATE task_runs SET hit_type_id = ? WHERE run_id = ?", (hit_type_id, run_id))

    def set_run_state(self, run_id: str, state: str, reason: str | None = None) -> None:
        """Move a run to a state; end states get their time. Safe to repeat."""
        ended = stamp() if state in END_STATES else None
        self._write(
            "UPDATE task_runs SET state = ?, ended_at = ?, reason = ? WHERE run_id = ?"
            " AND (state, reason) IS NOT (?, ?)",
            (state, ended, reason, run_id, state, reason),
            entry=Entry(f"run-{state}", run_id, run_id, reason),
        )

    def reopen_run(self, run_id: str, state: str) -> None:
        """Let a run at its end be in a state before it again: it is to be carried on. Safe to repeat."""
        self._write(
            "UPDATE task_runs SET state = ?, ended_at = NULL, reason = NULL WHERE run_id = ?"
            " AND (state <> ? OR ended_at IS NOT NULL)",
            (state, run_id, state),
            entry=Entry("run-reopened", run_id, run_id, state),
        )

    @repeatable
    def adopt_run(self, run: Run) -> bool:
        """Add a run that was found by its marks. False if the registry knows it, and knows better."""
        with self.transaction():
            added = self._insert("task_runs", run, "ON CONFLICT DO NOTHING")
            if added:
                self.record("run-adopted", run.run_id, run.run_id, run.task_name)
                self._see_server_of(run)
        return bool(added)

    def _see_server_of(self, run: Run) -> None:
        if run.crowd_server_id:
            self.see_server(run.crowd_server_id, run.environment, run.endpoint)

    def set_plan(self, run_id: str, parameters: Parameters, data_digest: str, units: int) -> None:
        """Complete a run that was found by its marks with what only its owner knows."""
        self._write(
            "UPDATE task_runs SET parameters = ?, data_digest = ?, units = ? WHERE run_id = ?",
            (parameters.as_json(), data_digest, units, run_id),
            entry=Entry("run-completed", run_id, run_id, f"{units} units"),
        )

    def set_max_cost(self, run_id: str, parameters: Parameters, detail: str) -> None:
        """Remember parameters that differ in max_cost only; `detail` says how, for the journal."""
        self._write(
            "UPDATE task_runs SET parameters = ? WHERE run_id = ?",
            (parameters.as_json(), run_id),
            entry=Entry("max-cost-raised", run_id, run_id, detail),
        )

    def set_hosting(self, run_id: str, parameters: Parameters) -> None:
        """Remember parameters that differ in the dynos only."""
        self._write("UPDATE task_runs SET parameters = ? WHERE run_id = ?", (parameters.as_json(), run_id))

    def last_event(self, run_id: str) -> Event | None:
        """Return the newest entry of the journal about a run, or None."""
        query = "SELECT * FROM events WHERE run_id = ? ORDER BY event_id DESC LIMIT 1"
        return self._one(Event, query, (run_id,))
