"""Task servers of runs that are in the registry already, on this machine or at Heroku, and their scripts."""

from __future__ import annotations

import json
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import requests

from crowdops.config import parameters
from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.formats import marks
from crowdops.providers import processes
from crowdops.registry import Registry, Run, Server
from crowdops.runs import entry, plan
from crowdops.servers import links
from tests.support.heroku.emulator import ACCOUNT_EMAIL, TOKEN
from tests.support.heroku.running import RunningEmulator
from tests.support.home import Home
from tests.support.scripts import Invoked, Script
from tests.support.serving import SERVED_PAGE

UNKNOWN_RUN = "20250101-000000-zzzz"


class Servers:
    """The task servers of one kind, "local" or "heroku", and of one home."""

    kind = ""

    def __init__(self, world: Home) -> None:
        self.world, self.folder, self.home = world, world.folder, world.home

    @property
    def settings(self) -> Settings:
        """The settings of a command in this world."""
        return self.world.settings

    def registry(self) -> AbstractContextManager[Registry]:
        """Open the registry."""
        return self.world.registry()

    def write_run(self, task_name: str = "pilot-1", *, rows: int = 2, server: str = "", **task: Any) -> Path:
        """Write a run.toml; `server` are lines of its [server]."""
        more = f'[server]\nkind = "{self.kind}"\n{server}\n'
        return self.world.write_run(rows, task_name=task_name, page=SERVED_PAGE, more=more, **task)

    def add_run(self, task_name: str = "pilot-1", *, state: str = "finished", **parts: Any) -> Run:
        """Enter a run that this process does not attend: ended, or "running" and so crashed."""
        run_toml = parameters.load(self.write_run(task_name, **parts), {})
        planned = plan.plan(run_toml, self.settings, detach=False)
        with Context.open(self.settings) as context:
            run = entry.enter(context, planned, marks.new_run_id(), detached=state == "detached")
            context.registry.set_run_state(run.run_id, "running" if state == "detached" else state)
        return run

    def rows(self, *states: str) -> list[Server]:
        """Return the registry's servers."""
        with self.registry() as registry:
            return registry.servers(*(states or ("creating", "up", "gone")))

    def invoke(self, script: str, *arguments: str) -> Invoked:
        """Run a script for servers of this kind, such as "kill_servers"."""
        return self.world.invoke(f"{self.kind}/{script}", *arguments)

    def launch(self, run: Run, *arguments: str) -> dict[str, Any]:
        """Launch a run's server; returns the document."""
        return dict(self.world.json(f"{self.kind}/launch_server", run.run_id, *arguments))

    def status(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        """Return the document of print_server_status."""
        script = f"{self.kind}/print_server_status"
        return dict(self.world.json(script, *arguments, exit_code=exit_code))

    def kill(self, *arguments: str) -> dict[str, Any]:
        """Run kill_servers --yes; returns its document, with the exit code and what it said."""
        result = self.invoke("kill_servers", "--json", "--yes", *arguments)
        assert result.stdout, result.stderr
        return {**json.loads(result.stdout), "exit_code": result.exit_code, "said": result.stderr}

    def start(self, script: str, *arguments: str) -> Script:
        """Start a script, such as "mturk/launch_run", in a process of its own."""
        return self.world.start(script, *arguments)


class LocalServers(Servers):
    """Task servers on this machine."""

    kind = "local"

    def close(self) -> None:
        """End whatever still runs of this home."""
        for process in self.processes():
            os.kill(process.pid, signal.SIGKILL)

    def write_app(self, name: str = "own-app", command: str = "") -> Path:
        """Write a requester's own app, with a process that its web process starts."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "index.html").write_text("our own app")
        serve = "sleep 1000 & python3 -m http.server $PORT --bind 127.0.0.1"
        (folder / "Procfile").write_text(f"web: {command or serve}\n")
        return folder

    def processes(self) -> list[processes.Process]:
        """Return all processes of this home's servers, the oldest first."""
        return processes.find_with({"CROWDOPS_MANAGED": "1", "CROWDOPS_HOME": str(self.home.resolve())})

    def page(self, run: Run, index: int, **query: str) -> requests.Response:
        """Get a unit's page, by its link; without a query a preview."""
        (row,) = (row for row in self.rows("up") if row.run_id == run.run_id)
        token = links.read_token(self.home / "runs" / run.run_id)
        return requests.get(links.unit_url(row.url or "", token, index), params=query, timeout=5)

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the servers that print_server_status lists."""
        document = self.status(*arguments)
        assert document["foreign_apps"] == 0
        return list(document["servers"])

    def strike(self, when: str, number: int, *arguments: str) -> int:
        """Run launch_server and kill it at its registry commit of that number; returns its exit code."""
        struck = ("SIGKILL", when, str(number))
        return self.world.start("local/launch_server", *arguments, struck=struck).end()


class HerokuServers(Servers):
    """Task servers at Heroku, and the account that they are in."""

    kind = "heroku"

    def __init__(self, world: Home, emulator: RunningEmulator) -> None:
        super().__init__(world)
        self.emulator = emulator
        world.setenv(HEROKU_HOST=emulator.url, HEROKU_API_KEY=TOKEN)

    def launch_app(self, run: Run, *arguments: str) -> str:
        """Launch a run's server; returns the app's name."""
        return str(self.launch(run, *arguments)["name"])

    def apps(self) -> list[str]:
        """Return the names of all apps that the account sees."""
        return sorted(app["name"] for app in self.emulator.get("/apps"))

    def add_app(self, name: str, config_vars: dict[str, str], *, token: str = TOKEN, team: str = "") -> str:
        """Create an app, as somebody, with these config vars; returns its id."""
        path, body = ("/teams/apps", {"name": name, "team": team}) if team else ("/apps", {"name": name})
        made = self.emulator.call("POST", path, body, token=token)
        assert made.status_code == 201, made.text
        app_id = str(made.json()["id"])
        if config_vars:
            self.emulator.call("PATCH", f"/apps/{app_id}/config-vars", config_vars, token=token)
        return app_id


def marked(
    run_id: str = UNKNOWN_RUN, creator: str = ACCOUNT_EMAIL, task_name: str = "pilot-1"
) -> dict[str, str]:
    """The config vars of an app of ours."""
    return {
        "CROWDOPS_MANAGED": "1",
        "CROWDOPS_RUN_ID": run_id,
        "CROWDOPS_TASK_NAME": task_name,
        "CROWDOPS_CREATOR": creator,
    }
