#!/usr/bin/env python3
"""Make sign-in links with which workers work on the crowd server: for one worker, or for many at once.

The links come as CSV: worker_id, name, url, and when they end. Send each to its own worker only: whoever has
it works, and earns, as this worker. It works for --days, or until a newer one is made for the same worker; a
browser that opened it stays signed in for 30 days. All are invited or nobody is.

Workers are named by --name, each a new one, or in a --file: a CSV with the columns name and worker_id, which
may be empty. With the id of a known worker this makes a new link, and ends the old one and whatever was
signed in with it; a worker who was removed is back. A name that another worker has is asked about: --yes
invites another person of this name, --renew sends the same one a new link. remove_workers ends a link.

The file may also say what Amazon's own qualifications go by: the columns country and subdivision, as ISO 3166
writes them (US and CA), adult and masters, each yes or no. --only-attributes keeps these for known workers
and makes no link.

Examples:
    --file workers.csv                all of a list; the links are on stdout
    --worker-id A1B2C3                a new link for one who is known
    --file all.csv --only-attributes  where known workers live, without links
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, combinations, output
from crowdops.formats import words


@cli.command(__doc__)
@click.option(
    "--name",
    "names",
    metavar="NAME",
    multiple=True,
    help="A worker's name, at most 100 characters. Repeatable.",
)
@click.option("--worker-id", "worker_ids", metavar="ID", multiple=True, help="A known worker. Repeatable.")
@click.option("--file", type=click.Path(path_type=Path), help="A CSV with the columns name and worker_id.")
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, 366), help="How long the links work."
)
@click.option("--only-attributes", is_flag=True, help="Known workers: keep what --file says; no links.")
@click.option("--renew", is_flag=True, help="Names that are taken: new links for those who have them.")
@click.option("-y", "--yes", is_flag=True, help="Names that are taken: invite others of the same name.")
@cli.with_settings
def main(days: int, only_attributes: bool, renew: bool, yes: bool, settings: Settings, **whom: Any) -> None:
    from crowdops.workers import invitations, people_view

    wanted = invitations.wishes(**whom)
    if only_attributes:
        combinations.refuse("with --only-attributes", renew=renew, yes=yes)
        combinations.refuse("with --only-attributes", name=whom["names"], worker_id=whom["worker_ids"])
        changed = invitations.describe(settings, wanted)
        if settings.as_json:
            output.document({"changed": changed})
        elif not settings.quiet:
            output.say(f"Kept what the file says of {words.count(changed, 'worker')}.")
        return
    taken = people_view.when_taken(renew=renew, yes=yes)
    made = invitations.invite(settings, wanted, days, taken, people_view.invites_others)
    if not settings.quiet:
        output.say(people_view.invited_words(made))
    people_view.links(made, as_json=settings.as_json)


if __name__ == "__main__":
    main()
