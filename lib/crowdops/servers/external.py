"""Task servers that somebody else runs: looked at, never restarted or taken down."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

from crowdops.config.parameters import Parameters
from crowdops.context import Context
from crowdops.errors import ServerFailed
from crowdops.providers import task_server
from crowdops.registry import Run, Server


def launch(context: Context, run: Run, parameters: Parameters, folder: Path, token: str) -> Server:
    """Write down the server that run.toml names, once it answers. ServerFailed if it does not, or serves another run."""
    url = parameters.url.rstrip("/")
    found = task_server.health(url, context.settings.timeout)
    if found is None or found.get("status") != "ok":
        raise ServerFailed(f'{url}/health does not answer with {{"status": "ok"}}. Start that server first.')
    if found.get("run_id") not in (None, "", run.run_id):
        raise ServerFailed(f"{url} serves run {found['run_id']}, not {run.run_id}.")
    server = Server(
        f"url-{secrets.token_hex(4)}", run.run_id, "url", url, "creating", url, {}, datetime.now(UTC), None
    )
    context.registry.add_server(server)
    context.registry.set_server(server.server_id, "up", url, {})
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


def take_down(context: Context, server: Server) -> bool:
    """Forget it; it goes on running. Returns False: nothing was taken down."""
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    return False
