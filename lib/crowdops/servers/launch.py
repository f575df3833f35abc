"""Task servers that are launched by hand: for a run of the registry, or from an app folder."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.registry import Server, locks
from crowdops.servers import links


def require_one(run_id: str | None, app_dir: Path | None) -> None:
    """UsageError unless there is exactly one thing to serve."""
    if (run_id is None) == (app_dir is None):
        raise UsageError(
            "Say what to serve: a RUN_ID (see them: make runs), or an app folder with --app-dir."
        )


def for_run(
    context: Context, backend: ModuleType, run_id: str, changes: Mapping[str, Any], *, keep: bool
) -> Server:
    """Launch a server for a run, with its own parameters but for `changes`. Nobody may attend the run meanwhile.

    UsageError for an unknown run and one that is attended. Fails as the backend's launch does.
    """
    run = context.registry.run(run_id)
    if run is None:
        raise UsageError(f"The registry has no run {run_id!r}. See them all: make runs")
    parameters = run.parameters._replace(**changes)
    folder = context.settings.home / "runs" / run_id
    with locks.hold(context.settings.home, run_id), obeying_sigterm():
        token = links.new_token(folder)
        launch: Callable[..., Server] = backend.launch
        return launch(context, run, parameters, folder, token, keep=keep)


@contextmanager
def obeying_sigterm() -> Iterator[None]:
    """Let SIGTERM end a launch as Ctrl-C does: what was begun is taken down again first."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def as_json(server: Server) -> dict[str, Any]:
    """Return a launched server as a JSON object."""
    shown = ("name", "kind", "run_id", "state", "url", "created_at")
    return {name: getattr(server, name) for name in shown}
