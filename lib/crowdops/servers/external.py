"""Task servers that somebody else runs: looked at, never restarted or taken down."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from crowdops.context import Context
from crowdops.errors import ServerFailed
from crowdops.providers import task_server
from crowdops.registry import Run, Server
from crowdops.servers.status import Survey


def is_our_name(name: str) -> bool:
    """Return whether a name has the form of those that we give: none has."""
    return False


def why_left(context: Context, name: str) -> str | None:
    """Return why a server is left alone: where somebody else runs servers, nobody looks one up."""
    return None


def launch(context: Context, run: Run, token: str, *, keep: bool, should_stop: Callable[[], bool]) -> Server:
    """Write down the server that run.toml names, once it answers. The token is not shown to it.

    ServerFailed if it does not answer, or serves another run. Nothing is started, so there is nothing to
    `keep` or to stop.
    """
    url = run.parameters.url.rstrip("/")
    health = task_server.health(url, context.settings.timeout)
    if health is None or health.get("status") != "ok":
        why = task_server.trouble(url, context.settings.timeout)
        raise ServerFailed(f'{url}/health does not answer with {{"status": "ok"}}. {why}')
    if health.get("run_id") not in (None, "", run.run_id):
        raise ServerFailed(f"{url} serves run {health['run_id']}, not {run.run_id}.")
    server_id = f"url-{secrets.token_hex(4)}"
    server = Server(server_id, run.run_id, "url", url, "creating", url, {}, datetime.now(UTC), None)
    context.registry.add_server(server)
    context.registry.set_server(server_id, "up", url, {})
    return server._replace(state="up")


def is_answering(server: Server, timeout: float) -> bool:
    """Return whether it answers."""
    return task_server.health(server.url or "", timeout) is not None


def restart(context: Context, server: Server) -> Server:
    """It is not ours to restart: ServerFailed unless it answers again by now."""
    if not is_answering(server, context.settings.timeout):
        raise ServerFailed(
            f"{server.url} does not answer, and is run by somebody else. Ask them to start it."
        )
    return server


def take_down(context: Context, server: Server, *, named: bool = False) -> bool:
    """Forget it; it goes on running. Returns False: nothing was taken down."""
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    return False


def survey(context: Context) -> Survey:
    """Return none: where somebody else runs servers, we cannot look."""
    return Survey([], 0)
