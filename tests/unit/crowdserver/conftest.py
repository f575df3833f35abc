"""A running crowd server for every test, on sqlite or on PostgreSQL."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import postgresql
from tests.support.crowds import Crowd
from tests.support.requesters import Requester
from tests.support.workers import Workers


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
def on_postgresql(cluster: postgresql.Cluster) -> Iterator[Crowd]:
    """Two processes, as on two dynos."""
    with Crowd(database=cluster.url, processes=2) as crowd:
        yield crowd


@pytest.fixture
def crowd(backend: str, request: pytest.FixtureRequest) -> Crowd:
    """A running server with the control API and an account of its own, which nobody has used yet."""
    running: Crowd = request.getfixturevalue("crowd_server" if backend == "sqlite" else "on_postgresql")
    running.empty()
    return running


@pytest.fixture
def client(crowd: Crowd) -> Any:
    """A boto3 client that tries once and tells every error."""
    return crowd.shared_client


@pytest.fixture
def requester(client: Any) -> Requester:
    return Requester(client)


@pytest.fixture
def hands(crowd: Crowd) -> Workers:
    return Workers(crowd)
