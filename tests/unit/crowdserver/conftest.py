"""A running crowd server for every test, on sqlite or on PostgreSQL, and the hands of its workers."""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, update

from crowdserver.protocol.credentials import Credentials
from crowdserver.storage import schema
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd as Opened
from crowdserver.worker import assignments
from tests.support import postgresql
from tests.support.crowds import Crowd, html_question

BOTH = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)

_PROPERTIES = {"Title": "Label a picture", "Description": "Say what is in it", "Reward": "0.50"}


@pytest.fixture(autouse=True)
def no_credentials_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine knows of AWS must not decide a test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "CROWD_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the server of a test uses; mark a test with BOTH to run it on each."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgresql.Cluster]:
    if postgresql.missing():
        pytest.skip(postgresql.missing())
    with postgresql.Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def on_sqlite() -> Iterator[Crowd]:
    with Crowd() as crowd:
        yield crowd


@pytest.fixture(scope="session")
def on_postgresql(cluster: postgresql.Cluster) -> Iterator[Crowd]:
    """Two processes, as on two dynos."""
    with Crowd(database=cluster.url, processes=2) as crowd:
        yield crowd


@pytest.fixture(scope="session")
def databases() -> Iterator[dict[str, Database]]:
    """The databases of the running servers, by their addresses; opened once, for that costs more than a test."""
    opened: dict[str, Database] = {}
    yield opened
    for database in opened.values():
        database.close()


@pytest.fixture
def crowd(backend: str, request: pytest.FixtureRequest, databases: dict[str, Database]) -> Crowd:
    """A running server with the control API and an account of its own, which nobody has used yet."""
    running: Crowd = request.getfixturevalue(f"on_{backend}")
    url = running.database_url
    if url not in databases:
        databases[url] = Database(url)
    _empty(databases[url])
    return running


@pytest.fixture
def client(crowd: Crowd) -> Any:
    """A boto3 client that tries once and tells every error."""
    return crowd.client()


@pytest.fixture
def requester(client: Any) -> "Requester":
    return Requester(client)


@pytest.fixture
def hands(crowd: Crowd, databases: dict[str, Database]) -> "Hands":
    return Hands(Opened(databases[crowd.database_url], Credentials(*crowd.credentials)))


class Requester:
    """Makes HITs, each type with a title of its own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._numbers = itertools.count(1)

    def hit_type(self, **properties: Any) -> str:
        values = {"AssignmentDurationInSeconds": 600, **_PROPERTIES, "Title": f"Lot {next(self._numbers)}"}
        return self.client.create_hit_type(**{**values, **properties})["HITTypeId"]

    def hit(self, hit_type_id: str | None = None, **members: Any) -> dict[str, Any]:
        values = {"LifetimeInSeconds": 3600, "Question": html_question(), **members}
        return self.client.create_hit_with_hit_type(HITTypeId=hit_type_id or self.hit_type(), **values)["HIT"]

    def counters(self, hit_id: str) -> tuple[str, int, int, int]:
        """Status, available, pending and completed."""
        hit = self.client.get_hit(HITId=hit_id)["HIT"]
        names = ("Available", "Pending", "Completed")
        return hit["HITStatus"], *(hit[f"NumberOfAssignments{name}"] for name in names)

    def balance(self) -> tuple[str, str]:
        """What is available and what is held."""
        balance = self.client.get_account_balance()
        return balance["AvailableBalance"], balance["OnHoldBalance"]


class Hands:
    """What workers do, on the server's own database: as the worker site does it, without the site."""

    def __init__(self, crowd: Opened) -> None:
        self.crowd = crowd

    def accept(self, hit_id: str, worker_id: str = "AWORKER1") -> str:
        with self.crowd.writing() as (tx, now):
            return assignments.accept(tx, now, worker_id, hit_id).assignment_id

    def accept_next(self, hit_type_id: str, worker_id: str = "AWORKER1") -> assignments.Assignment:
        with self.crowd.writing() as (tx, now):
            return assignments.accept_next(tx, now, worker_id, hit_type_id)

    def give_back(self, assignment_id: str, worker_id: str = "AWORKER1") -> None:
        with self.crowd.writing() as (tx, now):
            assignments.give_back(tx, now, worker_id, assignment_id)

    def submit(self, assignment_id: str, *fields: tuple[str, str], worker_id: str | None = None) -> None:
        with self.crowd.writing() as (tx, now):
            assignments.submit(tx, now, assignment_id, worker_id, fields or [("label", "cat")])

    def do(self, hit_id: str, worker_id: str = "AWORKER1", *fields: tuple[str, str]) -> str:
        """Accept and submit; the assignment's id."""
        assignment_id = self.accept(hit_id, worker_id)
        self.submit(assignment_id, *fields)
        return assignment_id


def _empty(database: Database) -> None:
    with database.write() as tx:
        for table in reversed(schema.metadata.sorted_tables):
            if table.name not in ("server", "account"):
                tx.execute(delete(table))
        tx.execute(
            update(schema.server).values(clock_offset=0, list_lag=0, counter_lag=0, plain_duplicates=False)
        )
        tx.execute(update(schema.account).values(funds=10_000_00, held=0))
