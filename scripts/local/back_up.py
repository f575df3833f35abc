#!/usr/bin/env python3
"""Copy the registry to a dated file under the home's backups folder, and drop the oldest copies.

Works beside living runs: the copy is the registry of one moment, checked, and appears whole or not at all.
The setting backups_kept says how many are kept. The path of the copy goes to stdout. restore_backup goes
back to one.

Examples:
             a dated copy, and the oldest dropped
    --quiet  in a cron line
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@cli.with_settings
def main(settings: Settings) -> None:
    from crowdops.registry import backups

    made, dropped = backups.make(settings.home, kept=settings.backups_kept)
    paths = [backup.path for backup in dropped]
    document = {"backup": made.path, "made_at": made.made_at, "dropped": paths}
    output.either(settings.as_json, document, str(made.path))
    if settings.verbose:
        for path in paths:
            output.say(f"dropped {path.name}")


if __name__ == "__main__":
    main()
