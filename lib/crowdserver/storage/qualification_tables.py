"""The tables of qualifications: their types, who has them, and who asked for them (see schema.py)."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, ForeignKey, Index, Table, Text

from crowdserver.storage.schema import SERIAL, metadata

# What a qualification says of a worker, made by the requester. Its name is its own until it is deleted
# (see indexes.py).
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
    # Of a test: when its time is over. NULL in rows of older versions.
    Column("ends_at", Double),
    # The test as it was then, and the answers to it.
    Column("test", Text),
    Column("answer", Text),
    CheckConstraint("status IN ('Testing', 'Submitted', 'Granted', 'Rejected')", name="known_request_status"),
    Index("requests_of_worker", "worker_id", "type_id", "serial"),
)
