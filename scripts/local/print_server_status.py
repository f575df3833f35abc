#!/usr/bin/env python3
"""Show every task server of this home on this machine: what exists, what answers, whose run it is.

Found by what stands in the environment of its processes, so it works without the registry, too. A leftover is
ours and its run is crashed, ended or unknown here. Servers at Heroku: scripts/heroku/print_server_status.py.
What could not be looked at is said, and the exit code is 1.

Examples:
                       every task server on this machine
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
        return view.show_servers(context, "local", selection)


if __name__ == "__main__":
    main()
