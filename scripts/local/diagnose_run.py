#!/usr/bin/env python3
"""Why is my run not finishing? It runs forever, but no data comes in.

Looks at the process, the endpoint, the clocks, the task server, the HITs, who may accept them, caps and money; says in
one sentence what holds the run up, shows what that rests on, and names the next command. Only reads: one walk over the
account's HITs, and a few calls more.
"""

import click

from crowdops import cli, config, output


@cli.command(__doc__)
@click.argument("run_id", metavar="RUN_ID")
@cli.with_settings
def main(run_id: str, settings: config.Settings) -> None:
    from crowdops import diagnosis, runs
    from crowdops.providers.mturk import MTurk
    from crowdops.registry import Registry

    with Registry.open(settings.home) as registry:
        settings, chosen = runs.choose(registry, settings, config.Selection((run_id,)))
        found = diagnosis.diagnose(registry, MTurk(settings), settings, chosen[0].run_id)
    if settings.as_json:
        output.document(diagnosis.document(found))
    else:
        output.table(diagnosis.HEADERS, diagnosis.rows(found))
        output.say(f"\n{found.verdict.sentence}\nNext: {found.verdict.next}")


if __name__ == "__main__":
    main()
