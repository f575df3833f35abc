"""What alembic runs: the revisions, in the transaction that the database gave."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
