"""Task servers that are launched by hand: for a run of the registry, or from an app folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crowdops.config.settings import Selection
from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.registry import Server, locks, selection
from crowdops.servers import app_files, links
from crowdops.servers.backend import Backend


def require_one(run_id: str | None, app_dir: Path | None) -> None:
    """UsageError unless there is exactly one thing to serve."""
    if (run_id is None) == (app_dir is None):
        raise UsageError(
            "Say what to serve: a RUN_ID (see them: make runs), or an app folder with --app-dir."
        )


def for_run(
    context: Context, backend: Backend, run_id: str, changes: Mapping[str, Any], *, keep: bool
) -> Server:
    """Launch a server for a run, with the run's parameters but for `changes`.

    UsageError for an unknown run and one that is attended. Fails as the backend's launch() does.
    """
    (run,) = selection.select(context.registry, Selection(runs=(run_id,)))
    run_id, run = run.run_id, run._replace(parameters=run.parameters._replace(**changes))
    if run.parameters.app_dir:
        output.remark(app_files.remarks(run.parameters.app_dir), quiet=context.settings.quiet)
    with locks.hold(context.settings.home, run_id):
        token = links.new_token(context.settings.run_folder(run_id))
        return backend.launch(context, run, token, keep=keep, should_stop=lambda: False)
