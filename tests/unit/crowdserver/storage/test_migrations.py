"""A database of an older version comes up with everything that lies in it, and becomes like a new one."""

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
import requests
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text, update

from crowdserver.storage import migrations, schema
from crowdserver.storage.database import Database
from tests.support.crowds import Crowd, CrowdFailed
from tests.support.requesters import BOTH, Workers

OLD = (Path(__file__).parent / "made_by_07c843a.sql").read_text()
# Each in a process of its own, with the address of a database; the first dies between two of the changes.
KILLED = """
import os, signal, sys
from crowdserver.storage import migrations
add_columns = migrations.add_columns
def add_and_die(table, names):
    add_columns(table, names)
    os.kill(os.getpid(), signal.SIGKILL)
migrations.add_columns = add_and_die
"""
PREPARE = """
import sys
from decimal import Decimal
from crowdserver.storage.database import Database
Database(sys.argv[1]).prepare(Decimal(0))
"""
# What signs the worker of that database in.
LINK = "/sign-in/Uo9minaKSGYnUlvNVAIwTUmm52JtwFml"


def fill(database: Database) -> None:
    """Make the old tables with what was in them."""
    script = OLD.replace("NOW", f"{time.time():.0f}")
    if not database.is_sqlite:
        for name in ("serial INTEGER", "id INTEGER NOT NULL,"):
            script = script.replace(name, name.replace("INTEGER", "BIGSERIAL"))
        script = script.replace(" DOUBLE", " DOUBLE PRECISION")
    with database.write() as tx:
        for statement in script.split(";\n"):
            tx.exec_driver_sql(statement)


def columns(database: Database) -> dict[str, set[tuple[str, str]]]:
    """Return the columns of every table that the server knows, with their types."""
    with database.read() as tx:
        seen = inspect(tx)
        return {
            table: {(column["name"], str(column["type"])) for column in seen.get_columns(table)}
            for table in schema.metadata.tables
        }


@BOTH
def test_a_database_made_by_07c843a_comes_up_with_everything_there(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    on_sqlite = backend == "sqlite"
    url = None if on_sqlite else request.getfixturevalue("cluster").create_database()
    crowd = Crowd(tmp_path / "old", database=url)
    fill(crowd.database)
    with crowd:
        client = crowd.client()
        balance = client.get_account_balance()
        assert (balance["AvailableBalance"], balance["OnHoldBalance"]) == ("9997.90", "1.20")
        hit_ids = [hit["HITId"] for hit in reversed(client.list_hits()["HITs"])]
        statuses = [client.get_hit(HITId=hit_id)["HIT"]["HITStatus"] for hit_id in hit_ids]
        assert statuses == ["Reviewable", "Reviewable", "Assignable"]
        assert client.list_bonus_payments(HITId=hit_ids[0])["BonusPayments"][0]["BonusAmount"] == "0.25"
        (kind,) = client.list_qualification_types(MustBeRequestable=True)["QualificationTypes"]
        score = client.get_qualification_score(
            QualificationTypeId=kind["QualificationTypeId"], WorkerId="AWORKER1"
        )
        assert score["Qualification"]["IntegerValue"] == 7
        (waiting,) = client.list_assignments_for_hit(HITId=hit_ids[1])["Assignments"]
        assert "<FreeText>café</FreeText>" in waiting["Answer"]
        client.approve_assignment(AssignmentId=waiting["AssignmentId"])
        client.delete_worker_block(WorkerId="AWORKER1")
        Workers(crowd).do(hit_ids[2])
        browser = requests.Session()
        assert "Messages (1 new)" in browser.get(crowd.url + LINK, timeout=30).text
        assert "Reads maps" in browser.get(f"{crowd.url}/messages", timeout=30).text
        crowd.stop()
        crowd.start()  # nothing is left to do
        fresh = Database(
            f"sqlite:///{tmp_path}/new.db"
            if on_sqlite
            else request.getfixturevalue("cluster").create_database()
        )
        fresh.prepare(Decimal(0))
        assert columns(crowd.database) == columns(fresh)
        fresh.close()


def test_a_database_at_an_unknown_revision_is_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/crowd.db")
    database.prepare(Decimal(0))
    with database.write() as tx:
        tx.execute(update(schema.revision).values(version_num="9999"))
    database.close()
    with pytest.raises(CrowdFailed, match="crowd.db was made by a newer crowd server than this one"):
        Crowd(tmp_path).start()


def test_the_newest_revision_is_the_one_that_new_databases_are_at() -> None:
    assert ScriptDirectory(str(migrations.SCRIPTS)).get_heads() == [schema.REVISION]


def test_what_was_there_before_the_tables_had_revisions_is_not_changed_twice(tmp_path: Path) -> None:
    """A table that is missing altogether is made as it is today; the revisions then find it so."""
    database = Database(f"sqlite:///{tmp_path}/crowd.db")
    fill(database)
    with database.write() as tx:
        for table in ("grants", "qualification_types"):
            tx.execute(text(f"DROP TABLE {table}"))
    database.prepare(Decimal(0))
    database.prepare(Decimal(0))
    database.close()


@BOTH
def test_a_migration_that_is_killed_is_as_if_it_had_not_begun(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    on_sqlite = backend == "sqlite"
    url = f"sqlite:///{tmp_path}/crowd.db"
    if not on_sqlite:
        url = request.getfixturevalue("cluster").create_database()
    database = Database(url)
    fill(database)
    before = tables(database)
    killed = subprocess.run([sys.executable, "-c", KILLED + PREPARE, url], check=False, timeout=300)
    assert killed.returncode == -9 and tables(database) == before
    both = [subprocess.Popen([sys.executable, "-c", PREPARE, url]) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    with database.read() as tx:
        assert {"country", "adult"} < {column["name"] for column in inspect(tx).get_columns("workers")}
        assert tx.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    database.close()


def tables(database: Database) -> dict[str, list[str]]:
    """Return the columns of every table that there is."""
    with database.read() as tx:
        seen = inspect(tx)
        return {name: [str(column) for column in seen.get_columns(name)] for name in seen.get_table_names()}
