#!/usr/bin/env python3
"""Deploy the task server of a run in the registry to Heroku, or any app folder with a Procfile (--app-dir).

Returns once the app answers, with the run's id if it serves one, and prints its address; an app that the run has
already stays. If it does not come up, the end of its log is shown and the app deleted, unless --keep. The app is
billed by the second until it is taken down: scripts/heroku/kill_servers.py.

Of run.toml, --set overrides dyno_size, dynos and team.
"""

from pathlib import Path

import click

from crowdops import cli, config, output


@cli.command(__doc__)
@click.argument("run_id", metavar="[RUN_ID]", required=False)
@click.option(
    "--app-dir", metavar="DIR", type=click.Path(path_type=Path), help="Deploy this app, for no run."
)
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Override a parameter. Repeatable.")
@click.option("--keep", is_flag=True, help="Keep the app if it does not come up, to look into it.")
@cli.with_settings
def main(
    run_id: str | None, app_dir: Path | None, given: tuple[str, ...], keep: bool, settings: config.Settings
) -> None:
    from crowdops import heroku_servers, server_launches
    from crowdops.registry import Registry

    server_launches.require_one(run_id, app_dir)
    overrides = cli.pairs(given, "--set")
    with Registry.open(settings.home) as registry:
        if app_dir is not None:
            fleet = heroku_servers.own_fleet(overrides)
            with server_launches.obeying_sigterm():
                server = heroku_servers.launch_app(registry, settings, app_dir, fleet, output.say, keep=keep)
        else:
            changes = heroku_servers.given_fleet(overrides)
            server = server_launches.for_run(
                heroku_servers, registry, settings, run_id or "", changes, output.say, keep=keep
            )
    output.either(settings.as_json, server_launches.as_json(server), server.url or "")


if __name__ == "__main__":
    main()
