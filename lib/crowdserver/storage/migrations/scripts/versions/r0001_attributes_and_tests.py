"""Workers have attributes, and qualification types have tests."""

from crowdserver.storage.migrations import add_columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Add the columns."""
    add_columns("workers", ["country", "subdivision", "adult", "masters"])
    add_columns("qualification_types", ["auto_grant", "test_duration", "test", "answer_key"])
