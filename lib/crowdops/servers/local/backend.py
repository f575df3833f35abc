"""Task servers on this machine: launched for a run, looked at, restarted and taken down."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import ServerFailed, UsageError
from crowdops.providers import processes
from crowdops.providers.processes import Process
from crowdops.registry import Registry, Run, Server
from crowdops.servers import bundle, links
from crowdops.servers.local import marks, start
from crowdops.servers.local.marks import KIND, PREFIX, is_our_name
from crowdops.servers.local.start import is_answering
from crowdops.servers.status import ServerStatus, is_leftover

__all__ = ["is_answering", "is_our_name", "launch", "launch_app", "restart", "survey", "take_down"]

Say = Callable[[str], None]

KILL = "scripts/local/kill_servers.py"


# Launching


def launch(
    context: Context, run: Run, parameters: Parameters, folder: Path, token: str, *, keep: bool = False
) -> Server:
    """Serve a run's pages and return once they are there. Safe to repeat: a server that is up stays.

    A run has one address on this machine for its whole life, since that stands in its HITs. ServerFailed with the
    end of the log if it does not come up; nothing runs then, unless `keep`. Whoever calls this holds the run's lock.
    """
    place = folder / "server"
    detail = {
        "folder": str(place),
        "log": str(folder / "server.log"),
        "task_name": run.task_name,
        "own_app": parameters.app_dir is not None,
    }
    known = _known(context, PREFIX + run.run_id, detail)
    if known and (standing := _standing(context, known)):
        return standing
    is_built = known is not None and bool(known.detail.get("built")) and place.is_dir()
    url = known.url if known else f"http://127.0.0.1:{start.free_port()}"
    server = _intend(
        context.registry, PREFIX + run.run_id, run.run_id, url, {**detail, "built": is_built}, known
    )
    with _nothing_left(context, server, keep=keep):
        if not is_built:
            bundle.of_run(context, run, parameters)
        server = server._replace(detail={**detail, "built": True})
        return start.bring_up(context, server, {"CROWDOPS_RUN_TOKEN": token})


def launch_app(context: Context, app_dir: Path, *, keep: bool = False) -> Server:
    """Serve somebody's own app, for no run and from its own folder, and return once it answers. Fails as launch() does."""
    place = app_dir.resolve()
    start.web_command(place)
    slug = re.sub(r"[^a-z0-9]+", "-", place.name.lower()).strip("-") or "app"
    name = f"{PREFIX}{slug}-{secrets.token_hex(4)}"
    logs = context.settings.home / "servers"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    detail = {
        "folder": str(place),
        "log": str(logs / f"{name}.log"),
        "task_name": place.name,
        "own_app": True,
    }
    server = _intend(context.registry, name, None, f"http://127.0.0.1:{start.free_port()}", detail, None)
    with _nothing_left(context, server, keep=keep):
        return start.bring_up(context, server, {})


def restart(context: Context, server: Server) -> Server:
    """Bring a server up again at its address, with what it remembers. ServerFailed if it does not come up."""
    processes.end(lambda: marks.find(context.settings, server))
    try:
        return start.bring_up(context, server, _token(context.settings, server))
    except UsageError as error:  # its folder is not what it was
        raise ServerFailed(f"{server.name} cannot be restarted: {error}") from error
    except ServerFailed:
        processes.end(lambda: marks.find(context.settings, server))
        raise


def _token(settings: Settings, server: Server) -> dict[str, str]:
    if server.run_id is None:
        return {}
    return {"CROWDOPS_RUN_TOKEN": links.read_token(settings.home / "runs" / server.run_id)}


def _known(context: Context, name: str, detail: dict[str, Any]) -> Server | None:
    """Return what the registry has of a server, or what one that runs and is not in it says of itself."""
    for row in context.registry.servers("creating", "up", "gone"):
        if row.name == name and row.kind == KIND:
            return row
    marked = processes.find_with({**marks.home_marks(context.settings), "CROWDOPS_SERVER": name})
    if not marked:
        return None
    found = marks.read(name, marked[0], None)
    found = found._replace(state="creating", detail={**found.detail, **detail, "built": True})
    context.registry.add_server(found)
    return found


def _standing(context: Context, server: Server) -> Server | None:
    """Return a server that runs and answers already; None, and nothing runs, if it does not."""
    if (found := marks.find(context.settings, server)) and is_answering(server, context.settings.timeout):
        return start.commit(context.registry, server, "up", found[0])
    processes.end(lambda: marks.find(context.settings, server))
    return None


def _intend(
    registry: Registry,
    name: str,
    run_id: str | None,
    url: str | None,
    detail: dict[str, Any],
    known: Server | None,
) -> Server:
    """Write down a server before anything of it exists."""
    server = Server(name, run_id, KIND, name, "creating", url, detail, datetime.now(UTC), None)
    if known is None:
        registry.add_server(server)
    else:
        registry.set_server(name, "creating", url, detail)
    return server


@contextmanager
def _nothing_left(context: Context, server: Server, *, keep: bool) -> Iterator[None]:
    """Take a server down again whose launch fails or is interrupted."""
    try:
        yield
    except BaseException:
        if keep:
            context.say(f"{server.name} was kept as it is. Take it down: {KILL} {server.name}")
        else:
            take_down(context, server)
        raise


# Looking, and taking down


def take_down(context: Context, server: Server) -> bool:
    """End all of a server's processes; False if there were none. Safe to repeat. ProviderError if they cannot be ended."""
    ended = processes.end(lambda: marks.find(context.settings, server))
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    return ended


def survey(context: Context, conditions: Mapping[str, str]) -> Iterator[ServerStatus]:
    """Yield every server of this home on this machine: by its marks, by the registry, or both."""
    rows = {row.name: row for row in context.registry.servers("creating", "up", "gone") if row.kind == KIND}
    seen: dict[str, Process] = {}
    for process in processes.find_with(marks.home_marks(context.settings)):
        if name := process.variables.get("CROWDOPS_SERVER"):
            seen.setdefault(name, process)
    for name, process in seen.items():
        server = marks.read(name, process, rows.get(name))
        yield _status(context.settings, server, conditions, known=name in rows)
    for name, row in rows.items():
        if row.state != "gone" and name not in seen:
            yield _unmarked_or_vanished(context.settings, row, conditions)


def _unmarked_or_vanished(settings: Settings, row: Server, conditions: Mapping[str, str]) -> ServerStatus:
    """Return the status of a server that no process has the marks of: one that hides them, or none."""
    if marks.find(settings, row):
        return _status(settings, row, conditions, known=True)
    return ServerStatus(
        *(row.name, KIND, row.run_id, row.detail.get("task_name"), row.url, False, 0, None, False),
        leftover=is_leftover(conditions, row.run_id),
        created_at=row.created_at,
        cost_so_far=None,
        server_id=row.server_id,
        marked=True,
        detail=row.detail,
        note="the registry has it, and it does not run",
    )


def _status(
    settings: Settings, server: Server, conditions: Mapping[str, str], *, known: bool
) -> ServerStatus:
    return ServerStatus(
        *(server.name, KIND, server.run_id, server.detail.get("task_name"), server.url, True, 1, "up"),
        answers=is_answering(server, settings.timeout),
        leftover=is_leftover(conditions, server.run_id),
        created_at=server.created_at,
        cost_so_far=None,
        server_id=server.server_id if known else None,
        marked=True,
        detail=server.detail,
    )
