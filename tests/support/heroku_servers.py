"""A home with runs in its registry, and an account on the Heroku emulator to deploy to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crowdops.config import parameters
from crowdops.config.settings import Settings, resolve
from crowdops.context import Context
from crowdops.formats import marks
from crowdops.registry import Registry, Run, Server
from crowdops.runs import entry, plan
from tests.support.heroku.emulator import TOKEN
from tests.support.heroku.running import RunningEmulator
from tests.support.scripts import Script
from tests.support.worlds import Invoked, invoke

PAGE = """<!DOCTYPE html><title>Sort</title><p>{{ text }}</p>
<form method="post" action="{{ submit_url }}"><input type="hidden" name="assignmentId" value="{{ assignmentId }}">
<input name="label"><button>Submit</button></form>"""
RUN_TOML = """
[task]
task_name = "{task_name}"
task_title = "Sort messages"
task_description = "Say what a message is about."
task_reward = "0.05"
data = "items.csv"
template = "task.html"
assignment_duration_in_seconds = 600
{task}
[server]
kind = "heroku"
{server}
"""


class HerokuWorld:
    """See the module. Scripts in the test's process and in their own find it through the environment."""

    def __init__(self, emulator: RunningEmulator, folder: Path) -> None:
        self.emulator, self.folder, self.home = emulator, folder, folder / "home"
        self.variables = {
            "HEROKU_HOST": emulator.url,
            "HEROKU_API_KEY": TOKEN,
            "CROWDOPS_HOME": str(self.home),
        }
        self._started: list[Script] = []

    def close(self) -> None:
        for script in self._started:
            script.kill()

    @property
    def settings(self) -> Settings:
        return resolve({}, quiet=True, verbose=False, as_json=False)

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        with Registry.open(self.home) as registry:
            yield registry

    # Runs

    def write_task(
        self, task_name: str = "pilot-1", *, rows: int = 2, task: str = "", server: str = ""
    ) -> Path:
        """Write run.toml, task.html and items.csv; returns the run.toml."""
        folder = self.folder / task_name
        folder.mkdir()
        (folder / "task.html").write_text(PAGE)
        (folder / "items.csv").write_text("text\n" + "".join(f"message {number}\n" for number in range(rows)))
        path = folder / "run.toml"
        path.write_text(RUN_TOML.format(task_name=task_name, task=task, server=server))
        return path

    def add_run(self, task_name: str = "pilot-1", *, state: str = "finished", **parts: Any) -> Run:
        """Put a run into the registry that this process does not attend: ended, or "running" and so crashed."""
        planned = plan.plan(
            parameters.load(self.write_task(task_name, **parts), {}), self.settings, detach=False
        )
        with Context.open(self.settings) as context:
            run = entry.enter(context, planned, marks.new_run_id(), detached=state == "detached")
            context.registry.set_run_state(run.run_id, "running" if state == "detached" else state)
        return run

    def servers(self, *states: str) -> list[Server]:
        """The registry's rows."""
        with self.registry() as registry:
            return registry.servers(*(states or ("creating", "up", "gone")))

    # Scripts

    def invoke(self, script: str, *args: str) -> Invoked:
        return invoke(f"heroku/{script}", *args)

    def launch(self, run: Run, *args: str) -> str:
        """Launch a run's server; returns the app's name."""
        result = self.invoke("launch_server", run.run_id, "--json", *args)
        assert result.exit_code == 0, result.stderr
        return str(json.loads(result.stdout)["name"])

    def status(self, *args: str) -> dict[str, Any]:
        result = self.invoke("print_server_status", "--json", *args)
        assert result.exit_code == 0, result.stderr
        return dict(json.loads(result.stdout))

    def kill(self, *args: str) -> dict[str, Any]:
        """Run kill_servers --yes; its document, with the exit code and what it said."""
        result = self.invoke("kill_servers", "--json", "--yes", *args)
        assert result.stdout, result.stderr
        return {**json.loads(result.stdout), "exit_code": result.exit_code, "said": result.stderr}

    def start(self, script: str, *args: str) -> Script:
        """Start a script, such as "heroku/launch_server", in a process of its own."""
        environment = {**os.environ, **self.variables}
        self._started.append(Script(script, *args, environment=environment, folder=self.folder))
        return self._started[-1]

    # The account

    def apps(self) -> list[str]:
        """The names of all apps that the account sees."""
        return sorted(app["name"] for app in self.emulator.get("/apps"))

    def add_app(self, name: str, config_vars: dict[str, str], *, token: str = TOKEN, team: str = "") -> str:
        """An app that somebody made with these config vars; returns its id."""
        path, body = ("/teams/apps", {"name": name, "team": team}) if team else ("/apps", {"name": name})
        made = self.emulator.call("POST", path, body, token=token)
        assert made.status_code == 201, made.text
        app_id = str(made.json()["id"])
        if config_vars:
            self.emulator.call("PATCH", f"/apps/{app_id}/config-vars", config_vars, token=token)
        return app_id
