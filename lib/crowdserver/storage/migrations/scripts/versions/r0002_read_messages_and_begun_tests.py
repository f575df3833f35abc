"""Messages are read at a moment, and a test that was begun keeps its end."""

from crowdserver.storage.migrations import add_columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    add_columns("messages", ["read_at"])
    add_columns("qualification_requests", ["ends_at"])
