"""PostgreSQL: few round trips, no connection that is dead, and what it knows of the tables."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import psycopg
import pytest
from sqlalchemy import text

from crowdserver.storage import postgresql
from tests.support.crowded import Account
from tests.support.postgresql import Cluster
from tests.support.processes import wait_until


@pytest.fixture
def account(cluster: Cluster) -> Iterator[Account]:
    opened = Account(cluster.create_database())
    yield opened
    opened.close()


def test_a_connection_that_postgresql_has_ended_is_made_anew(account: Account, cluster: Cluster) -> None:
    with account.database.read() as tx:
        pid: int = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(host=str(cluster.directory), user="postgres", dbname="postgres") as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    wait_until(lambda: not psutil.pid_exists(pid), 60)
    assert account.call("GetAccountBalance")["AvailableBalance"] == "1000000000.00"


def test_what_only_reads_begins_no_transaction(account: Account) -> None:
    kept = []
    for opened in (account.database.read, account.database.write):
        with opened() as tx:
            now = text("SELECT now() = statement_timestamp()")
            kept.append([tx.execute(now).scalar_one() for _ in range(2)][1])
    assert kept == [True, False]  # in a transaction it is the moment at which that began


def test_the_tables_are_looked_at_each_time_that_there_are_twice_as_many_hits(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_FEW_HITS", 4)
    known = []
    for _ in range(2):
        for _ in range(3):
            account.create_hit(account.create_type("Many"))
        with account.database.read() as tx:
            rows = text("SELECT reltuples FROM pg_class WHERE relname = 'hits'")
            known.append(tx.execute(rows).scalar_one())
    assert known == [-1, 4]  # after 3 and 6 HITs
