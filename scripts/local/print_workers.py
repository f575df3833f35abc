#!/usr/bin/env python3
"""Show the workers of the crowd server: who they are, when they were last seen, what they did and earned.

"last seen" is the latest sign-in, acceptance or submission. "earned" is what was approved, and bonuses. Who
was removed signs in no more; what these have earned stands here, too.

Examples:
               every worker
    --json     for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from crowdops.config.settings import Settings
from crowdops.console import cli, columns


@cli.command(__doc__)
@cli.with_settings
def main(settings: Settings) -> None:
    from crowdops.providers.crowd_server import people
    from crowdops.workers import people_view

    everybody = list(people.people(settings, *people.ALWAYS))
    columns.either(settings.as_json, "workers", people_view.COLUMNS, everybody)
    if not everybody:
        people_view.say_nobody(settings)


if __name__ == "__main__":
    main()
