#!/usr/bin/env python3
"""Deploy the task server of a run in the registry to Heroku, any app folder with a Procfile (--app-dir), or a
crowd server (--crowd).

Returns once the app answers, with the run's id if it serves one, and prints its address; an app that the run
has already stays. If it does not come up, the end of its log is shown and the app deleted, unless --keep. The
app is billed by the second until it is taken down: scripts/heroku/kill_servers.py.

Of run.toml, --set overrides dyno_size, dynos and team.

--crowd deploys the crowd server with a Postgres add-on of its own, which is billed as well. Printed are its
address, the first key, this once, in the form of AWS's own file, and the sign-in link of a first worker. It
stays until it is deleted by its name: nothing else takes it for a leftover. --update builds this version for
one that is there, whose database is brought up as it starts; if the build fails, it serves on as it did.

Examples:
    last --set dyno_size=standard-2x  for the newest run, with larger dynos
    --app-dir my-app                  an app of your own, for no run
    --crowd                           a crowd server for a lab, with its database
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, combinations, output


@cli.command(__doc__)
@click.argument("run_id", metavar="[RUN_ID]", required=False)
@click.option(
    "--app-dir", metavar="DIR", type=click.Path(path_type=Path), help="Deploy this app, for no run."
)
@click.option("--crowd", is_flag=True, help="Deploy a crowd server, with a Postgres add-on.")
@click.option("--plan", metavar="NAME", help="With --crowd: the plan of its add-on.  [default: essential-0]")
@click.option("--update", metavar="NAME", help="Build this version for the crowd server NAME.")
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Override a parameter. Repeatable.")
@click.option("--keep", is_flag=True, help="Keep the app if it does not come up, to look into it.")
@cli.with_settings
def main(given: tuple[str, ...], keep: bool, settings: Settings, **what: Any) -> None:
    from crowdops.context import Context
    from crowdops.servers import launch, view
    from crowdops.servers.heroku import backend

    run_id, app_dir = what["run_id"], what["app_dir"]
    overrides = cli.pairs(given, "--set")
    if update := what.pop("update"):
        combinations.refuse("with --update", RUN_ID=what.pop("run_id"), set=given, keep=keep, **what)
        _update_crowd(settings, update)
        return
    if what["crowd"]:
        combinations.refuse("with --crowd", RUN_ID=run_id, app_dir=app_dir)
        _launch_crowd(settings, overrides, what["plan"], keep=keep)
        return
    combinations.refuse("without --crowd", plan=what["plan"])
    launch.require_one(run_id, app_dir)
    with Context.open(settings) as context:
        if app_dir is not None:
            server = backend.launch_app(context, app_dir, backend.read_hosting(overrides), keep=keep)
        else:
            changes = backend.hosting_changes(overrides)
            server = launch.for_run(context, backend, run_id or "", changes, keep=keep)
    output.either(settings.as_json, columns.document(view.LAUNCHED, server), server.url or "")


def _update_crowd(settings: Settings, name: str) -> None:
    from crowdops.context import Context
    from crowdops.servers import view
    from crowdops.servers.heroku import crowd

    with Context.open(settings) as context:
        server = crowd.update(context, name)
    output.either(settings.as_json, columns.document(view.LAUNCHED, server), server.url or "")


def _launch_crowd(settings: Settings, overrides: Mapping[str, str], plan: str | None, *, keep: bool) -> None:
    from crowdops.context import Context
    from crowdops.servers import view
    from crowdops.servers.heroku import backend, crowd

    with Context.open(settings) as context:
        hosting = backend.read_hosting(overrides)
        launched = crowd.launch(context, hosting, plan or crowd.SMALLEST, keep=keep)
    view.show_crowd(launched.server, launched.key, launched.invitation, settings)


if __name__ == "__main__":
    main()
