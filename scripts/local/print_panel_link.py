#!/usr/bin/env python3
"""Print the link by which a panel's participants, such as Prolific's, do the work of a run.

Each participant does --units of the run, one after the other, within --minutes, and is sent back with the
completion code, or with the other one where no unit is left or the time is over. What is in hand then goes
back to the others. Participants are workers of their own, and get work by this link only. The same RUN and
--panel give the same link again, as it is; an option that is given then holds for the link from now on.
Prolific is what it begins with; for another panel give --panel, --participant and --back. docs/panels.md has
it step by step.

Examples:
    last --units 5                      five units each, for Prolific
    last                                the same link again, as it is
    last --panel mine --participant id --back ''     a panel that takes codes
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from typing import Any

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("run_id", metavar="RUN_ID")
@click.option("--units", type=click.IntRange(1, 100), help="For each participant. [default: 1, or as it is]")
@click.option(
    "--minutes", type=click.IntRange(1, 43200), help="For all of them. [default: the units' own times]"
)
@click.option(
    "--panel", default="prolific", show_default=True, help="Whose participants: one name, one person."
)
@click.option("--participant", help="The parameter that says who it is. [default: PROLIFIC_PID, or as it is]")
@click.option(
    "--back", metavar="URL", help="Where they go, with {code} in it; '' for nowhere. [default: Prolific]"
)
@click.option("--complete-code", help="The code for all units done. [default: one is made]")
@click.option("--none-code", help="The code where none is left. [default: one is made]")
@cli.with_settings
def main(run_id: str, settings: Settings, **options: Any) -> None:
    from crowdops.context import Context
    from crowdops.workers import panels

    wish = panels.Wish(**options)
    with Context.open(settings) as context:
        context, [run] = context.choose(Selection((run_id,)))
        link = panels.define(context.settings, run, wish)
    if settings.as_json:
        output.document(link._asdict() | {"run_id": run.run_id})
    else:
        output.pairs(panels.form(link))
        if not settings.quiet:
            output.say("Whoever has the link can come as any participant: give it to the panel only.")
    for remark in panels.remarks(run, link) if not settings.quiet else ():
        output.say(remark)


if __name__ == "__main__":
    main()
