"""A crowd server in a process of its own, for tests: started, talked to, stopped or killed."""

import configparser
import os
import signal
import tempfile
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import psutil
import requests
from botocore.config import Config
from sqlalchemy import delete, update

from crowdserver.protocol.credentials import Credentials
from crowdserver.storage import schema
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd as OpenedCrowd
from tests.support.forks import Process, Streams
from tests.support.processes import first_line, is_over, wait_until

_START_SECONDS = 30
_STOP_SECONDS = 15

# Shared, because reading the service's model takes longer than most tests.
_SESSION = boto3.session.Session()


class CrowdFailed(Exception):
    """The server ended before it was ready; the message is what it wrote to stderr."""


class Crowd:
    """A running `python -m crowdserver`. Use it as a context manager, or start() and stop() it.

    home: where its key pair, and by default its database, lie; a temporary folder if not given.
    extra: more arguments for the command line, as they are.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        database: str | None = None,
        control: bool = True,
        latency_ms: int = 0,
        rate_limit: float | None = None,
        balance: str = "10000.00",
        processes: int = 1,
        port: int = 0,
        extra: tuple[str, ...] = (),
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="crowd-")
        self.home = home or Path(self._temporary.name)
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database_url = database or f"sqlite:///{self.home / 'crowd.db'}"
        self.credentials_file = self.home / "credentials"
        self._port = port
        self._arguments = [f"--credentials={self.credentials_file}"]
        self._arguments += [f"--latency-ms={latency_ms}", f"--balance={balance}", f"--processes={processes}"]
        self._has_control = control
        if control:
            self._arguments.append("--control")
        if rate_limit:
            self._arguments.append(f"--rate-limit={rate_limit}")
        self._arguments += extra
        self._process: Process | None = None
        self._clients: dict[str, Any] = {}
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "database" in self.__dict__:
            self.database.close()
        self.stop()
        self._temporary.cleanup()

    @property
    def pid(self) -> int:
        """The main process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def credentials(self) -> tuple[str, str]:
        """Access key id and secret key."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(self.credentials_file.read_text())
        return parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]

    @cached_property
    def database(self) -> Database:
        """The server's database, opened beside it."""
        return Database(self.database_url)

    @cached_property
    def opened(self) -> OpenedCrowd:
        """What the server's processes work on."""
        return OpenedCrowd(self.database, Credentials(*self.credentials))

    def empty(self) -> None:
        """Make the account as it was before anybody used it."""
        with self.database.write() as tx:
            for table in reversed(schema.metadata.sorted_tables):
                if table.name not in ("server", "account", "identity", "alembic_version"):
                    tx.execute(delete(table))
            as_new = {"clock_offset": 0, "list_lag": 0, "counter_lag": 0, "plain_duplicates": False}
            tx.execute(update(schema.server).values(as_new))
            tx.execute(update(schema.account).values(funds=10_000_00, held=0))
        if self._has_control:
            self.control("calls", method="DELETE")

    @property
    def environment(self) -> dict[str, str]:
        """Variables that send AWS's own tools here."""
        key_id, secret = self.credentials
        return {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_MTURK": self.url,
        }

    def start(self) -> None:
        """Start the server and wait until it answers; a second start takes the port of the first.

        Raises CrowdFailed if it ends instead.
        """
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CROWD"))
        }
        environment["CROWD_DATABASE_URL"] = self.database_url
        log = self.home / "stderr.log"
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "stdout.log"
            self._process = Process(
                "crowdserver",
                "--port",
                str(self._port),
                *self._arguments,
                environment=environment,
                streams=Streams(stdout=str(output), stderr=str(log)),
            )
            line = first_line(self._process, output)
        if not line.startswith("crowd server ready at "):
            self.kill()
            raise CrowdFailed(log.read_text())
        self.url = line.removeprefix("crowd server ready at ").strip()
        self._port = int(self.url.rpartition(":")[2])

    def stop(self, sign: signal.Signals = signal.SIGINT) -> int | None:
        """End the server as Ctrl-C would, or with another signal; returns its exit code, if it ran."""
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.send_signal(sign)
        return self._process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End the server as a power cut would: kill -9 its main process, and wait until the port is free."""
        assert self._process is not None
        children = (
            psutil.Process(self._process.pid).children(recursive=True) if self._process.poll() is None else []
        )
        self._process.kill()
        self._process.wait(_STOP_SECONDS)
        wait_until(lambda: all(is_over(child) for child in children), _STOP_SECONDS)

    @property
    def shared_client(self) -> Any:
        """A client for all tests on this server, as long as it is at this address."""
        if self.url not in self._clients:
            self._clients[self.url] = self.client()
        return self._clients[self.url]

    def client(self, **config: Any) -> Any:
        """A boto3 client for this server. config: botocore.config.Config's own arguments."""
        key_id, secret = self.credentials
        return _SESSION.client(
            "mturk",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(**{"retries": {"total_max_attempts": 1}, "max_pool_connections": 64, **config}),
        )

    def control(self, path: str, json: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """Call the control API at a path such as "clock": GET, POST with a body, or what method says."""
        method = method or ("GET" if json is None else "POST")
        response = requests.request(method, f"{self.url}/_control/{path}", json=json, timeout=10)
        response.raise_for_status()
        return response.json()

    def advance(self, seconds: float) -> None:
        """Move the server's clock forward."""
        self.control("clock", {"advance_seconds": seconds})

    def calls(self) -> dict[str, dict[str, int]]:
        """The API calls so far, by operation."""
        numbers: dict[str, dict[str, int]] = self.control("calls")
        return numbers

    def number_of_calls(self) -> int:
        """All API calls so far, good and bad."""
        return sum(number["ok"] + number["failed"] for number in self.calls().values())
