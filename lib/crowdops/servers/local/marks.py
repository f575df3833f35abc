"""How a task server on this machine is told from everything else that runs here.

What stands in the environment of a process says whose server it is; a pid says so only with its start time.
Another home's servers are another lab's: they are not seen.
"""

from __future__ import annotations

from datetime import UTC, datetime

from crowdops.config.settings import Settings
from crowdops.providers import processes
from crowdops.providers.processes import Process
from crowdops.registry import Server

KIND = "local"
PREFIX = "local-"


def is_our_name(name: str) -> bool:
    """Return whether a name has the form of those that servers on this machine have."""
    return name.startswith(PREFIX)


def mark_vars(settings: Settings, server: Server) -> dict[str, str]:
    """Return the variables that say whose server a process is, and what it serves."""
    values = {
        **home_marks(settings),
        "CROWDOPS_SERVER": server.name,
        "CROWDOPS_RUN_ID": server.run_id or "",
        "CROWDOPS_TASK_NAME": server.detail.get("task_name") or "",
        "CROWDOPS_OWN_APP": "1" if server.detail.get("own_app") else "",
    }
    return {name: value for name, value in values.items() if value}


def home_marks(settings: Settings) -> dict[str, str]:
    """Return the variables that every process of this home's servers was started with."""
    return {"CROWDOPS_MANAGED": "1", "CROWDOPS_HOME": str(settings.home.resolve())}


def find(settings: Settings, server: Server) -> list[Process]:
    """Return every process of a server: by its marks, and by the session of the pid that was written down."""
    marked = processes.find_with({**home_marks(settings), "CROWDOPS_SERVER": server.name})
    if "pid" not in server.detail:
        return marked
    leader = processes.find(server.detail["pid"], server.detail["started"])
    session = processes.find_session(leader) if leader else []
    return list({process.pid: process for process in [*session, *marked]}.values())


def read(name: str, process: Process, row: Server | None) -> Server:
    """Return a server as its oldest process has it; `row` is what the registry has of it."""
    variables = process.variables
    detail = {
        **(row.detail if row else {}),
        "task_name": variables.get("CROWDOPS_TASK_NAME"),
        "own_app": "CROWDOPS_OWN_APP" in variables,
        "pid": process.pid,
        "started": process.started,
    }
    url = f"http://127.0.0.1:{variables.get('PORT', '')}"
    created = datetime.fromtimestamp(process.started, UTC)
    return Server(name, variables.get("CROWDOPS_RUN_ID"), KIND, name, "up", url, detail, created, None)
