#!/usr/bin/env python3
"""Show every task server of this home on this machine: what exists, answers, whose run it is, what is left over.

Found by what stands in the environment of its processes, so it works without the registry, too. A leftover is
ours and its run is crashed, ended or unknown here. Servers at Heroku: scripts/heroku/print_server_status.py.
"""

from crowdops import cli, config, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_settings
def main(settings: config.Settings, selection: config.Selection) -> None:
    from crowdops import leftovers, local_servers, runs, server_status
    from crowdops.registry import Registry

    with Registry.open(settings.home) as registry:
        conditions = runs.conditions(registry, settings.home)
        seen = list(local_servers.survey(registry, settings, conditions))
    servers = leftovers.of(seen, selection)
    if settings.as_json:
        found = [server_status.as_json(status) for status in servers]
        output.document({"servers": found, "foreign_apps": 0})
        return
    output.table(server_status.HEADERS, [server_status.row(status) for status in servers])
    output.say(server_status.verdict(servers, 0, local_servers.KILL))


if __name__ == "__main__":
    main()
