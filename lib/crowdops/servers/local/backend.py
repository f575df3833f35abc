"""Task servers on this machine: launched for a run, looked at, restarted and taken down."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crowdops.config.settings import Settings
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.errors import ServerFailed, UsageError, files_explained
from crowdops.providers import processes
from crowdops.providers.processes import Process
from crowdops.registry import Run, Server, locks
from crowdops.servers import bundle, links
from crowdops.servers.local import marks, start
from crowdops.servers.local.marks import KIND, PREFIX, is_our_name
from crowdops.servers.status import ServerStatus, Survey, is_answering, is_orphan, known_servers, vanished

__all__ = [  # as a Backend
    "is_answering",
    "is_our_name",
    "launch",
    "restart",
    "survey",
    "take_down",
    "why_left",
]

VANISHED = "the registry has it, and it does not run"
TASK_SERVER = "taskserver"  # stands in the command line of ours
HIDDEN = "it runs a task server, and its environment may not be read: whose it is is not known (ps -fp PID)"


def launch(context: Context, run: Run, token: str, *, keep: bool, should_stop: Callable[[], bool]) -> Server:
    """Serve a run's pages, as Backend.launch() says. ServerFailed tells the end of the log.

    A run has one address on this machine for its whole life, since that stands in its HITs. A server here is
    up in seconds, so `should_stop` is not asked.
    """
    folder = context.settings.run_folder(run.run_id)
    detail = {
        "folder": str(folder / "server"),
        "log": str(folder / "server.log"),
        "task_name": run.task_name,
        "own_app": run.parameters.app_dir is not None,
    }
    name = PREFIX + run.run_id
    known = _known(context, name, detail)
    if known and (standing := _standing(context, known)):
        return standing
    is_built = known is not None and bool(known.detail.get("built")) and (folder / "server").is_dir()
    url = known.url if known else f"http://127.0.0.1:{start.free_port()}"
    detail["built"] = is_built
    server = Server(name, run.run_id, KIND, name, "creating", url, detail, datetime.now(UTC), None)
    if known:
        context.registry.set_server(name, "creating", url, detail)
    else:
        context.registry.add_server(server)
    with _taken_down_on_failure(context, server, keep=keep):
        if not is_built:
            bundle.of_run(context, run)
        server = server._replace(detail={**detail, "built": True})
        return start.bring_up(context, server, token)


def launch_app(context: Context, app_dir: Path, *, keep: bool = False) -> Server:
    """Serve somebody's own app, for no run and from its own folder, and return once it answers.

    Fails as launch() does.
    """
    folder = app_dir.resolve()
    start.web_command(folder)
    slug = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "app"
    name = f"{PREFIX}{slug}-{secrets.token_hex(4)}"
    logs = context.settings.home / "servers"
    with files_explained(logs):
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    detail = {
        "folder": str(folder),
        "log": str(logs / f"{name}.log"),
        "task_name": folder.name,
        "own_app": True,
    }
    url = f"http://127.0.0.1:{start.free_port()}"
    server = Server(name, None, KIND, name, "creating", url, detail, datetime.now(UTC), None)
    context.registry.add_server(server)
    with _taken_down_on_failure(context, server, keep=keep):
        return start.bring_up(context, server, None)


def restart(context: Context, server: Server) -> Server:
    """Bring a server up again at its address, with what it remembers. ServerFailed if it does not come up."""
    _end(context.settings, server)
    try:
        token = links.read_token(context.settings.run_folder(server.run_id)) if server.run_id else None
        return start.bring_up(context, server, token)
    except UsageError as error:  # its folder is not what it was
        raise ServerFailed(f"{server.name} cannot be restarted: {error}") from error
    except ServerFailed:
        _end(context.settings, server)
        raise


def _known(context: Context, name: str, detail: dict[str, Any]) -> Server | None:
    """Return what the registry has of a server, or what one that runs and is not in it says of itself."""
    if known := known_servers(context.registry, KIND).get(name):
        return known
    marked = processes.find_with({**marks.home_marks(context.settings), "CROWDOPS_SERVER": name})
    if not marked:
        return None
    server = marks.read(name, marked[0], None)
    server = server._replace(state="creating", detail={**server.detail, **detail, "built": True})
    context.registry.add_server(server)
    return server


def _standing(context: Context, server: Server) -> Server | None:
    """Return a server that runs and answers already; None, and nothing runs, if it does not."""
    running = marks.find(context.settings, server)
    if running and is_answering(server, context.settings.timeout):
        return start.commit(context.registry, server, "up", running[0])
    _end(context.settings, server)
    return None


@contextmanager
def _taken_down_on_failure(context: Context, server: Server, *, keep: bool) -> Iterator[None]:
    """Take a server down again whose launch fails or is interrupted."""
    with ExitStack() as on_failure:
        on_failure.callback(_give_up, context, server, keep=keep)
        yield
        on_failure.pop_all()


def _give_up(context: Context, server: Server, *, keep: bool) -> None:
    if keep:
        kill = f"make kill-servers NAME={server.name}"
        context.say(f"{server.name} was kept as it is. Take it down: {kill}")
    else:
        take_down(context, server)


def take_down(context: Context, server: Server, *, named: bool = False) -> bool:
    """End all of a server's processes; False if there were none. Safe to repeat.

    What has our marks on this machine is ours, `named` or not. ProviderError if a process cannot be ended.
    """
    ended = _end(context.settings, server)
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    return ended


def _end(settings: Settings, server: Server) -> bool:
    return processes.end(lambda: marks.find(settings, server))


def why_left(context: Context, name: str) -> str | None:
    """Return why a server is not ours to end although its name is like ours; None if none runs."""
    for process in processes.find_with({"CROWDOPS_MANAGED": "1", "CROWDOPS_SERVER": name}):
        home = process.variables.get("CROWDOPS_HOME", "another home")
        return f"it is a server of {home}: to take it down, give --home {home}"
    return None


def survey(context: Context) -> Survey:
    """Return every server of this home on this machine: by its marks, by the registry, or both.

    A process that may be one and that may not be looked into is unseen.
    """
    conditions = locks.conditions(context.registry, context.settings.home)
    rows = known_servers(context.registry, KIND)
    running: dict[str, Process] = {}
    sessions: set[int] = set()
    for process in processes.find_with(marks.home_marks(context.settings)):
        if name := process.variables.get("CROWDOPS_SERVER"):
            running.setdefault(name, process)
            sessions.add(process.session)

    servers = [marks.read(name, process, rows.get(name)) for name, process in running.items()]
    lost: list[Server] = []
    for name, row in rows.items():
        if row.state != "gone" and name not in running:
            without_marks = marks.find(context.settings, row)
            sessions.update(process.session for process in without_marks)
            (servers if without_marks else lost).append(row)
    answers = _answers(context, servers)

    def status(server: Server) -> ServerStatus:
        orphan, known = is_orphan(conditions, server.run_id), server.name in rows
        return ServerStatus(server, known, True, 1, "up", answers=answers[server.name], orphan=orphan)

    statuses = [status(server) for server in servers] + [vanished(row, conditions, VANISHED) for row in lost]
    hidden = [one for one in processes.find_hidden(TASK_SERVER) if one.session not in sessions]
    unseen = [Unseen(f"process {one.pid}", HIDDEN.replace("PID", str(one.pid))) for one in hidden]
    return Survey(statuses, 0, unseen)


def _answers(context: Context, servers: Sequence[Server]) -> dict[str, bool]:
    """Return by name which servers answer, asked side by side: several that hang cost one time limit."""
    asked = context.outcomes(lambda server: is_answering(server, context.settings.timeout), servers)
    return {outcome.item.name: outcome.get() for outcome in asked}
