"""Runs whose pages are served on this machine, and workers who come through the worker site."""

from __future__ import annotations

import json
import random
from typing import Any

import requests

from crowdops.providers.crowd_server.client import WorkerSession
from crowdops.providers.crowd_server.pages import Task
from crowdops.simulation import answers
from tests.support.home import Home
from tests.support.offers import invite
from tests.support.processes import is_over, wait_until
from tests.support.scripts import Script

SERVED_PAGE = """<!DOCTYPE html><html><head><title>Look</title></head><body><h1>{{ text }}</h1>
<form method="post" action="{{ submit_url }}">
<input type="hidden" name="assignmentId" value="{{ assignmentId }}">
<label><input type="radio" name="label" value="cat" required> cat</label>
<label><input type="radio" name="label" value="dog"> dog</label>
<button>Submit</button></form></body></html>"""
FRAGILE_APP = "web: python3 -c 'print(\"no library of that name\"); raise SystemExit(3)'\n"


class Serving(Home):
    """A home whose runs are served."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._sessions: list[WorkerSession] = []

    def close(self) -> None:
        """End what still runs."""
        super().close()
        for session in self._sessions:
            session.close()

    def serve(self, *arguments: str, **options: Any) -> Script:
        """Start a launch_run whose pages are served on this machine. `options`: see launch_run()."""
        return self.launch_run("--set", "kind=local", *arguments, **{"page": SERVED_PAGE, **options})

    # The server

    def server(self) -> dict[str, Any]:
        """Return the registry's newest row of a server."""
        rows = self.sql("SELECT server_id, state, url, detail FROM servers ORDER BY created_at DESC LIMIT 1")
        (server_id, state, url, detail), *_ = rows
        return {"name": server_id, "state": state, "url": url, **json.loads(detail)}

    def kill_server(self) -> None:
        """Kill -9 every process of the server, and wait until they are over."""
        running = self.server_processes()
        assert running
        for process in running:
            process.kill()
        wait_until(lambda: all(is_over(process) for process in running))

    def health(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        return dict(requests.get(f"{self.server()['url']}/health", timeout=5).json())

    def is_answering(self) -> bool:
        """Return whether the server answers."""
        try:
            return bool(self.health())
        except requests.ConnectionError:
            return False

    # The workers

    def sign_in(self, name: str) -> WorkerSession:
        """Return a worker who has signed in, with a browser without JavaScript."""
        session = WorkerSession(invite(self.crowd, name=name)["url"], 10)
        session.sign_in()
        self._sessions.append(session)
        return session

    def take(self, worker: WorkerSession) -> Task:
        """Let a worker accept the next unit, once there is one."""
        wait_until(lambda: any(group.accept for group in worker.work()))
        return worker.accept_next(next(group for group in worker.work() if group.accept))

    def fill_in(self, worker: WorkerSession, task: Task) -> None:
        """Let a worker open a unit's page, fill it in and submit it."""
        form = worker.read(task)
        worker.submit(form, answers.fill(form, random.Random(1)))
