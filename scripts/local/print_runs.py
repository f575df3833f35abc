#!/usr/bin/env python3
"""Show the runs in the registry, by task_name: their state, their units, and who attends them.

Reads the registry only. A run is attended while a process holds its lock, detached if it was launched so,
and crashed if neither, however it looks from outside.

Examples:
                           every run
    --task-name 'pilot-*'  those of such names
    --json                 for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_settings
def main(settings: Settings, selection: Selection) -> None:
    from crowdops.registry import Registry
    from crowdops.registry.selection import select
    from crowdops.registry.summary import COLUMNS, last_lines, summarize, urgency

    with Registry.open(settings.home) as registry:
        summaries = [summarize(registry, settings.home, run) for run in select(registry, selection)]
    columns.either(settings.as_json, "runs", COLUMNS, summaries, urgency=urgency)
    for line in () if settings.as_json else last_lines(summaries):
        output.say(line)
    if not summaries and not settings.as_json:
        output.say("No runs yet. See one: make demo")
        if (settings.home / "runs").exists():
            output.say("There were some, whose folders are here. Make the registry again: make rebuild")


if __name__ == "__main__":
    main()
