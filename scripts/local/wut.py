#!/usr/bin/env python3
"""Explain a setting or run parameter: what it is, its default, its value now and where that comes from.

Without a name: all of them in one table. With RUN.TOML, values are those that the run would have.
"""

from pathlib import Path

import click

from crowdops.config import declarations
from crowdops.config.settings import Settings, explain, explanation_row, find
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("name", required=False)
@click.option("--run-toml", type=click.Path(path_type=Path), help="Look up run parameters in this file too.")
@cli.with_settings
def main(name: str | None, run_toml: Path | None, settings: Settings) -> None:
    from crowdops.config import parameters

    given = parameters.given_in(run_toml) if run_toml else {}
    found = [explain(setting, given) for setting in ([find(name)] if name else declarations.ALL)]
    if settings.as_json:
        output.document({"settings": found})
    elif name:
        output.pairs(found[0])
    else:
        output.table(("name", "type", "value", "from", "help"), [explanation_row(row) for row in found])


if __name__ == "__main__":
    main()
