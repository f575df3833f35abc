"""A home with runs in its registry, and the scripts that serve them on this machine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from crowdops.config import parameters
from crowdops.config.settings import Settings, resolve
from crowdops.context import Context
from crowdops.formats import marks
from crowdops.providers import processes
from crowdops.registry import Registry, Run, Server
from crowdops.runs import entry, plan
from crowdops.servers import links
from tests.support.scripts import Script
from tests.support.serving import SERVED_PAGE
from tests.support.worlds import Invoked, invoke

RUN_TOML = """
[task]
task_name = "{task_name}"
task_title = "Sort messages"
task_description = "Say what a message is about."
task_reward = "0.05"
data = "items.csv"
template = "task.html"
assignment_duration_in_seconds = 600
allowed_concurrent = {cap}
[server]
kind = "local"
"""


class LocalWorld:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self._started: list[Script] = []

    def close(self) -> None:
        """End whatever still runs of this home."""
        for script in self._started:
            script.kill()
        for process in self.processes():
            os.kill(process.pid, signal.SIGKILL)

    @property
    def settings(self) -> Settings:
        return resolve({}, quiet=True, verbose=False, as_json=False)

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        with Registry.open(self.home) as registry:
            yield registry

    def add_run(
        self, task_name: str = "pilot-1", *, state: str = "finished", rows: int = 2, cap: int = 0
    ) -> Run:
        """Put a run into the registry that this process does not attend: ended, or "running" and so crashed."""
        folder = self.folder / task_name
        folder.mkdir()
        (folder / "task.html").write_text(SERVED_PAGE)
        (folder / "items.csv").write_text("text\n" + "".join(f"message {number}\n" for number in range(rows)))
        (folder / "run.toml").write_text(RUN_TOML.format(task_name=task_name, cap=cap))
        planned = plan.plan(parameters.load(folder / "run.toml", {}), self.settings, detach=False)
        with Context.open(self.settings) as context:
            run = entry.enter(context, planned, marks.new_run_id(), detached=state == "detached")
            context.registry.set_run_state(run.run_id, "running" if state == "detached" else state)
        return run

    def write_app(self, name: str = "own-app", command: str = "") -> Path:
        """A requester's own app, with a process that its web process starts."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "index.html").write_text("our own app")
        serve = "sleep 1000 & python3 -m http.server $PORT --bind 127.0.0.1"
        (folder / "Procfile").write_text(f"web: {command or serve}\n")
        return folder

    # What runs

    def processes(self) -> list[processes.Process]:
        """All processes of this home's servers, the oldest first."""
        return processes.find_with({"CROWDOPS_MANAGED": "1", "CROWDOPS_HOME": str(self.home.resolve())})

    def rows(self, *states: str) -> list[Server]:
        """The registry's servers."""
        with self.registry() as registry:
            return registry.servers(*(states or ("creating", "up", "gone")))

    def page(self, run: Run, index: int, **query: str) -> requests.Response:
        """A unit's page, by its link; without a query a preview."""
        (row,) = (row for row in self.rows("up") if row.run_id == run.run_id)
        token = links.read_token(self.home / "runs" / run.run_id)
        return requests.get(links.unit_url(row.url or "", token, index), params=query, timeout=5)

    # Scripts

    def invoke(self, script: str, *args: str) -> Invoked:
        return invoke(f"local/{script}", *args)

    def launch(self, run: Run, *args: str) -> dict[str, Any]:
        """Launch a run's server; its document."""
        result = self.invoke("launch_server", run.run_id, "--json", *args)
        assert result.exit_code == 0, result.stderr
        return dict(json.loads(result.stdout))

    def status(self, *args: str) -> list[dict[str, Any]]:
        """What print_server_status shows."""
        result = self.invoke("print_server_status", "--json", *args)
        assert result.exit_code == 0, result.stderr
        document = json.loads(result.stdout)
        assert document["foreign_apps"] == 0
        return list(document["servers"])

    def kill(self, *args: str) -> dict[str, Any]:
        """Run kill_servers --yes; its document, with the exit code and what it said."""
        result = self.invoke("kill_servers", "--json", "--yes", *args)
        assert result.stdout, result.stderr
        return {**json.loads(result.stdout), "exit_code": result.exit_code, "said": result.stderr}

    def start(self, script: str, *args: str, struck: tuple[str, ...] = ()) -> Script:
        """Start a script, such as "launch_server", in a process of its own."""
        folder, environment = self.folder, dict(os.environ)
        started = Script(f"local/{script}", *args, environment=environment, folder=folder, struck=struck)
        self._started.append(started)
        return started

    def strike(self, when: str, number: int, *args: str) -> int:
        """Run launch_server and kill it at its registry commit of that number; its exit code."""
        return self.start("launch_server", *args, struck=("SIGKILL", when, str(number))).end()
