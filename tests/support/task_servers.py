"""Builds a task server's folder the way its documentation says, and runs the Procfile in it."""

import contextlib
import hashlib
import hmac
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import requests

from tests.support.forks import Process, Streams
from tests.support.processes import free_port

LIBRARY = Path(__file__).parents[2] / "lib"
PACKAGE = LIBRARY / "taskserver"
TOKEN = "the-token-of-this-run-0123456789"
WORKER = "A1TESTWORKER"
CROWD = "http://127.0.0.1:8730"
TEMPLATE = """<!DOCTYPE html>
<html><head><title>Label</title></head><body>
<h1>{{ title }}</h1><p>Is {{ animal }} a mammal?</p>
<form method="post" action="{{ submit_url }}">
<input type="hidden" name="assignmentId" value="{{ assignmentId }}">
<label><input type="radio" name="mammal" value="yes"> yes</label>
<label><input type="radio" name="mammal" value="no"> no</label>
<button {% if preview %}disabled{% endif %}>Submit</button>
</form></body></html>
"""
DEADLINE = 20.0


def animals(count: int) -> Iterable[dict[str, object]]:
    """Rows that fit TEMPLATE."""
    return ({"title": f"Unit {index}", "animal": f"animal number {index}"} for index in range(count))


def write_folder(
    folder: Path, rows: Iterable[Mapping[str, object]], *, template: str = TEMPLATE, **run: object
) -> Path:
    """What a launcher does. Keyword arguments go into run.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in ("taskserver", "webworker"):
        shutil.copytree(LIBRARY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Procfile", "requirements.txt", ".python-version"):
        shutil.copy(PACKAGE / name, folder / name)
    settings = {
        "run_id": "20261122-114502-k3f9",
        "task_name": "animals-pilot-1",
        "allowed_concurrent": 1,
        "assignment_duration_in_seconds": 600,
    }
    (folder / "run.json").write_text(json.dumps(settings | run))
    (folder / "template.html").write_text(template)
    with (folder / "rows.jsonl").open("wb") as lines, (folder / "rows.offsets").open("wb") as offsets:
        for row in rows:
            offsets.write(lines.tell().to_bytes(8, "little"))
            lines.write(json.dumps(row).encode() + b"\n")
    return folder


def unit_key(index: int, token: str = TOKEN) -> str:
    """The key in a unit's link, computed with the line from the documentation."""
    return hmac.new(token.encode(), b"unit:%d" % index, hashlib.sha256).hexdigest()


def unit_path(index: int, assignment: str = "", worker: str = WORKER, **changes: str) -> str:
    """A unit's path and query as a worker's browser would ask for it; without an assignment a preview."""
    query = {"key": unit_key(index)}
    if assignment:
        query |= {
            "assignmentId": assignment,
            "hitId": f"3HIT{index}",
            "workerId": worker,
            "turkSubmitTo": CROWD,
        }
    return f"/unit/{index}?{urlencode(query | changes)}"


class Served:
    """`with Served(folder) as server:` runs the folder's Procfile on a free port until it answers.

    `fresh`: with a fresh interpreter, as everywhere else, in place of one that is forked from the tests' own.
    """

    process: Process | subprocess.Popen[bytes]

    def __init__(self, folder: Path, *, fresh: bool = False, **environ: str) -> None:
        self.folder, self._fresh = folder, fresh
        self.database_url = environ.get("DATABASE_URL", "")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PORT": str(self.port),
            "CROWDOPS_RUN_TOKEN": TOKEN,
        } | environ

    def __enter__(self) -> Self:
        began = time.monotonic()
        self.start()
        while not self.answers():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < began + DEADLINE, self.log()
            time.sleep(0.02)
        self.seconds_to_start = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start without waiting for an answer."""
        program, *arguments = shlex.split((self.folder / "Procfile").read_text().removeprefix("web:"))
        log = str(self.folder / "log")
        if not self._fresh:
            self.process = Process(
                program,
                *arguments,
                "--chdir",
                str(self.folder),  # gunicorn takes the folder in which it was imported
                environment=self._environ,
                streams=Streams(stdout=log, stderr=log),
                folder=self.folder,
                session=True,
            )
            return
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [program, *arguments],
                cwd=self.folder,
                env=self._environ,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL to the whole group. Safe to repeat."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=DEADLINE)

    def log(self) -> str:
        """All that the server wrote."""
        return (self.folder / "log").read_text()

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=DEADLINE, allow_redirects=False)

    def post(
        self, path: str, *, token: str = "", data: Mapping[str, str] | None = None, json: object = None,
        authorization: bytes | None = None,
    ) -> requests.Response:  # fmt: skip
        if token:
            authorization = f"Bearer {token}".encode()
        headers = {} if authorization is None else {"Authorization": authorization}
        return requests.post(
            self.url + path, data, json, headers=headers, timeout=DEADLINE, allow_redirects=False
        )

    def open(
        self, index: int, assignment: str = "", worker: str = WORKER, **changes: str
    ) -> requests.Response:
        return self.get(unit_path(index, assignment, worker, **changes))

    def health(self) -> dict[str, object]:
        health: dict[str, object] = self.get("/health").json()
        return health

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.ConnectionError:
            return False
