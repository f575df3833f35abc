#!/usr/bin/env python3
"""Show every task server of ours at Heroku: what exists, is scaled, runs, answers, whose run it is, its cost.

Found by the apps' own marks, so it works without the registry, too. A leftover is ours and its run is
crashed, ended or unknown here; a crowd server, which serves no run, never is one. Unmarked apps have our
prefix and not our marks. Everybody else's apps are counted only. What could not be read is said, and the exit
code is 1.

The cost is that of the present dynos since the app was created, in US dollars, without add-ons.

Examples:
                       every app of ours, and what it has cost
    --run last --json  one run's, for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli


@cli.command(__doc__)
@cli.with_selectors
@cli.with_settings
def main(settings: Settings, selection: Selection) -> int:
    from crowdops.context import Context
    from crowdops.servers import view

    with Context.open(settings) as context:
        return view.show_servers(context, "heroku", selection)


if __name__ == "__main__":
    main()
