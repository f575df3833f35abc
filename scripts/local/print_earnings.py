#!/usr/bin/env python3
"""Write what each worker of the crowd server is owed for a period, as CSV for a payroll.

Rewards count on the day on which they were approved, bonuses on the day on which they were paid. Days are
those of UTC; a period ends before its last day: --since 2026-11-01 --until 2026-12-01 is November, as --month
2026-11 is, so that no cent is in two periods or in none. Without a period: the last whole month. Amounts are
dollars, without the account's fees. Workers who earned nothing are left out.

Examples:
    --month 2026-11                            a month
    --since 2026-11-01 --until 2026-11-15      two weeks
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.option("--month", metavar="YYYY-MM", help="A whole month.")
@click.option("--since", metavar="DATE", help="The first day.")
@click.option("--until", metavar="DATE", help="The day after the last. [default: today]")
@cli.with_settings
def main(month: str | None, since: str | None, until: str | None, settings: Settings) -> None:
    from crowdops.workers import earnings

    period = earnings.read_period(month, since, until)
    if not settings.quiet:
        output.say(earnings.in_words(period))
    earnings.write(settings, period)


if __name__ == "__main__":
    main()
