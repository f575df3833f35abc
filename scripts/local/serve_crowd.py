#!/usr/bin/env python3
"""Serve the crowd: an MTurk-compatible API for requesters, and a site where workers work.

Prints its address when it is ready, and serves until Ctrl-C. Everything it knows is in its database, so it
can be killed and started again at any time. The requester's key pair is made at the first start. The
database is crowd/crowd.db in the home, or where CROWD_DATABASE_URL says: in the environment, or in a .env
that you only can read.

Behind a web server, --public-url is the address that workers and requesters see, with its path if it has
one; the web server may hand that path on or take it off. Browsers send cookies to every port of a host: serve
nothing else there, task pages least of all.

--site-name is the lab's name: on every page, and beside each task as the requester's. With --consent-file
each worker, and each participant of a panel, agrees to that text before anything else; print_workers tells
when. Where the text changes, everybody is asked again.

A request has to be whole within 15 s. A submission has at most 512 kB and 2,000 fields, a call 1 MB, a
message to the requester 64 kB, any other form 16 kB. One address has at most 600 connections to a process,
all have 800.

--control, --latency-ms and --rate-limit are for rehearsals and tests.

Examples:
                                            for this machine, on port 8730
    --port 0 --control                      for tests: a free port, a clock to move
    --public-url https://lab.example/crowd  behind a web server
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings, variable
from crowdops.config.variables import OF_CROWD_SERVERS
from crowdops.console import cli, output, terminal, welcome


@cli.command(__doc__)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8730, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="How many share the work: as many as cores.",
)
@click.option(
    "--balance", default="10000.00", show_default=True, help="Dollars in the account at the first start."
)
@click.option("--sandbox", is_flag=True, help="Make it a sandbox for good: its balance is always 10000.00.")
@click.option(
    "--public-url", metavar="URL", help="Address outside, behind a web server: https://lab.example/crowd."
)
@click.option("--trusted-proxies", metavar="ADDRESSES", help="Web servers whose X-Forwarded-* count.")
@click.option("--site-name", metavar="NAME", help="The lab's name, for workers to read.")
@click.option(
    "--consent-file", metavar="FILE", help="Text of at most 50 kB that each worker agrees to first."
)
@click.option(
    "--control", is_flag=True, help="Serve /_control: a clock to move, faults to order. Loopback only."
)
@click.option("--latency-ms", default=0, type=click.IntRange(min=0), help="Delay of each API reply.")
@click.option("--rate-limit", type=click.IntRange(min=1), help="API calls a second, at most.")
@cli.with_settings
def main(host: str, port: int, settings: Settings, **options: object) -> None:
    from crowdops.providers import processes

    if terminal.is_one(terminal.STDERR) and not settings.quiet:
        output.say("\n".join(welcome.crowd_lines(settings.home, host, port)))
    secrets = {name: value for name in OF_CROWD_SERVERS if (value := variable(name))}
    processes.become_crowd_server(settings.home, secrets, host=host, port=port, **options)


if __name__ == "__main__":
    main()
