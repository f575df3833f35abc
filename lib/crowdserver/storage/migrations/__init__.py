"""Brings a database that an older version made up to the newest revision, with all that it holds.

Tables that it lacks are there by now, as they are today. So a revision changes what it finds, and leaves
alone what is right already.
"""

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Column, Connection, inspect

from crowdserver.storage import schema

# No package: alembic runs them.
SCRIPTS = Path(__file__).parent / "scripts"


class UnknownRevision(Exception):
    """The database is at a revision that this version does not know."""


def upgrade(tx: Connection) -> None:
    """Apply what is missing, inside the transaction. Raises UnknownRevision."""
    config = Config(attributes={"connection": tx})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    try:
        command.upgrade(config, schema.REVISION)
    except CommandError as error:
        raise UnknownRevision(str(error)) from error


def add_columns(table: str, names: list[str]) -> None:
    """Add columns to a table that was made without them; they must be able to be NULL."""
    present = {column["name"] for column in inspect(op.get_bind()).get_columns(table)}
    for name in names:
        if name not in present:
            op.add_column(table, Column(name, schema.metadata.tables[table].c[name].type))
