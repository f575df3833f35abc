"""Invited workers and their links, on a real database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from crowdserver.operations import workers
from crowdserver.protocol.call import InvalidRequest
from crowdserver.storage.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'crowd.db'}")
    opened.prepare(Decimal(10))
    yield opened
    opened.close()


def invite(database: Database, name: str | None = None, worker_id: str | None = None) -> workers.Invitation:
    with database.write() as tx:
        return workers.invite(tx, 1000.0, name, worker_id)


def owner(database: Database, token: str, now: float = 1001.0) -> str | None:
    with database.read() as tx:
        worker = workers.by_token(tx, now, token)
    return worker.worker_id if worker else None


def test_each_new_worker_gets_an_id_of_its_own(database: Database) -> None:
    ids = {invite(database, name=f"Worker {number}").worker_id for number in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"A[A-Z0-9]{13}", worker_id) for worker_id in ids)


def test_each_link_signs_in_its_own_worker(database: Database) -> None:
    first, second = invite(database, "Ada"), invite(database, "Ben")
    assert owner(database, first.token) == first.worker_id
    assert owner(database, second.token) == second.worker_id
    assert owner(database, "guess") is None
    assert owner(database, "") is None


def test_a_link_ends_when_a_newer_one_is_made_for_the_same_worker(database: Database) -> None:
    old, other = invite(database, worker_id="AFIRST"), invite(database, worker_id="ASECOND")
    new = invite(database, worker_id="AFIRST")
    assert owner(database, old.token) is None
    assert owner(database, new.token) == "AFIRST"
    assert owner(database, other.token) == "ASECOND"


def test_a_link_ends_after_ninety_days_and_a_new_one_begins_anew(database: Database) -> None:
    link = invite(database, worker_id="AFIRST")
    assert link.ends_at == 1000.0 + 90 * 86_400
    assert owner(database, link.token, link.ends_at - 1) == "AFIRST"
    assert owner(database, link.token, link.ends_at) is None
    with database.write() as tx:
        newer = workers.invite(tx, link.ends_at, None, "AFIRST")
    assert owner(database, newer.token, link.ends_at) == "AFIRST"


def test_a_known_worker_keeps_the_name_unless_a_new_one_is_given(database: Database) -> None:
    invite(database, "Ada", "AFIRST")
    assert invite(database, None, "AFIRST").name == "Ada"
    assert invite(database, " Ada Lovelace ", "AFIRST").name == "Ada Lovelace"
    assert invite(database, None, "ASECOND").name == ""


def test_the_database_holds_no_token(database: Database, tmp_path: Path) -> None:
    tokens = [invite(database, "Ada").token, invite(database, "Ben").token]
    database.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Ada" in stored
    assert not any(token.encode() in stored for token in tokens)


@pytest.mark.parametrize("worker_id", ["", "A", "B123", "a123", "A-12", "A12 ", "A" * 65, "A1,A1", "A1\n"])
def test_a_bad_worker_id_is_refused(database: Database, worker_id: str) -> None:
    with pytest.raises(InvalidRequest, match="is no worker id: give A and then 1 to 63 capital letters"):
        invite(database, "Ada", worker_id)


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "bell\a"])
def test_a_bad_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(InvalidRequest, match="at most 100 characters, all of them printable"):
        invite(database, name)
