"""A throw-away PostgreSQL cluster on a unix socket in a temporary directory."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import pytest

from tests.support.processes import wait_until


def find_binaries() -> Path | None:
    """The directory of initdb and pg_ctl: on PATH, else Debian's newest; None without PostgreSQL."""
    found = shutil.which("initdb")
    if found and shutil.which("pg_ctl", path=str(Path(found).parent)):
        return Path(found).parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return debian[-1].parent if debian else None


def missing() -> str:
    """Return why PostgreSQL cannot be used here, or "". Where it is required, that is a failure."""
    reason = (
        ""
        if find_binaries()
        else "no PostgreSQL here (initdb and pg_ctl; Debian: apt-get install postgresql)"
    )
    if reason and os.environ.get("CROWDOPS_REQUIRE_POSTGRESQL"):
        pytest.fail(reason)
    return reason


class Cluster:
    """`with Cluster() as cluster:` runs a server; cluster.url is a SQLAlchemy URL of an empty database."""

    def __init__(self) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError(missing())
        self._binaries = binaries
        self._databases = 0

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="crowdops-postgresql-"))
        self._identity = self._become_owner()
        try:
            self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--pgdata", self._data)
            self._start()
        except BaseException:
            shutil.rmtree(self.directory)
            raise
        self.url = self.create_database()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)  # what has just ended removes files itself

    def create_database(self) -> str:
        """One more empty database: its URL."""
        self._databases += 1
        name = f"test{self._databases}"
        with psycopg.connect(
            host=str(self.directory), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://postgres@/{name}?host={self.directory}"

    def ask_for_password(self, role: str, password: str) -> None:
        """Make a role that has to give its password."""
        with psycopg.connect(
            host=str(self.directory), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
            rules = self.directory / "data" / "pg_hba.conf"
            rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
            connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: not self._lets_in(role))

    def _lets_in(self, role: str) -> bool:
        try:
            psycopg.connect(host=str(self.directory), user=role, dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def restart(self) -> None:
        """Crash and come back: every open connection is lost."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """Stop the server at once, as if it had crashed; its files stay. Safe to repeat."""
        subprocess.run(
            [self._binaries / "pg_ctl", "--pgdata", self._data, "--wait", "--mode", "immediate", "stop"],
            cwd="/", capture_output=True, check=False, **self._identity,
        )  # fmt: skip

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def _start(self) -> None:
        options = f"-F -k {self.directory} -c listen_addresses='' -c max_connections=200"
        log = str(self.directory / "log")
        self._run("pg_ctl", "--pgdata", self._data, "--wait", "--log", log, "--options", options, "start")

    def _become_owner(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root: then as postgres, or as nobody where that user is missing."""
        if os.geteuid():
            return {}
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            user = pwd.getpwnam("nobody")
        os.chown(self.directory, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        # Output to files, not pipes: the server inherits them and would keep a pipe open.
        with (self.directory / f"{program}.output").open("w+b") as output:
            finished = subprocess.run(
                [self._binaries / program, *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=60,
                **self._identity,
            )
            output.seek(0)
            assert finished.returncode == 0, output.read().decode()
