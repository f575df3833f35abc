"""--help: as wide as the terminal, examples of real use first, and the options under three headings."""

from __future__ import annotations

import importlib
import re
import shlex

import click
import pytest

from crowdops.console import help
from crowdops.console.cli import Command
from tests.support import screens
from tests.unit.test_house import SCRIPT_NAMES


def command(script: str) -> Command:
    main = importlib.import_module(f"scripts.{script.replace('/', '.')}").main
    assert isinstance(main, Command)
    return main


def page(main: click.Command, columns: int, name: str = "main") -> str:
    """What --help shows on a terminal so wide, of a script that is typed by such a name."""
    context = main.make_context(name, [], resilient_parsing=True)
    formatter = click.HelpFormatter(width=min(columns, help.WIDEST) - 2)
    main.format_help(context, formatter)
    return formatter.getvalue()


def of(script: str, columns: int) -> str:
    return page(command(script), columns, f"scripts/{script}.py")


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    for script in SCRIPT_NAMES:
        shown = of(script, columns)
        assert [line for line in shown.splitlines() if len(line) > columns] == [], script
        assert not re.search(r"[<>]=?x|x[<>]|RANGE\b(?! |])", shown), f"{script}: a range is said in words"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_a_page_looks_as_it_is_kept(size: tuple[int, int]) -> None:
    for script in ("local/recover", "mturk/launch_run"):
        screens.keep(f"help-{script.partition('/')[2]}", of(script, size[0]).replace("\n", "\r\n"), *size)


@pytest.mark.parametrize(
    ("range", "words"),
    [
        ("1<=x<=200", "1 to 200"),
        ("0<x<=10000", "more than 0, at most 10000"),
        ("0<=x<1", "at least 0, less than 1"),
        ("x>=0.1", "at least 0.1"),
        ("x>0", "more than 0"),
        ("x<=5", "at most 5"),
    ],
)
def test_a_range_is_said_in_words(range: str, words: str) -> None:
    assert help.ranges_in_words(f"So many. [default: 6; {range}]") == f"So many. [default: 6; {words}]"


def test_it_starts_with_examples_which_are_commands_of_the_script() -> None:
    for script in SCRIPT_NAMES:
        main = command(script)
        _, examples = help.parts(main.help or "")
        assert 2 <= len(examples) <= 3, f"{script}: end the docstring with two or three examples"
        for example in examples:
            assert example.words, script
            words = shlex.split(example.arguments)
            assert main.make_context(script, words, resilient_parsing=False).args == [], script
        before, _, after = of(script, 80).partition("Examples:\n")
        assert before.startswith("Usage: ") and before.count("\n\n") == 1, script
        assert after.startswith(f"  scripts/{script}.py"), script


def test_own_options_come_first_then_the_selectors_then_the_common_ones() -> None:
    text = of("mturk/expire_hits", 80)
    own, selectors, common = re.split(r"(?:Options|Which runs|Common options):\n", text)[1:]
    assert "--stop-run" in own and "--dry-run" in own and "--yes" in own
    assert "--run RUN_ID" in selectors and "--task-name GLOB" in selectors and "--all-runs" in selectors
    assert all(flag in common for flag in ("--environment", "--home", "--json", "--version", "--help"))
    assert "--environment" not in own and "--help" not in own


def test_every_script_has_what_is_common_under_its_heading() -> None:
    for script in SCRIPT_NAMES:
        parameters = command(script).params
        common = {name for option in parameters if isinstance(option, help.Common) for name in option.opts}
        assert {"--environment", "--home", "--json", "--quiet", "--verbose", "--version"} <= common, script


def test_a_paragraph_of_examples_is_read_line_by_line() -> None:
    paragraphs, examples = help.parts(
        "One\nline.\n\nTwo.\n\nExamples:\n    -n  look\n        do it\n    --x 'a  b'\n"
    )
    assert paragraphs == ["One line.", "Two."]
    assert examples[:2] == [help.Example("-n", "look"), help.Example("", "do it")]
    assert help.parts("One line.") == (["One line."], [])


def test_a_long_example_is_wrapped() -> None:
    @click.command(cls=help.Page, help="One.\n\nExamples:\n    " + "--worker A1B2C3 " * 9 + "  for nine\n")
    def main() -> None:
        pass

    lines = page(main, 60).splitlines()
    assert max(map(len, lines)) <= 60
