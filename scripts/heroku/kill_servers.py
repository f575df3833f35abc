#!/usr/bin/env python3
"""Delete leftover task servers at Heroku: apps of ours whose run is crashed, ended or unknown.

Without names and selectors: the leftovers of the runs in this registry. --all-runs: every leftover, of
unknown runs as well. A living run's server, an app that is not marked yet and one that serves no run are
deleted only when their NAME is given, and a crowd server only when it is typed once more at a terminal, or
with --yes: its database goes with it. What lacks our prefix, or was created by another account, is never
deleted; of a NAME it is said why it was left. Each app is read again just before. Safe to repeat.

What could not be looked at, the account or one app of it, is said, and the exit code is 1.

Examples:
    --dry-run                  which apps would be deleted
    --task-name 'pilot-*'      those that runs of these names left
    crowdops-pilot-1-35428126  this one, even if its run is alive
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from collections.abc import Sequence

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, unseen
from crowdops.formats import words

_IS_CROWD = "is a crowd server. Its workers, answers and money go with it. To delete it, type its name"


@cli.command(__doc__)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(names: tuple[str, ...], settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.context import Context
    from crowdops.servers import kill
    from crowdops.servers.status import ServerStatus

    def ask(servers: Sequence[ServerStatus]) -> bool:
        crowds = [server.name for server in servers if server.is_crowd]
        if not all(guard.allows_typed(f"{name} {_IS_CROWD}", name) for name in crowds):
            return False
        others = len(servers) - len(crowds)
        return not others or guard.allows(f"Delete {words.count(others, 'app')} at Heroku?")

    with Context.open(settings) as context:
        selected, result, not_seen = kill.kill_servers(context, "heroku", selection, names, ask, "taken down")
    more = {"not_looked_at": unseen.documents(not_seen)}
    code = cli.report(settings, guard, "deleted", selected, result, more)
    return unseen.conclude(code, not_seen)


if __name__ == "__main__":
    main()
