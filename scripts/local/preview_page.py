#!/usr/bin/env python3
"""Write the first rows of a run, as workers see them, to one HTML file: on a desktop and on a phone.

Nothing is contacted and nothing can be submitted from the file. Its path goes to stdout; without -o it lies
under the home's previews folder, named after the task, and replaces the one before.

Examples:
    run.toml --open                   the first three rows, in the browser
    run.toml --rows 10 -o pages.html  ten rows, into a file
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import webbrowser
from pathlib import Path

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("run_toml", metavar="RUN.TOML", type=click.Path(path_type=Path))
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Override a parameter. Repeatable.")
@click.option("--rows", type=click.IntRange(1, 50), default=3, show_default=True, help="How many rows.")
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), help="The file to write.")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@cli.with_settings
def main(
    settings: Settings, run_toml: Path, given: tuple[str, ...], rows: int, path: Path | None, opens: bool
) -> None:
    from crowdops.config import parameters
    from crowdops.runs import preview

    loaded = parameters.load(run_toml, cli.pairs(given, "--set"))
    made = preview.preview(loaded, settings, rows, run_toml)
    path = (path or preview.default_path(settings, loaded)).absolute()
    with output.destination(path) as file:
        file.write(made.html)
    output.remark(made.remarks, quiet=settings.quiet)
    shown = [page.number for page in made.pages]
    output.either(settings.as_json, {"path": path, "rows": shown, "remarks": made.remarks}, str(path))
    if opens and not webbrowser.open(path.as_uri()):
        output.say("No browser could be opened. Open the file yourself.")


if __name__ == "__main__":
    main()
