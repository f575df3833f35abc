#!/usr/bin/env python3
"""End leftover task servers on this machine: those whose run is crashed, ended or unknown.

Without names and selectors: the leftovers of the runs in this registry. --all-runs: every leftover of this
home, of unknown runs as well. A living run's server and one that serves no run are ended only when their NAME
is given; of a NAME that is another home's it is said why it was left. All processes of a server are asked to
end, and killed if they do not. Safe to repeat.

What could not be looked at is said, and the exit code is 1.

Examples:
    --dry-run         which servers would be ended
    --run last        what the newest run left
    --all-runs --yes  every leftover, without asking
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


@cli.command(__doc__)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(names: tuple[str, ...], settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.context import Context
    from crowdops.servers import kill

    def ask(servers: Sequence[object]) -> bool:
        return guard.allows(f"End {words.count(len(servers), 'server')} on this machine?")

    with Context.open(settings) as context:
        selected, result, not_seen = kill.kill_servers(context, "local", selection, names, ask, "ended")
    more = {"not_looked_at": unseen.documents(not_seen)}
    code = cli.report(settings, guard, "ended", selected, result, more)
    return unseen.conclude(code, not_seen)


if __name__ == "__main__":
    main()
