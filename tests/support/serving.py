"""The world of tests/runs, with task servers on this machine and workers who come through the worker site."""

from __future__ import annotations

import json
import os
import random
import signal
from typing import Any

import psutil
import requests

from crowdops.providers import processes
from crowdops.providers.crowd_server.client import Task, WorkerSession
from crowdops.simulation import answers
from tests.support.crowds import is_over, wait_until
from tests.support.launching import Launch, World
from tests.support.offers import invite

SERVED_PAGE = """<!DOCTYPE html><html><head><title>Look</title></head><body><h1>{{ text }}</h1>
<form method="post" action="{{ submit_url }}">
<input type="hidden" name="assignmentId" value="{{ assignmentId }}">
<label><input type="radio" name="label" value="cat" required> cat</label>
<label><input type="radio" name="label" value="dog"> dog</label>
<button>Submit</button></form></body></html>"""
FRAGILE_APP = "web: python3 -c 'print(\"no library of that name\"); raise SystemExit(3)'\n"


class ServedWorld(World):
    """See the module."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        (self.folder / "task.html").write_text(SERVED_PAGE)
        self._sessions: list[WorkerSession] = []

    def close(self) -> None:
        """End what still runs, servers too."""
        super().close()
        for session in self._sessions:
            session.close()
        for process in self.processes():
            os.kill(process.pid, signal.SIGKILL)

    def serve(self, *arguments: str, **options: Any) -> Launch:
        """Start a launch_run whose pages are served on this machine."""
        return self.launch("--set", "kind=local", *arguments, **options)

    def resume(self, run_id: str) -> Launch:
        """Start a launch_run that carries on a crashed run."""
        return self._start("mturk/launch_run", "--resume", run_id, "--yes", "--json")

    # The server

    def processes(self) -> list[processes.Process]:
        """The processes of all servers of this home, the first of each server first."""
        return processes.find_with({"CROWDOPS_MANAGED": "1", "CROWDOPS_HOME": str(self.home.resolve())})

    def server(self) -> dict[str, Any]:
        """The registry's newest row of a server."""
        rows = self.query(
            "SELECT server_id, state, url, detail FROM servers ORDER BY created_at DESC LIMIT 1"
        )
        (server_id, state, url, detail), *_ = rows
        return {"name": server_id, "state": state, "url": url, **json.loads(detail)}

    def kill_server(self) -> None:
        """kill -9 to every process of the server, and wait until they are over."""
        struck = [psutil.Process(process.pid) for process in self.processes()]
        assert struck
        for process in struck:
            os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: all(is_over(process) for process in struck))

    def health(self) -> dict[str, Any]:
        """What the server says of itself."""
        return dict(requests.get(f"{self.server()['url']}/health", timeout=5).json())

    def is_answering(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(self.health())
        except requests.ConnectionError:
            return False

    # The workers

    def worker(self, name: str) -> WorkerSession:
        """A worker who has signed in, with a browser without JavaScript."""
        session = WorkerSession(invite(self.crowd, name=name)["url"], 10)
        session.sign_in()
        self._sessions.append(session)
        return session

    def accept(self, worker: WorkerSession) -> Task:
        """Let a worker accept the next unit, once there is one."""
        wait_until(lambda: any(group.accept for group in worker.work()))
        return worker.accept_next(next(group for group in worker.work() if group.accept))

    def do(self, worker: WorkerSession, task: Task) -> None:
        """Let a worker open a unit's page, fill it in and submit it."""
        form = worker.read(task)
        worker.submit(form, answers.fill(form, random.Random(1)))
