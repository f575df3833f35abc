#!/usr/bin/env python3
"""Deploy the task server of a run in the registry to Heroku, or any app folder with a Procfile (--app-dir).

Returns once the app answers, with the run's id if it serves one, and prints its address; an app that the run
has already stays. If it does not come up, the end of its log is shown and the app deleted, unless --keep. The
app is billed by the second until it is taken down: scripts/heroku/kill_servers.py.

Of run.toml, --set overrides dyno_size, dynos and team.

Examples:
    last                              for the newest run
    last --set dyno_size=standard-2x  with larger dynos
    --app-dir my-app                  an app of your own, for no run
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
    "--app-dir", metavar="DIR", type=click.Path(path_type=Path), help="Deploy this app, for no run."
)
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Override a parameter. Repeatable.")
@click.option("--keep", is_flag=True, help="Keep the app if it does not come up, to look into it.")
@cli.with_settings
def main(
    run_id: str | None, app_dir: Path | None, given: tuple[str, ...], keep: bool, settings: Settings
) -> None:
    from crowdops.context import Context
    from crowdops.servers import launch, view
    from crowdops.servers.heroku import backend

    launch.require_one(run_id, app_dir)
    overrides = cli.pairs(given, "--set")
    with Context.open(settings) as context:
        if app_dir is not None:
            server = backend.launch_app(context, app_dir, backend.read_hosting(overrides), keep=keep)
        else:
            changes = backend.hosting_changes(overrides)
            server = launch.for_run(context, backend, run_id or "", changes, keep=keep)
    output.either(settings.as_json, columns.document(view.LAUNCHED, server), server.url or "")


if __name__ == "__main__":
    main()
