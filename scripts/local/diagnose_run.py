#!/usr/bin/env python3
"""Why is my run not finishing? It runs forever, but no data comes in.

Looks at the process, the endpoint, the clocks, the task server, the HITs, who may accept them, caps and
money; says in one sentence what holds the run up, shows what that rests on, and names the next command. Only
reads: one walk over the account's HITs, and a few calls more.

Examples:
    last            the newest run
    pilot-1 --json  the only run of a task_name, for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@click.argument("run_id", metavar="RUN_ID")
@cli.with_settings
def main(run_id: str, settings: Settings) -> None:
    from crowdops.context import Context
    from crowdops.diagnosis import report

    with Context.open(settings) as context:
        context, chosen = context.choose(Selection((run_id,)))
        diagnosis = report.diagnose(context, chosen[0].run_id)
    if settings.as_json:
        output.document(report.document(diagnosis))
    else:
        output.write(f"{diagnosis.verdict.sentence}\nNext: {diagnosis.verdict.next}\n")
        columns.table(report.CHECK_COLUMNS, diagnosis.checks)


if __name__ == "__main__":
    main()
