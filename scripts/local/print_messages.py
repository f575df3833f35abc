#!/usr/bin/env python3
"""Show what workers wrote to the requester on the crowd server's site, the oldest first.

Each is answered by notify_workers, and the command is printed; the answer is then on the worker's page of
messages. "answered" is when notify_workers last told this worker something after that. To look changes
nothing. At a terminal long texts are cut: --wide shows all of them. No worker gets the same answer twice. A
panel's participants are answered on the panel's own site, since this one cannot tell who opens their link.

Examples:
                    all of them
    --unanswered    those that wait for an answer
    --since '2 d'   those of the last two days
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@click.option("--since", metavar="WHEN", help="From 2026-11-22 or 2026-11-22T11:45 (UTC) on, or '2 h' ago.")
@click.option("--unanswered", is_flag=True, help="Only those that wait for an answer.")
@cli.with_settings
def main(since: str | None, unanswered: bool, settings: Settings) -> None:
    from crowdops.workers import inbox

    letters = inbox.read(settings, since, unanswered=unanswered)
    columns.either(settings.as_json, "messages", inbox.COLUMNS, letters)
    if settings.as_json or settings.quiet:
        return
    if not letters:
        output.say("No message of a worker. Workers write by the site's page of messages.")
    inbox.say_how_to_answer(letters)


if __name__ == "__main__":
    main()
