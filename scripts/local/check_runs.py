#!/usr/bin/env python3
"""Check everything that is alive, for cron and for monitoring: one line, and an exit code that says it all.

0 is OK. 2 is CRITICAL: a crashed run with HITs out, HITs or a server that have outlived their run, a run over
its budget, a server down under a living run, a refused key, a suspended process. 1 is WARNING: a crashed run
with units never launched, no submission for half of the patience, HITs about to expire with work left, a
balance below what is still to be spent, unreviewed work that is approved by itself within a day, units that
ended unanswered, answers not collected, backups older than two days. 3 is UNKNOWN: what could not be looked
at, a wrong command, and --help. The gravest decides: CRITICAL, UNKNOWN, WARNING, OK.

Every run is looked at at its own endpoint, all side by side and within --timeout. An endpoint that does not
answer counts for its own runs only, as --timeout-state says. Runs that have come to their end are ended by
this, as by print_outstanding_hit_status. Without selectors: whatever is alive, has work to be reviewed, or
has ended within a day.

-w and -c take a range, as the Monitoring Plugins write it, for what the line measures: 10 tolerates 0 to 10,
20: tolerates 20 and more, @5:9 what is not between. So -c balance=20: or -w unanswered=5 or -c backup_age=~:
(which tolerates everything); without a name it is for the HITs that are out.

--prometheus writes metrics, --ping calls a dead man's switch, --notify tells people: see docs/cron.md. None
of it changes the line or the exit code. Two checks of one home do not overlap: the second is UNKNOWN.

Examples:
                          one line, and an exit code
    -v                    with what was found, a line each
    -c balance=20: -t 30  CRITICAL below 20 dollars, within 30 s
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    start = pathlib.Path(__file__).resolve().parents[1] / "start.py"
    runpy.run_path(str(start), {"is_plugin": True})

import click

from crowdops.config.channels import Channels
from crowdops.config.settings import Selection, Settings
from crowdops.console import alert_options, cli, plugin

STATES = ("ok", "warning", "critical", "unknown")


@plugin.command(__doc__)
@click.option(
    "-w", "--warning", metavar="[MEASURE=]RANGE", multiple=True, help="What is no WARNING. Repeatable."
)
@click.option(
    "-c", "--critical", metavar="[MEASURE=]RANGE", multiple=True, help="What is not CRITICAL. Repeatable."
)
@click.option("--cached", is_flag=True, help="Ask the registry only: no call to anybody.")
@click.option(
    "--timeout-state",
    type=click.Choice(STATES),
    default="unknown",
    help="What an endpoint that does not answer in time means. [default: unknown]",
)
@cli.with_selectors
@plugin.with_settings
@alert_options.with_channels
def main(
    warning: tuple[str, ...],
    critical: tuple[str, ...],
    cached: bool,
    timeout_state: str,
    settings: Settings,
    selection: Selection,
    limit: float,
    detail: int,
    channels: Channels,
) -> int:
    from crowdops.watching import alerts, check, view

    terms = check.Terms.read(limit, timeout_state, cached, warning, critical)
    with alerts.alone(settings, channels, selection, limit) as deadline:
        with alerts.of_check(settings, channels, selection, deadline) as switch:
            report = check.check(settings, selection, terms, deadline)
        view.show(
            settings, report, detail, lambda: alerts.send(settings, channels, selection, report, switch)
        )
    return int(report.level)


if __name__ == "__main__":
    plugin.run(main)
