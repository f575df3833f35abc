#!/usr/bin/env python3
"""Explain a setting or run parameter: what it is, its default, its value now and where that comes from.

A name is also that of a variable, such as HEROKU_API_KEY, or a word of a message, such as orphan. Without a
name: all settings, parameters and variables of ours in one table. With RUN.TOML, values are those that the
run would have. Of secrets it is only said whether they are set. With --run, what agree, at_most and
answer_field will cost is told by the first hundred answers of that run.

Examples:
                                  all settings and run parameters
    task_reward                   one of them, and its value now
    agree --run last              what agreement costs, by the answers of that run
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from collections.abc import Mapping
from pathlib import Path

import click

from crowdops.config import declarations, variables, vocabulary
from crowdops.config.declarations import Setting
from crowdops.config.settings import Selection, Settings, Value
from crowdops.console import cli, columns, output, terminal
from crowdops.console.columns import Column, Show
from crowdops.errors import UsageError

COLUMNS: list[Column[tuple[Setting, Value]]] = [
    Column("name", "name", lambda explained: explained[0].name, is_id=True),
    Column("help", None, lambda explained: explained[0].help),
    Column("type", "type", lambda explained: explained[0].kind, show=Show.WIDE),
    Column("default", None, lambda explained: explained[0].default),
    Column("value", "value", lambda explained: explained[1].value),
    Column("from", "from", lambda explained: explained[1].source),
    Column(None, "help", lambda explained: explained[0].help, show=Show.WIDE),
    Column("variable", None, lambda explained: explained[0].variable),
    Column("flag", None, lambda explained: explained[0].flag),
    Column("advice", None, lambda explained: explained[0].advice),
]


@cli.command(__doc__)
@click.argument("name", required=False)
@click.option("--run-toml", type=click.Path(path_type=Path), help="Look up run parameters in this file too.")
@click.option("--run", metavar="RUN_ID", help="Tell what agreement costs by the answers of this run.")
@cli.with_settings
def main(name: str | None, run_toml: Path | None, run: str | None, settings: Settings) -> None:
    from crowdops.config import parameters

    given = parameters.given_in(run_toml) if run_toml else {}
    chosen = [vocabulary.find(name)] if name else [*declarations.ALL, *variables.VARIABLES]
    explained = [(row, vocabulary.value_of(row, given)) for row in chosen]
    by_run = {"by_run": _by_run(settings, run, chosen, given)} if run else {}
    if settings.as_json:
        output.document({"settings": columns.documents(COLUMNS, explained), **by_run})
    elif name:
        shown = columns.document(COLUMNS, explained[0])
        is_word = chosen[0] in vocabulary.WORDS
        told = {key: value for key, value in shown.items() if value or not is_word}
        output.pairs(
            told
            | {
                key: vocabulary.echo(chosen[0].name, told[key])
                for key in ("default", "value")
                if told.get(key)
            }
            | by_run
        )
    else:
        columns.table(COLUMNS, explained)
        if terminal.is_one(terminal.STDOUT):
            output.say("What one of them means: make wut NAME=task_reward")


def _by_run(settings: Settings, run_id: str, chosen: list[Setting], given: Mapping[str, str]) -> str:
    """Return what agreement costs by a run's answers. UsageError if something else is explained."""
    from crowdops.payments import agreement_cost
    from crowdops.registry import Registry
    from crowdops.registry.selection import select

    if len(chosen) > 1 or chosen[0].name not in agreement_cost.NAMES:
        raise UsageError(f"--run goes with one of {', '.join(agreement_cost.NAMES)}. Nothing was done.")
    with Registry.open(settings.home) as registry:
        [run] = select(registry, Selection((run_id,)))
        return agreement_cost.explain(registry, run, given)


if __name__ == "__main__":
    main()
