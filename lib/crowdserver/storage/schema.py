"""The tables of the crowd server.

Times are seconds since the epoch (UTC) on the server's own clock, which the control API can move. Money is
whole cents. A HIT's status is never stored: it follows from its counters, its expiration and the time (see
hits.status). More indexes are in indexes.py. A table that is new here older databases get at the next start;
a column that is new here needs a revision in migrations/scripts/versions/, too.
"""

from typing import Any

from sqlalchemy import (
    DDL,
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
    event,
    update,
)

VERSION = 1
# The newest revision in migrations/scripts/versions/.
REVISION = "0001"

# A row as a query of ours gives it; which columns it has, the query says.
AnyRow = Row[*tuple[Any, ...]]

# sqlite numbers rows by itself only in a column declared exactly INTEGER.
SERIAL = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _create_with(table: Table, index: str) -> None:
    """Create a partial index when its table is created.

    As text, which both databases understand: a condition in an Index makes SQLAlchemy import the dialects of
    both, and that is a tenth of what a server needs to start.
    """
    event.listen(table, "after_create", DDL(index))  # type: ignore[no-untyped-call]


server = Table(
    "server",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
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
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("server_id", Text, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
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

# The workers whom the requester invited, and the hash of each one's sign-in link.
workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("invited_at", Double, nullable=False),
    # What the lab knows of a worker; NULL for what it does not. country, subdivision: as ISO 3166 has them.
    Column("country", Text),
    Column("subdivision", Text),
    Column("adult", Boolean),
    Column("masters", Boolean),
)

# How long each one's link works where that is not the usual time, and who was removed: their links are none.
links = Table(
    "links",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("ends_at", Double),
    Column("removed_at", Double),
)

# Links of panels, each by the hash of its token: JSON, as the requester defined it.
panels = Table(
    "panels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("definition", Text, nullable=False),
)

# Who came by them, and when last (begun_at). parameters: JSON, what the panel told of the participant.
visits = Table(
    "visits",
    metadata,
    Column("panel_id", Text, ForeignKey("panels.id"), primary_key=True),
    Column("worker_id", Text, primary_key=True),
    Column("begun_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("parameters", Text, nullable=False),
    Index("visits_of_worker", "worker_id", "begun_at"),
)

# Key pairs of the account beside the first one; their secrets follow from that one's and are kept nowhere.
keys = Table(
    "keys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key_id", Text, nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)

# Browsers that are signed in, each by the hash of the token that it holds and of the link that it came by: a
# newer link ends it.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("worker_id", Text, nullable=False),
    Column("link_hash", Text, nullable=False),
    Column("begun_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Index("sessions_of_worker", "worker_id", "begun_at"),
    Index("sessions_by_end", "ends_at"),
)

# Links that signed nobody in, counted by where they were tried from; of the latest period only.
failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    Column("period", BigInteger, primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("failures", BigInteger, nullable=False),
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

# What a qualification says of a worker, made by the requester. Its name is its own until it is deleted.
qualification_types = Table(
    "qualification_types",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    Column("status", Text, nullable=False),
    Column("retry_delay", BigInteger),
    Column("created_at", Double, nullable=False),
    Column("deleted_at", Double),
    # The value that whoever asks gets at once; NULL where the requester decides.
    Column("auto_grant", BigInteger),
    # Seconds for the test. The test and the key that scores it are XML.
    Column("test_duration", BigInteger),
    Column("test", Text),
    Column("answer_key", Text),
    CheckConstraint("status IN ('Active', 'Inactive')", name="known_type_status"),
)
_create_with(
    qualification_types,
    "CREATE UNIQUE INDEX one_type_a_name ON qualification_types (name) WHERE deleted_at IS NULL",
)

# Who has which qualification, or had it.
grants = Table(
    "grants",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("type_id", Text, ForeignKey("qualification_types.id"), nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("granted_at", Double, nullable=False),
    Column("revoked_at", Double),
    Index("one_grant_a_worker", "worker_id", "type_id", unique=True),
    Index("grants_of_type", "type_id", "serial"),
)

# What workers asked for: a row each time. Testing: the worker has begun the test; Submitted: the requester
# decides.
qualification_requests = Table(
    "qualification_requests",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type_id", Text, ForeignKey("qualification_types.id"), nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("begun_at", Double, nullable=False),
    Column("submitted_at", Double),
    # The test as it was then, and the answers to it.
    Column("test", Text),
    Column("answer", Text),
    CheckConstraint("status IN ('Testing', 'Submitted', 'Granted', 'Rejected')", name="known_request_status"),
    Index("requests_of_worker", "worker_id", "type_id", "serial"),
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

blocks = Table(
    "blocks",
    metadata,
    Column("worker_id", Text, primary_key=True),
    # For the requester's eyes only.
    Column("reason", Text, nullable=False),
    Column("blocked_at", Double, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("worker_id", Text, nullable=False),
    Column("sent_at", Double, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("messages_of_worker", "worker_id", "serial"),
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
