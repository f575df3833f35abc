"""Task servers that somebody else runs: looked at, never restarted or taken down."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.errors import ServerFailed
from crowdops.providers import task_server
from crowdops.registry import Registry, Run, Server


def launch(
    registry: Registry,
    settings: Settings,
    run: Run,
    parameters: Parameters,
    folder: Path,
    token: str,
    say: Callable[[str], None],
) -> Server:
    """Write down the server that run.toml names, once it answers. ServerFailed if it does not, or serves another run."""
    url = parameters.url.rstrip("/")
    found = task_server.health(url, settings.timeout)
    if found is None or found.get("status") != "ok":
        raise ServerFailed(f'{url}/health does not answer with {{"status": "ok"}}. Start that server first.')
    if found.get("run_id") not in (None, "", run.run_id):
        raise ServerFailed(f"{url} serves run {found['run_id']}, not {run.run_id}.")
    server = Server(
        f"url-{secrets.token_hex(4)}", run.run_id, "url", url, "creating", url, {}, datetime.now(UTC), None
    )
    registry.add_server(server)
    registry.set_server(server.server_id, "up", url, {})
    return server._replace(state="up")


def is_answering(server: Server, timeout: float) -> bool:
    """Return whether it answers."""
    return task_server.health(server.url or "", timeout) is not None


def restart(registry: Registry, settings: Settings, server: Server, say: Callable[[str], None]) -> Server:
    """It is not ours to restart: ServerFailed unless it answers again by now."""
    if not is_answering(server, settings.timeout):
        raise ServerFailed(
            f"{server.url} does not answer, and is run by somebody else. Ask them to start it."
        )
    return server


def take_down(registry: Registry, settings: Settings, server: Server) -> bool:
    """Forget it; it goes on running. Returns False: nothing was taken down."""
    registry.set_server(server.server_id, "gone", server.url, server.detail)
    return False
