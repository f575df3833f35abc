"""The rows of the registry as the rest of the library sees them, and how they are written and read."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # of a moment: it sorts as text
OPEN_STATES = ("planned", "creating", "outstanding")  # of a unit
END_STATES = ("finished", "stopped", "failed")  # of a run
STRANDED = "its HIT leads to a page that is gone"  # the error of a unit that is to be launched anew
REVIEWED = {"approve": "Approved", "reject": "Rejected"}  # what an assignment is after a decision


class Run(NamedTuple):
    """One row of task_runs."""

    run_id: str
    task_name: str
    environment: str
    endpoint: str
    state: str
    detached: bool
    parameters: Parameters
    data_digest: str
    units: int
    hit_type_id: str | None
    created_at: datetime
    ended_at: datetime | None
    reason: str | None

    @classmethod
    def new(cls, run_id: str, settings: Settings, parameters: Parameters) -> Run:
        """Return a run that is about to be launched at the settings' endpoint; its data is not known yet."""
        return cls(
            run_id=run_id,
            task_name=parameters.task_name,
            environment=settings.environment,
            endpoint=settings.endpoint,
            state="launching",
            detached=False,
            parameters=parameters,
            data_digest="",
            units=0,
            hit_type_id=None,
            created_at=datetime.now(UTC),
            ended_at=None,
            reason=None,
        )


class Unit(NamedTuple):
    """One row of units. `input` is the data row, None if it is not known; `attempt` counts new launches."""

    run_id: str
    unit_index: int
    state: str
    input: dict[str, Any] | None
    hit_id: str | None
    intended_at: datetime | None
    created_at: datetime | None
    expired_at: datetime | None
    error: str | None
    attempt: int


class Assignment(NamedTuple):
    """One collected assignment; `answer` maps field names to values."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    accepted_at: datetime | None
    submitted_at: datetime | None
    auto_approval_at: datetime | None
    approved_at: datetime | None
    rejected_at: datetime | None
    answer: dict[str, Any]
    bonus: Decimal | None = None


class Result(NamedTuple):
    """One collected assignment with the run and the unit it belongs to."""

    run_id: str
    task_name: str
    unit_index: int
    input: dict[str, Any] | None
    assignment: Assignment


class Server(NamedTuple):
    """One row of servers; `detail` holds what the kind of server needs to be found again."""

    server_id: str
    run_id: str | None
    kind: str
    name: str
    state: str
    url: str | None
    detail: dict[str, Any]
    created_at: datetime
    ended_at: datetime | None


class Event(NamedTuple):
    """One entry of the journal."""

    at: datetime
    command: str
    pid: int
    kind: str
    target: str
    detail: str | None


class Decision(NamedTuple):
    """What a person decided about an assignment; `bonus` in dollars. Feedback is what the worker reads."""

    assignment_id: str
    worker_id: str
    action: str  # approve or reject
    feedback: str | None = None
    bonus: Decimal | None = None
    soft_block: bool = False


class BonusRow(NamedTuple):
    """A bonus as it was written down: sending, paid or failed."""

    token: str
    assignment_id: str
    worker_id: str
    amount: Decimal
    reason: str
    state: str


class UnitReview(NamedTuple):
    """What the registry has of a unit: its state, and how many assignments, reviewed and not."""

    state: str
    reviewed: int
    submitted: int


def read_run(row: sqlite3.Row) -> Run:
    """Return a row of task_runs as a Run."""
    return Run(*row)._replace(
        detached=bool(row["detached"]),
        parameters=Parameters.from_json(row["parameters"]),
        created_at=read_moment(row["created_at"]),
        ended_at=read_moment(row["ended_at"]),
    )


def read_unit(row: sqlite3.Row) -> Unit:
    """Return a row of units as a Unit."""
    return Unit(*row)._replace(
        input=_read_json(row["input"]),
        intended_at=read_moment(row["intended_at"]),
        created_at=read_moment(row["created_at"]),
        expired_at=read_moment(row["expired_at"]),
    )


def read_result(row: sqlite3.Row) -> Result:
    """Return a row of assignments, with the columns input and task_name beside it, as a Result."""
    assignment = Assignment(
        assignment_id=row["assignment_id"],
        worker_id=row["worker_id"],
        hit_id=row["hit_id"],
        status=row["status"],
        accepted_at=read_moment(row["accepted_at"]),
        submitted_at=read_moment(row["submitted_at"]),
        auto_approval_at=read_moment(row["auto_approval_at"]),
        approved_at=read_moment(row["approved_at"]),
        rejected_at=read_moment(row["rejected_at"]),
        answer=json.loads(row["answer"]),
        bonus=_read_money(row["bonus"]),
    )
    return Result(row["run_id"], row["task_name"], row["unit_index"], _read_json(row["input"]), assignment)


def read_server(row: sqlite3.Row) -> Server:
    """Return a row of servers as a Server."""
    return Server(*row)._replace(
        detail=json.loads(row["detail"]),
        created_at=read_moment(row["created_at"]),
        ended_at=read_moment(row["ended_at"]),
    )


def read_decision(row: sqlite3.Row) -> Decision:
    """Return a row of decisions as a Decision."""
    return Decision(*row[:6])._replace(bonus=_read_money(row["bonus"]), soft_block=bool(row["soft_block"]))


def read_bonus(row: sqlite3.Row) -> BonusRow:
    """Return a row of bonuses as a BonusRow."""
    return BonusRow(*row[:6])._replace(amount=Decimal(row["amount"]))


def read_moment(text: str | None) -> Any:
    """Return the moment that a column holds, or None."""
    return None if text is None else datetime.fromisoformat(text)


def _read_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _read_money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def write_value(value: object) -> Any:
    """Return a value as a column holds it: moments, money, objects and parameters as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime(FORMAT)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value.as_json() if isinstance(value, Parameters) else value


def stamp() -> str:
    """Return the present moment as a column holds it."""
    return datetime.now(UTC).strftime(FORMAT)
