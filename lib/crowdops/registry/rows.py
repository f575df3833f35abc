"""The rows of the registry as the rest of the library sees them, and how they are written and read."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # of a moment: it sorts as text
OPEN_STATES = ("planned", "creating", "outstanding")  # of a unit
ENDED_UNITS = ("finished", "expired")  # states of a unit whose HIT is there and takes no more
END_STATES = ("finished", "stopped", "failed")  # of a run
OUT_OF_MONEY = "max_cost does not cover another answer"  # the error of a unit that has not agreed
STRANDED = "its HIT leads to a page that is gone"  # the error of a unit that is to be launched anew
Row = TypeVar("Row", bound=NamedTuple)
REVIEWED = {"approve": "Approved", "reject": "Rejected"}  # what an assignment is after a decision


class Run(NamedTuple):
    """One row of task_runs. `endpoint` is where its server answered last.

    `crowd_server_id` says which server that is, if it has an identity. `replacement_type_id` is the type of
    those HITs that have taken another's place.
    """

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
    crowd_server_id: str | None = None
    replacement_type_id: str | None = None

    @classmethod
    def new(cls, run_id: str, settings: Settings, parameters: Parameters, crowd_server_id: str | None) -> Run:
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
            crowd_server_id=crowd_server_id,
        )


class Unit(NamedTuple):
    """One row of units. `input` is the data row, None if it is not known; `attempt` counts new launches.

    `places` is how many assignments its HIT has or is to have, None where those are assignments_per_unit. A
    planned unit with a `hit_id` is to have that HIT extended. `is_replaced`: the HIT is of the type that
    keeps out who has answered the unit.
    """

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
    places: int | None = None
    is_replaced: bool = False


class Assignment(NamedTuple):
    """One collected assignment; `answer` maps field names to values, several of one name joined by `|`.

    `answer_values` are the lists of those fields that came with several values.
    """

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
    answer_values: dict[str, list[str]] | None = None

    @property
    def all_values(self) -> dict[str, list[Any]]:
        """Every field with the list of its values, as they were sent."""
        several = self.answer_values or {}
        return {
            name: several.get(name) or (value if isinstance(value, list) else [value])
            for name, value in self.answer.items()
        }


class Look(NamedTuple):
    """A HIT with collected assignments, and when it was last looked at as a whole.

    `may_change`: one of them is rejected, which can be taken back unseen by the HIT's counters.
    """

    hit_id: str
    run_id: str
    looked_at: datetime
    may_change: bool


class Result(NamedTuple):
    """One collected assignment with the run and the unit it belongs to.

    `quality` is what has come of the unit by its votes, of a run whose answers have to agree.
    """

    run_id: str
    task_name: str
    unit_index: int
    input: dict[str, Any] | None
    assignment: Assignment
    quality: dict[str, Any] | None = None

    @property
    def unit_id(self) -> str:
        """What tells a unit from others whatever its run: two runs of the same data row share it."""
        if self.input is None:  # its row is not known
            return f"{self.run_id}:{self.unit_index}"
        row = json.dumps(self.input, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(row.encode("utf-8", "surrogatepass")).hexdigest()[:16]


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


class Entry(NamedTuple):
    """What is written into the journal: its kind, one of journal.KINDS, and what it is about."""

    kind: str
    target: str
    run_id: str | None = None
    detail: str | None = None
    worker_id: str | None = None
    hit_id: str | None = None  # that of an assignment which has been collected is known


class Event(NamedTuple):
    """One entry of the journal, and who wrote it when.

    The target of a kind is the thing that it names: an assignment's id, a HIT's, a server's name. `hit_id`
    and `worker_id` say whose it is.
    """

    event_id: int
    at: datetime
    command: str
    pid: int
    run_id: str | None
    kind: str
    target: str
    detail: str | None
    hit_id: str | None
    worker_id: str | None


def as_document(event: Event) -> dict[str, Any]:
    """Return an entry of the journal as the JSON object that others build on."""
    return {**event._asdict(), "at": write_value(event.at)}


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
    """What the registry has of a HIT: its unit's state, and how many assignments, reviewed and not.

    `is_own`: the unit has no other HIT.
    """

    state: str
    reviewed: int
    submitted: int
    is_own: bool = True


_READERS: dict[object, Callable[[Any], object]] = {
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
    Parameters: Parameters.from_json,
    bool: bool,
    dict: json.loads,
}


@cache
def _fields(kind: type[Row]) -> list[tuple[str, Callable[[Any], object] | None]]:
    """Return the names of a type's fields, and how each is read from a column if not as it is."""
    fields = []
    for name, hint in get_type_hints(kind).items():
        value_type = get_args(hint)[0] if isinstance(hint, UnionType) else hint
        fields.append((name, _READERS.get(get_origin(value_type) or value_type)))
    return fields


def read(kind: type[Row], row: sqlite3.Row) -> Row:
    """Return a row as one of the types above: each field is read from the column of its name, by its type."""
    values = [
        reader(row[name]) if reader and row[name] is not None else row[name] for name, reader in _fields(kind)
    ]
    return kind._make(values)


def read_result(row: sqlite3.Row) -> Result:
    """Return a row of assignments, with the columns input and task_name beside it, as a Result."""
    data = None if row["input"] is None else json.loads(row["input"])
    return Result(row["run_id"], row["task_name"], row["unit_index"], data, read(Assignment, row))


def read_moment(text: str | None) -> Any:
    """Return the moment that a column holds, or None."""
    return None if text is None else datetime.fromisoformat(text)


def write_value(value: object) -> Any:
    """Return a value as a column holds it: moments, money, objects and parameters as text."""
    if isinstance(value, datetime):
        return _text(value.astimezone(UTC))
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value.as_json() if isinstance(value, Parameters) else value


def stamp() -> str:
    """Return the present moment as a column holds it."""
    return _text(datetime.now(UTC))


def _text(moment: datetime) -> str:
    """Return a moment in UTC as FORMAT says; strftime takes longer."""
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"
