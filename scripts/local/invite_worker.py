#!/usr/bin/env python3
"""Make a sign-in link with which a worker works on the crowd server, and print it.

Send the link to that worker only: whoever has it works, and earns, as this worker. It works for 90 days, or
until a newer one is made for the same worker; a browser that opened it stays signed in for 30. Without
--worker-id a new worker is made; with the id of a known worker, this makes a new link and ends the old one
and whatever was signed in with it. To end a worker's access, make one and send it to nobody.

Examples:
    --name Ada                     a new worker
    --worker-id A1B2C3 --name Ada  a new link for one who is known
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.option("--name", metavar="NAME", help="Name that the worker sees, at most 100 characters.")
@click.option("--worker-id", metavar="ID", help="A and capital letters or digits. [default: a new id]")
@cli.with_settings
def main(name: str | None, worker_id: str | None, settings: Settings) -> None:
    from crowdops.providers.crowd_server import client

    invitation = client.invite(settings, name=name, worker_id=worker_id)
    if not (settings.quiet or settings.as_json):
        named = f" ({invitation.name})" if invitation.name else ""
        output.say(f"Worker {invitation.worker_id}{named} signs in with this link:")
    output.either(settings.as_json, invitation._asdict(), invitation.url)


if __name__ == "__main__":
    main()
