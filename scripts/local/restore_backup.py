#!/usr/bin/env python3
"""Put a backup in the place of the registry. The registry that is there now, damaged or not, is kept aside.

BACKUP is a file, or the name of one in the home's backups folder. Refused while a run of this home is
attended. What has happened since the backup is not in it; HITs and servers carry marks, so rebuild_registry
closes the gap.

Examples:
    registry.db --dry-run  what is in it, and what would change
    registry.db            take it back, after asking
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("backup")
@cli.with_guard
@cli.with_settings
def main(backup: str, settings: Settings, guard: cli.Guard) -> int:
    from crowdops.registry import backups

    path = backups.find(settings.home, backup)
    backups.check_idle(settings.home)
    restored = None
    if guard.allows(f"Put {path} in the place of {settings.home / 'registry.db'}?"):
        restored = backups.restore(settings.home, path)
    if settings.as_json:
        kept = restored and restored.kept
        output.document({"backup": path, "kept": kept, "restored": bool(restored), "dry_run": guard.dry_run})
    elif not settings.quiet:
        would = f"{path} would be put in its place. Nothing was changed."
        output.say("\n".join(backups.remarks(restored) if restored else [would]))
    return 0


if __name__ == "__main__":
    main()
