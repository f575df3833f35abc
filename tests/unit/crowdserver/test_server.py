"""The server as a process: starts, says so, refuses what cannot work, stops, is killed without a loss."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import inspect, text, update

from crowdserver.api import SERVER_ID_HEADER
from crowdserver.storage import schema
from crowdserver.storage.database import Database, DatabaseError
from tests.support import postgresql
from tests.support.crowds import Crowd, CrowdFailed
from tests.support.forks import Process, Streams
from tests.support.half_sent import held
from tests.support.processes import SOON, free_port, is_over, wait_until
from tests.support.requesters import BOTH, Requester

HALF_SENT = 500


def refusal(folder: Path, *arguments: str, code: int = 2, database: str = "") -> str:
    """Run the server's command line where it must refuse to serve: the one line that says why.

    click puts its usage before what is wrong with an option.
    """
    streams = Streams(stdout=str(folder / "out"), stderr=str(folder / "said"))
    environment = {**os.environ, "CROWDOPS_HOME": str(folder), "CROWD_DATABASE_URL": database}
    process = Process("crowdserver", *arguments, environment=environment, streams=streams)
    assert (process.wait(30), (folder / "out").read_text()) == (code, "")
    *before, line = (folder / "said").read_text().splitlines()
    assert [words.partition(" ")[0] for words in before] in ([], ["Usage:", "Try", ""])
    (folder / "said").unlink()
    return line


def test_one_line_says_that_it_is_ready(tmp_path: Path) -> None:
    with Crowd(tmp_path / "home", processes=2) as crowd:
        assert requests.get(f"{crowd.url}/health", timeout=10).json()["status"] == "ok"
        assert crowd.url.startswith("http://127.0.0.1:")
        assert crowd.stop(signal.SIGTERM) == 0
        assert (tmp_path / "home" / "stderr.log").read_text() == ""


def server_id(crowd: Crowd) -> str:
    """Return the identity that a server tells."""
    return str(requests.get(f"{crowd.url}/health", timeout=10).json()["server_id"])


def test_every_answer_says_which_server_it_comes_from_wherever_it_listens(tmp_path: Path) -> None:
    with Crowd(tmp_path, processes=2) as crowd:
        made = server_id(crowd)
        answers = [requests.get(f"{crowd.url}{path}", timeout=10) for path in ("/", "/health", "/nothing")]
        answers.append(requests.post(crowd.url, data=b"not signed", timeout=10))
        assert {answer.headers[SERVER_ID_HEADER] for answer in answers} == {made}
        assert [answer.status_code for answer in answers][1:3] == [200, 404]
        answer = crowd.client().get_account_balance()["ResponseMetadata"]
        assert answer["HTTPHeaders"][SERVER_ID_HEADER.lower()] == made
    with Crowd(tmp_path) as moved, Crowd() as other:
        assert server_id(moved) == made
        assert server_id(other) != made


def test_a_call_that_is_meant_for_another_server_is_refused_before_it_does_anything(tmp_path: Path) -> None:
    with Crowd(tmp_path) as crowd:
        client = crowd.client()
        meant_for = {SERVER_ID_HEADER: "another"}
        client.meta.events.register(
            "before-call.mturk", lambda params, **_: params["headers"].update(meant_for)
        )
        requester = Requester(client)
        with pytest.raises(ClientError, match=f"crowd server {server_id(crowd)}, not another") as refused:
            requester.hit_type()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
        meant_for[SERVER_ID_HEADER] = server_id(crowd)
        assert requester.hit_type()


def test_what_cannot_work_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(tmp_path, "--port", str(port)) == (
            f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use. Does a crowd server run"
            " there already? Stop it, or take another port: --port 0"
        )
    assert refusal(tmp_path, "--host", "lab.invalid", "--port", "0") == (
        "Error: cannot listen on lab.invalid port 0: Name or service not known. Take an address of this"
        " machine; what it is called outside is --public-url"
    )
    assert refusal(tmp_path, "--host", "0.0.0.0", "--control") == (
        "Error: --control lets anybody who reaches the server move its clock: not on 0.0.0.0"
    )
    assert refusal(tmp_path, "--public-url", "https://lab.example", "--control") == (
        "Error: --control lets anybody who reaches the server move its clock: not on lab.example"
    )
    assert refusal(tmp_path, "--public-url", "lab.example/crowd") == (
        "Error: Invalid value for '--public-url': 'lab.example/crowd' is not like https://lab.example or"
        " https://lab.example/crowd"
    )
    assert refusal(tmp_path, "--trusted-proxies", "nginx") == (
        "Error: Invalid value for '--trusted-proxies': 'nginx' does not appear to be an IPv4 or IPv6 network."
        " Write addresses: 10.0.0.7,10.1.0.0/16"
    )
    assert refusal(tmp_path, database="mysql://x/y") == (
        "Error: a crowd server keeps its state in sqlite or PostgreSQL, not in 'mysql'; write"
        " sqlite:////path/to/file.db or postgresql://USER:PASSWORD@HOST/NAME"
    )
    for mistyped in (
        "postgresql//me:secret@host/db",
        "postgresql://me:secret@host:port/db",
        "sqlite://a/c.db",
    ):
        line = refusal(tmp_path, database=mistyped)
        assert line.startswith("Error: CROWD_DATABASE_URL is not a database address; write sqlite:////")
        assert "secret" not in line
    assert refusal(tmp_path, database="sqlite://") == (
        "Error: a crowd server needs a database in a file; in memory it would forget everything"
    )
    assert refusal(tmp_path, "--balance", "1.005") == (
        "Error: Invalid value for '--balance': '1.005' is not an amount of money with at most two decimals"
    )
    for amount in ("NaN", "1e2", "1_000", "1,250", "-1", "\uff11"):
        assert "is not an amount of money with at most" in refusal(tmp_path, "--balance", amount)
    port = free_port()
    line = refusal(tmp_path, database=f"postgresql://me:secret@127.0.0.1:{port}/none?sslpassword=secret")
    assert line.startswith(f"Error: cannot use the database postgresql://me:***@127.0.0.1:{port}/none: ")
    assert "Connection refused. Does it run" in line and "is CROWD_DATABASE_URL right?" in line
    assert "secret" not in line


@BOTH
def test_somebody_elses_database_is_left_as_it_is(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = backend == "sqlite"
    url = (
        f"sqlite:///{tmp_path}/other.db" if is_file else request.getfixturevalue("cluster").create_database()
    )
    database = Database(url)
    with database.write() as tx:
        tx.execute(text("CREATE TABLE hits (song TEXT)"))
    with pytest.raises(DatabaseError, match=r"tables of something else \(hits\); give the crowd server one"):
        database.prepare(Decimal(0))
    with database.read() as tx:
        assert inspect(tx).get_table_names() == ["hits"]
    database.close()


def test_a_wrong_password_is_told_without_the_password(cluster: postgresql.Cluster) -> None:
    cluster.ask_for_password("panel", "right")
    url = cluster.create_database().replace("postgres@", "panel:wrong-one@")
    with pytest.raises(DatabaseError, match='authentication failed for user "panel". Does it run') as told:
        Database(url).prepare(Decimal(0))
    assert "wrong-one" not in str(told.value)


def test_another_key_than_the_databases_is_told(tmp_path: Path) -> None:
    with Crowd(tmp_path) as crowd:
        crowd.stop()
        crowd.credentials_file.unlink()
        crowd.start()
        said = (crowd.home / "stderr.log").read_text()
        assert f"{crowd.credentials_file} was missing and is a new key pair: named keys" in said


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Crowd(tmp_path) as crowd:
        crowd.client().get_account_balance()
    database = Database(crowd.database_url)
    with database.write() as tx:
        tx.execute(update(schema.server).values(schema_version=2))
    database.close()
    with (
        pytest.raises(CrowdFailed, match="has schema version 2; this crowd server knows only 1"),
        Crowd(tmp_path),
    ):
        pass


@BOTH
def test_a_database_from_before_there_were_bonuses_gets_what_it_lacks(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("cluster").create_database() if backend == "postgresql" else None
    with Crowd(tmp_path, database=url) as crowd:
        hit_id = Requester(crowd.client()).hit()["HITId"]
        crowd.stop()
        later = ("identity", "bonuses", "qualification_requests", "grants", "qualification_types", "blocks")
        database = Database(crowd.database_url)
        with database.write() as tx:
            schema.metadata.drop_all(tx, [schema.metadata.tables[name] for name in later])
        database.close()
        crowd.start()
        made = server_id(crowd)
        crowd.stop()
        crowd.start()
        assert server_id(crowd) == made
        client = crowd.client()
        client.create_qualification_type(Name="n", Description="d", QualificationTypeStatus="Active")
        assert client.list_bonus_payments(HITId=hit_id)["BonusPayments"] == []
        assert client.list_worker_blocks()["WorkerBlocks"] == []


def test_the_key_pair_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    with Crowd(tmp_path) as crowd:
        pair = crowd.credentials
        crowd.stop()
        crowd.start()
        assert crowd.credentials == pair
        assert crowd.client().get_account_balance()["AvailableBalance"] == "10000.00"
    names = {path.name.removesuffix("-wal").removesuffix("-shm") for path in tmp_path.iterdir()}
    assert names == {"credentials", "crowd.db", "stderr.log"}
    crowd.credentials_file.chmod(0o640)
    with pytest.raises(CrowdFailed, match=f"others can read {tmp_path}/credentials; run: chmod 600"), crowd:
        pass


def test_the_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "crowdserver", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CROWDOPS_HOME": str(tmp_path / "home")},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("crowd server ready at http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    crowd = tmp_path / "home" / "crowd"
    assert stat.S_IMODE(crowd.stat().st_mode) == 0o700
    assert stat.S_IMODE((crowd / "credentials").stat().st_mode) == 0o600
    assert (crowd / "crowd.db").exists()


def test_servers_that_start_at_once_agree(tmp_path: Path) -> None:
    crowds = [Crowd(tmp_path) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda crowd: crowd.start(), crowds))
    try:
        Requester(crowds[0].client()).hit()
        assert [len(crowd.client().list_hits()["HITs"]) for crowd in crowds] == [1, 1]
    finally:
        for crowd in crowds:
            crowd.stop()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_kill_in_the_middle_of_load_loses_nothing(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None
    if backend == "postgresql":
        if postgresql.missing():
            pytest.skip(postgresql.missing())
        url = request.getfixturevalue("cluster").create_database()
    with Crowd(tmp_path, database=url, processes=2) as crowd:
        kind = Requester(crowd.client()).hit_type(Reward="0.05")
        made = _create_until_killed(crowd, kind)
        crowd.start()
        _check_consistent(crowd, made)


def _create_until_killed(crowd: Crowd, kind: str) -> set[str]:
    """Create HITs from eight threads and kill the server under them; the ids that were answered."""
    made: set[str] = set()
    requester = Requester(crowd.client())

    def create() -> None:
        while True:
            try:
                made.add(requester.hit(kind, MaxAssignments=2)["HITId"])
            except (BotoCoreError, ClientError, KeyError):
                # KeyError: boto3 takes an answer that was cut off for an empty one.
                return

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(made) >= 40)
    crowd.kill()
    for thread in threads:
        thread.join()
    return made


def _check_consistent(crowd: Crowd, made: set[str]) -> None:
    client = crowd.client()
    listed = [
        hit for page in client.get_paginator("list_hits").paginate(MaxResults=100) for hit in page["HITs"]
    ]
    assert made <= {hit["HITId"] for hit in listed}
    # What was on its way when the server died may be there or not, but never by half.
    balance = client.get_account_balance()
    assert float(balance["OnHoldBalance"]) == pytest.approx(0.12 * len(listed))
    assert float(balance["AvailableBalance"]) == pytest.approx(10_000 - 0.12 * len(listed))


def test_nothing_serves_on_when_the_main_process_is_killed(tmp_path: Path) -> None:
    with Crowd(tmp_path, processes=2) as crowd:
        wait_until(lambda: len(psutil.Process(crowd.pid).children()) == 2)
        children = psutil.Process(crowd.pid).children(recursive=True)
        os.kill(crowd.pid, signal.SIGKILL)
        wait_until(lambda: all(is_over(child) for child in children))
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{crowd.url}/health", timeout=2)


def test_a_stop_lets_calls_in_flight_finish(tmp_path: Path) -> None:
    with Crowd(tmp_path, latency_ms=700) as crowd:
        client = crowd.client()
        with ThreadPoolExecutor() as pool:
            call = pool.submit(client.get_account_balance)
            wait_until(lambda: _is_busy(crowd))
            begun = time.monotonic()
            assert crowd.stop(signal.SIGTERM) == 0
            assert time.monotonic() - begun < SOON
            assert call.result()["AvailableBalance"] == "10000.00"


def _is_busy(crowd: Crowd) -> bool:
    port = int(crowd.url.rpartition(":")[2])
    connections: list[Any] = [
        connection
        for child in psutil.Process(crowd.pid).children()
        for connection in child.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    ]
    return bool(connections)


def test_what_an_sqlite_database_answered_is_on_the_disk(tmp_path: Path) -> None:
    with Crowd(tmp_path):
        database = Database(f"sqlite:///{tmp_path}/crowd.db")
        with database.read() as tx:
            settings = [
                tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "synchronous")
            ]
        database.close()
    # 2 is FULL.
    assert settings == ["wal", 2]


def test_half_sent_requests_hold_up_neither_health_nor_calls_nor_the_end(tmp_path: Path) -> None:
    with Crowd(tmp_path) as crowd:
        client = crowd.client(max_pool_connections=1)
        client.get_account_balance()
        port = int(crowd.url.rpartition(":")[2])

        def seconds() -> float:
            """How long health and a signed call take together, each on a connection of its own."""
            with held(port, HALF_SENT):
                begun = time.monotonic()
                assert requests.get(f"{crowd.url}/health", timeout=30).ok
                crowd.client().get_account_balance()
                return time.monotonic() - begun

        # A busy machine may take longer than the server.
        wait_until(lambda: seconds() < 1, 60)
        with held(port, HALF_SENT):
            client.get_account_balance()
            assert crowd.stop(signal.SIGTERM) == 0
        said = (tmp_path / "stderr.log").read_text().splitlines()
        assert {line.partition(" ")[2] for line in said} == {"key first: GetAccountBalance ok"}
