#!/usr/bin/env python3
"""Serve the pages of a run in the registry on this machine, or any app folder with a Procfile (--app-dir).

Returns once the server answers, with the run's id if it serves one, and prints its address; a server that the
run has already stays. If it does not come up, the end of its log is shown and its processes are ended, unless
--keep. It listens on 127.0.0.1 and runs until it is taken down: scripts/local/kill_servers.py.

Examples:
    last                     serve the pages of the newest run
    --app-dir my-app --keep  an app of your own, left as it is if it fails
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@click.argument("run_id", metavar="[RUN_ID]", required=False)
@click.option(
    "--app-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Serve this app, for no run, where it lies.",
)
@click.option(
    "--keep", is_flag=True, help="Leave the server as it is if it does not come up, to look into it."
)
@cli.with_settings
def main(run_id: str | None, app_dir: Path | None, keep: bool, settings: Settings) -> None:
    from crowdops.context import Context
    from crowdops.servers import launch, view
    from crowdops.servers.local import backend

    launch.require_one(run_id, app_dir)
    with Context.open(settings) as context:
        if app_dir is not None:
            server = backend.launch_app(context, app_dir, keep=keep)
        else:
            server = launch.for_run(context, backend, run_id or "", {}, keep=keep)
    output.either(settings.as_json, columns.document(view.LAUNCHED, server), server.url or "")


if __name__ == "__main__":
    main()
