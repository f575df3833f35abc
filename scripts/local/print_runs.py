#!/usr/bin/env python3
"""Show the runs in the registry, by task_name: their state, their units, and who attends them.

Reads the registry only. A run is attended while a process holds its lock, detached if it was launched so,
and crashed if neither, however it looks from outside.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_settings
def main(settings: Settings, selection: Selection) -> None:
    from crowdops.registry import Registry
    from crowdops.registry import summary as runs_summary
    from crowdops.registry.selection import select

    with Registry.open(settings.home) as registry:
        found = [runs_summary.summary(registry, settings.home, run) for run in select(registry, selection)]
        if settings.as_json:
            output.document({"runs": found})
        else:
            output.table(
                runs_summary.SUMMARY_HEADERS, [runs_summary.summary_row(summary) for summary in found]
            )
            if not found:
                output.say("No runs yet. See one: make demo")


if __name__ == "__main__":
    main()
