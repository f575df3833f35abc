"""The tables of the people: workers, their links and browsers, panels and keys (see schema.py)."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Table, Text

from crowdserver.storage.schema import SERIAL, metadata

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
    Column("read_at", Double),
    Index("messages_of_worker", "worker_id", "serial"),
)

# What workers wrote to the requester, about a HIT or in general.
inbox = Table(
    "inbox",
    metadata,
    Column("serial", SERIAL, primary_key=True),
    Column("worker_id", Text, nullable=False),
    Column("hit_id", Text),
    Column("sent_at", Double, nullable=False),
    Column("text", Text, nullable=False),
    Column("answered_at", Double),
    Index("inbox_of_worker", "worker_id", "sent_at"),
)

# Who agreed to which consent text, by its SHA-256.
consents = Table(
    "consents",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("agreed_at", Double, nullable=False),
)
