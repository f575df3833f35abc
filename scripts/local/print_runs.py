#!/usr/bin/env python3
"""Show the runs in the registry, by task_name: their state, their units, and who attends them.

Reads the registry only. A run is attended while a process holds its lock, detached if it was launched so,
and crashed if neither, however it looks from outside.
"""

from crowdops import cli, config, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_settings
def main(settings: config.Settings, selection: config.Selection) -> None:
    from crowdops import runs
    from crowdops.registry import Registry

    with Registry.open(settings.home) as registry:
        found = [runs.summary(registry, settings.home, run) for run in runs.select(registry, selection)]
        if settings.as_json:
            output.document({"runs": found})
        else:
            output.table(runs.SUMMARY_HEADERS, [runs.summary_row(summary) for summary in found])
            if not found:
                output.say("No runs yet. See one: make demo")


if __name__ == "__main__":
    main()
