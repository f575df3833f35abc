"""The tables of the crowd server: of the server itself, the account, and the work.

Those of people are in people_tables.py, those of qualifications in qualification_tables.py.

Times are seconds since the epoch (UTC) on the server's own clock, which the control API can move. Money is
whole cents. A HIT's status is never stored: it follows from its counters, its expiration and the time (see
hits.status). More indexes are in indexes.py. A table that is new here older databases get at the next start;
a column that is new here needs a revision in migrations/scripts/versions/, too.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    bindparam,
    update,
)

VERSION = 1
# The newest revision in migrations/scripts/versions/.
REVISION = "0002"

# A row as a query of ours gives it; which columns it has, the query says.
AnyRow = Row[*tuple[Any, ...]]

# sqlite numbers rows by itself only in a column declared exactly INTEGER.
SERIAL = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _key_of_the_only_row() -> Column[int]:
    return Column("id", Integer, CheckConstraint("id = 1"), primary_key=True)


server = Table(
    "server",
    metadata,
    _key_of_the_only_row(),
    Column("schema_version", Integer, nullable=False),
    Column("clock_offset", Double, nullable=False),
    Column("list_lag", Double, nullable=False),
    Column("counter_lag", Double, nullable=False),
    Column("plain_duplicates", Boolean, nullable=False),
)

# Which revision a database is at; alembic's own.
revision = Table("alembic_version", metadata, Column("version_num", Text, primary_key=True))

# Which server this is, wherever it listens.
identity = Table(
    "identity",
    metadata,
    _key_of_the_only_row(),
    Column("server_id", Text, nullable=False),
)

account = Table(
    "account",
    metadata,
    _key_of_the_only_row(),
    Column("funds", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    CheckConstraint("held >= 0 AND funds >= held", name="covered"),
)

hit_types = Table(
    "hit_types",
    metadata,
    Column("id", Text, primary_key=True),
    Column("group_id", Text, nullable=False),
    # A digest of the seven properties below: equal properties share one type.
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    Column("reward", BigInteger, nullable=False),
    Column("assignment_duration", BigInteger, nullable=False),
    Column("auto_approval_delay", BigInteger, nullable=False),
    # JSON list, as it is echoed in answers.
    Column("requirements", Text, nullable=False),
)

hits = Table(
    "hits",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("hit_type_id", Text, ForeignKey("hit_types.id"), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expiration", Double, nullable=False),
    # Fixed for the HIT's life: the fee follows from the number of assignments it was created with.
    Column("fee", BigInteger, nullable=False),
    Column("max_assignments", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("submitted", BigInteger, nullable=False),
    Column("completed", BigInteger, nullable=False),
    Column("reviewing", Boolean, nullable=False),
    # When the money held for the available assignments is let go; NULL when it has been.
    Column("release_at", Double),
    Column("disposed_at", Double),
    # The long texts come last: sqlite reads a row from its beginning, and most queries never get this far.
    Column("annotation", Text),
    Column("question", Text, nullable=False),
    CheckConstraint(
        "available >= 0 AND pending >= 0 AND submitted >= 0 AND completed >= 0"
        " AND available + pending + submitted + completed = max_assignments",
        name="every_assignment_counted_once",
    ),
    Index("hits_of_type", "hit_type_id", "disposed_at", "serial"),
    Index("hits_by_serial", "disposed_at", "serial"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hit_id", Text, ForeignKey("hits.id"), nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("accepted_at", Double, nullable=False),
    Column("deadline", Double, nullable=False),
    Column("submitted_at", Double),
    Column("auto_approval_at", Double),
    Column("approved_at", Double),
    Column("rejected_at", Double),
    # When time alone changes this assignment: its deadline, then its auto-approval; NULL when nothing is
    # left.
    Column("due_at", Double),
    Column("answer", Text),
    Column("feedback", Text),
    CheckConstraint(
        "status IN ('Accepted', 'Submitted', 'Approved', 'Rejected', 'Returned', 'Abandoned')",
        name="known_status",
    ),
    Index("assignments_of_worker", "worker_id", "status"),
    Index("assignments_by_due_time", "due_at"),
)

# To change the HIT or the assignment whose id is given as `hit` or `assignment`.
UPDATE_HIT = update(hits).where(hits.c.id == bindparam("hit"))
UPDATE_ASSIGNMENT = update(assignments).where(assignments.c.id == bindparam("assignment"))

# Review policies as they were given with a HIT: JSON, by their level.
review_policies = Table(
    "review_policies",
    metadata,
    Column("hit_id", Text, ForeignKey("hits.id"), primary_key=True),
    Column("policies", Text, nullable=False),
)

# The notification settings of a HIT type: JSON, as they were given.
notifications = Table(
    "notifications",
    metadata,
    Column("hit_type_id", Text, ForeignKey("hit_types.id"), primary_key=True),
    Column("specification", Text),
    Column("active", Boolean, nullable=False),
)

# Request tokens are one namespace for the whole account; they count for a day.
tokens = Table(
    "tokens",
    metadata,
    Column("token", Text, primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("hit_id", Text, nullable=False),
)

bonuses = Table(
    "bonuses",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("assignment_id", Text, ForeignKey("assignments.id"), nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("paid_at", Double, nullable=False),
    CheckConstraint("amount > 0 AND fee > 0", name="worth_something"),
    Index("bonuses_of_assignment", "assignment_id", "serial"),
    Index("bonuses_of_worker", "worker_id", "serial"),
)

faults = Table(
    "faults",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # How often it still strikes, or how likely it is to; exactly one of the two.
    Column("times", Integer),
    Column("probability", Double),
    Column("seconds", Double, nullable=False),
)
