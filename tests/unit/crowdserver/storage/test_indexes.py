"""An index that a newer version wants comes up on the database of an older one."""

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from crowdserver.storage import indexes
from crowdserver.storage.database import Database


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_the_next_start_brings_the_indexes_up_to_date(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    on_sqlite = backend == "sqlite"
    url = (
        f"sqlite:///{tmp_path}/crowd.db"
        if on_sqlite
        else request.getfixturevalue("cluster").create_database()
    )
    database = Database(url)

    def names() -> set[str]:
        with database.read() as tx:
            return set(tx.execute(indexes._NAMES[backend]).scalars())

    database.prepare(Decimal(100))
    fresh = names()
    with database.write() as tx:
        tx.execute(text("DROP INDEX hits_done"))
        tx.execute(text("CREATE INDEX hits_by_release ON hits (release_at)"))
        tx.execute(text("CREATE INDEX hits_of_my_own ON hits (annotation)"))
    assert "hits_done" not in names()
    database.prepare(Decimal(100))
    assert names() == fresh | {"hits_of_my_own"}
    database.close()
