"""Starting a task server on this machine, from a folder with a Procfile to a server that answers."""

from __future__ import annotations

import os
import random
import re
import socket
import sys
import time
from pathlib import Path

from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import ServerFailed, UsageError, files_explained
from crowdops.formats import files
from crowdops.providers import processes
from crowdops.providers.processes import Process
from crowdops.registry import Registry, Server
from crowdops.servers.local import marks
from crowdops.servers.status import is_answering

BOOT_SECONDS = 60.0  # as long as Heroku gives a dyno
LOOK_SECONDS = 0.05
LOG_LINES = 20
# Below the ports that the system gives to outgoing connections: a server that restarts needs its own again.
PORTS = range(20_000, 32_000)
# All that a server inherits: who and where it is, where languages lie, whom to trust. Any other variable may
# hold a key.
INHERITED = frozenset(
    [
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PATH",
        "TERM",
        "TMPDIR",
        "TZ",
        "LANG",
        "LANGUAGE",
        "WEB_CONCURRENCY",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "PYENV_ROOT",
        "RBENV_ROOT",
        "NVM_DIR",
        "VOLTA_HOME",
        "GEM_HOME",
        "GEM_PATH",
        "NODE_PATH",
        "JAVA_HOME",
        "GOPATH",
        "GOROOT",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "NO_PROXY",
        "no_proxy",
    ]
)
INHERITED_KINDS = ("LC_", "PYTHON")
_WEB = re.compile(r"^web:[ \t]*(\S.*)$", re.MULTILINE)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    for port in random.sample(PORTS, 100):
        if _is_free(port):
            return port
    raise ServerFailed(f"No port from {PORTS.start} to {PORTS.stop - 1} is free on this machine.")


def _is_free(port: int) -> bool:
    """Return whether nobody listens on a port. Connections that are still being closed do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def bring_up(context: Context, server: Server, token: str | None) -> Server:
    """Start a server's process, write down which it is, and wait until it answers.

    `token` is the run's, None for a server that serves no run.
    ServerFailed with the end of its log if it does not; its processes are the caller's to end then.
    """
    folder, log = Path(server.detail["folder"]), Path(server.detail["log"])
    with files_explained(f"The log {log} cannot be written"):
        log.touch(mode=0o600, exist_ok=True)
        log_start = log.stat().st_size
    command = web_command(folder)
    if not _is_free(_port(server)):
        raise ServerFailed(
            f"{server.name} cannot be started: its address stands in HITs,"
            f" and another program has port {_port(server)}."
        )
    variables = _variables(context.settings, server)
    if token is not None:
        variables["CROWDOPS_RUN_TOKEN"] = token
    pid = processes.start(command, folder, variables, log)
    deadline = time.monotonic() + BOOT_SECONDS
    while process := processes.find(pid):
        if server.detail.get("pid") != pid:
            server = commit(context.registry, server, "creating", process)
        if is_answering(server, context.settings.timeout):
            return commit(context.registry, server, "up", process)
        if time.monotonic() > deadline:
            raise ServerFailed(_failure(server, f"nothing right answers at {server.url}", log_start))
        time.sleep(LOOK_SECONDS)
    raise ServerFailed(_failure(server, "its web process ended as it started", log_start))


def commit(registry: Registry, server: Server, state: str, process: Process) -> Server:
    """Write down a server's state and its process."""
    detail = {**server.detail, "pid": process.pid, "started": process.started}
    registry.set_server(server.server_id, state, server.url, detail)
    return server._replace(state=state, detail=detail)


def web_command(folder: Path) -> str:
    """Return the command of a folder's web process. UsageError if its Procfile has none."""
    try:
        text = files.read(folder / "Procfile").decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{folder} has no Procfile, so nobody knows how to start the app in it.") from error
    except OSError as error:
        raise UsageError(f"The Procfile of {folder} cannot be read: {error.strerror}.") from error
    match = _WEB.search(text)
    if match is None:
        raise UsageError(f"{folder} has no web process: the Procfile needs a line `web: ...`.")
    return match[1].strip()


def _variables(settings: Settings, server: Server) -> dict[str, str]:
    """Return the environment of a server: nothing of ours that may be secret, and what marks it as ours."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_KINDS)
    }
    tools = f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"
    return {
        **inherited,
        **marks.mark_vars(settings, server),
        "PATH": tools,
        "PORT": str(_port(server)),
        "CROWDOPS_HOST": "127.0.0.1",
    }


def _port(server: Server) -> int:
    return int((server.url or "").rpartition(":")[2])


def _failure(server: Server, what: str, log_start: int) -> str:
    """Return what went wrong, with the end of what the server wrote from this byte of its log on."""
    log = Path(server.detail["log"]).read_bytes()[log_start:]
    tail = "\n".join(log.decode(errors="replace").splitlines()[-LOG_LINES:])
    return f"{server.name} did not come up: {what}. The end of its log:\n{tail}"
