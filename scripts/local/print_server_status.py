#!/usr/bin/env python3
"""Show every task server of this home on this machine: what exists, answers, whose run it is, what is left over.

Found by what stands in the environment of its processes, so it works without the registry, too. A leftover is
ours and its run is crashed, ended or unknown here. Servers at Heroku: scripts/heroku/print_server_status.py.
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
    from crowdops.servers.local import backend

    with Context.open(settings) as context:
        conditions = locks.conditions(context.registry, settings.home)
        seen = list(backend.survey(context, conditions))
    servers = leftovers.of(seen, selection)
    if settings.as_json:
        found = [server_status.as_json(status) for status in servers]
        output.document({"servers": found, "foreign_apps": 0})
        return
    output.table(server_status.HEADERS, [server_status.row(status) for status in servers])
    output.say(server_status.verdict(servers, 0, backend.KILL))


if __name__ == "__main__":
    main()
