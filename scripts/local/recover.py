#!/usr/bin/env python3
"""After a crash: find what it left alive, show it, and shut it down, or carry it on with --resume.

Finds every crashed run, HITs that may or do exist without the registry's knowledge, and leftover servers
here and at Heroku. Shutting down expires what can be accepted, waits for accepted work up to its deadline,
collects it, takes the servers down and ends the runs. It may be killed anywhere and started again.
Attended runs, detached ones, and whatever does not carry our mark are left alone.

HITs and apps with our mark of a run that this registry does not know may be a colleague's, alive in
another home: they are listed, and ended only with --orphans RUN_ID or --all-orphans. Lost your own
registry? See rebuild_registry.

It looks at the endpoint, and at each other server where runs of this registry are not at their end, wherever
that answers now. What could not be looked at, a server or Heroku, is said, and the exit code is 1: something
may be left there.

Examples:
    --dry-run  look first: what is left, and its cost
               show it, ask, and shut it down
    --resume   carry it on instead
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, combinations, output, unseen


@cli.command(__doc__)
@click.option(
    "--resume", is_flag=True, help="Carry the crashed runs on, one after the other, instead of ending them."
)
@click.option(
    "--no-wait", is_flag=True, help="Do not wait for accepted work; collect it later with download_results."
)
@click.option("--orphans", metavar="RUN_ID", multiple=True, help="End this unknown run as well. Repeatable.")
@click.option(
    "--all-orphans", is_flag=True, help="End every unknown run as well: nobody else uses the account."
)
@cli.with_guard
@cli.with_settings
def main(
    resume: bool,
    no_wait: bool,
    orphans: tuple[str, ...],
    all_orphans: bool,
    settings: Settings,
    guard: cli.Guard,
) -> int:
    from crowdops.context import Context
    from crowdops.recovery import view
    from crowdops.recovery.recover import Recovery
    from crowdops.recovery.survey import survey_everywhere

    if resume:
        combinations.refuse("with --resume", no_wait=no_wait)
    if all_orphans:
        combinations.refuse("with --all-orphans", orphans=orphans)
    with Context.open(settings, quiet=settings.quiet) as context:
        survey = survey_everywhere(context)
        chosen = survey.choose_unknown(orphans, every=all_orphans)
        if settings.as_json:
            context.say(view.survey_verdict(survey))
        else:
            view.print_plan(survey, chosen, carry_on=resume)
        for line in [*view.survey_remarks(survey), *view.orphan_lines(survey, chosen)]:
            context.say(line)
        unseen.say(survey.unseen)
        recovery = Recovery(context)
        is_left = bool(chosen) or not survey.is_clean
        if is_left and guard.allows("Carry this on?" if resume else "Shut all of this down?"):
            with context.interrupts:
                recovery.carry_out(survey, chosen, carry_on=resume, wait=not no_wait)
        if settings.as_json:
            actions = [step._asdict() for step in recovery.steps]
            document = view.survey_document(survey)
            output.document({**document, "actions": actions, "dry_run": guard.dry_run})
    code = cli.EXIT_FAILED if recovery.has_failed else 0
    return unseen.conclude(cli.EXIT_INTERRUPTED if context.interrupts.count else code, survey.unseen)


if __name__ == "__main__":
    main()
