#!/usr/bin/env python3
"""Show the named key pairs of the crowd server's one account.

Each person or program gets a key of its own: it can be revoked alone, and the server's log tells each call
under its key's name. --new prints the pair once, in the form of AWS's own file; whoever uses it puts it into
crowd/credentials of a home of their own, readable by them alone. A name is used once.

The first key lies in crowd/credentials of the home that the server serves. Only it makes and revokes keys,
and it cannot be revoked here: nobody locks the account out. Is it lost, or known to others, move that file
away and start the server anew: it makes another one. All named keys end with the old one, and so do the forms
that workers have open.

Examples:
                                  who has a key
    --new ada                     a key for Ada, shown this once
    --revoke ada                  none for her any more
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, combinations, output


@cli.command(__doc__)
@click.option("--new", metavar="NAME", help="Make a key of this name and print it.")
@click.option("--revoke", metavar="NAME", help="Revoke the key of this name, at once and for good.")
@cli.with_guard
@cli.with_settings
def main(new: str | None, revoke: str | None, settings: Settings, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.workers import keys

    if new is not None:
        combinations.refuse("with --new", revoke=revoke is not None, dry_run=guard.dry_run, yes=guard.yes)
        keys.make(settings, new)
        return 0
    if revoke is not None:
        key = keys.find(settings, revoke)
        result = BulkResult[str](already=1 if key.revoked_at else 0)
        if not key.revoked_at and guard.allows(f"Revoke the key {key.name}? It works for nobody then."):
            result = keys.revoke(settings, key)
        return cli.report(settings, guard, "revoked", 1, result)
    combinations.refuse("without --revoke", dry_run=guard.dry_run, yes=guard.yes)
    columns.either(settings.as_json, "keys", keys.COLUMNS, keys.existing(settings))
    if not (settings.quiet or settings.as_json):
        output.say(keys.where_the_first_is(settings))
    return 0


if __name__ == "__main__":
    main()
