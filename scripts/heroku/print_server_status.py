#!/usr/bin/env python3
"""Show every task server of ours at Heroku: what exists, is scaled, runs and answers, whose run it is, its cost so far.

Found by the apps' own marks, so it works without the registry, too. A leftover is ours and its run is crashed,
ended or unknown here. Unmarked apps have our prefix and not our marks. Everybody else's apps are counted only.

The cost is that of the present dynos since the app was created, in US dollars, without add-ons.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_settings
def main(settings: Settings, selection: Selection) -> None:
    from crowdops.context import Context
    from crowdops.registry import locks
    from crowdops.servers import leftovers
    from crowdops.servers import status as server_status
    from crowdops.servers.heroku import apps

    with Context.open(settings) as context:
        conditions = locks.conditions(context.registry, settings.home)
        account = apps.look(context, conditions)
    servers = leftovers.of(account.servers, selection)
    if settings.as_json:
        found = [server_status.as_json(status) for status in servers]
        output.document({"servers": found, "foreign_apps": account.foreign})
        return
    output.table(server_status.HEADERS, [server_status.row(status) for status in servers])
    output.say(server_status.verdict(servers, account.foreign, "scripts/heroku/kill_servers.py"))


if __name__ == "__main__":
    main()
