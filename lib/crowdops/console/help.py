"""What --help shows: examples of real use, what the script does, its own options, and then the common ones.

A script's docstring ends with a paragraph of examples, a line each: arguments, two blanks or more, and words.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click
from click.formatting import wrap_text

from crowdops.console import commands

WIDEST = 110  # columns; longer lines are hard to read
_HEADING = "Examples:\n"
_MARGIN = "    "
_RANGE = re.compile(r"(?:(?P<low>[\d.]+)(?P<above><=?))?\bx(?P<sign>[<>]=?)(?P<bound>[\d.]*\d)")
_SIGNS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}


class Common(click.Option):
    """An option that every script has."""


class Selector(click.Option):
    """An option that says which runs are meant."""


class Example(NamedTuple):
    """A command that people type, without the script's name, and what it is for."""

    arguments: str
    words: str


def parts(docstring: str) -> tuple[list[str], list[Example]]:
    """Return the paragraphs of a script's docstring, and its examples."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    examples = []
    if paragraphs[-1].startswith(_HEADING):
        for line in paragraphs.pop().removeprefix(_HEADING).splitlines():
            arguments, _, words = line.removeprefix(_MARGIN).partition("  ")
            examples.append(Example(arguments, words.strip()))
    return [" ".join(paragraph.split()) for paragraph in paragraphs], examples


class Page(click.Command):
    """A command whose --help is laid out as the module says."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the page."""
        paragraphs, examples = parts(self.help or "")
        self.format_usage(ctx, formatter)
        if examples:
            _write_examples(ctx.command_path, examples, formatter)
        for paragraph in paragraphs:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(commands.in_place(paragraph))
        self.format_options(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options: the script's own, the selectors, the common ones."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Which runs": [], "Common options": []}
        for parameter in self.get_params(ctx):
            if shown := record(parameter, ctx):
                sections[_heading(parameter)].append((shown[0], commands.in_place(shown[1])))
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def record(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    """Return what is shown of a parameter, and what is said of it, if it is an option."""
    shown = parameter.get_help_record(context)
    if shown is None:
        return None
    names, text = shown
    return names.replace(" INTEGER RANGE", " N").replace(" FLOAT RANGE", " NUMBER"), ranges_in_words(text)


def ranges_in_words(text: str) -> str:
    """Return a text of click's in which a range such as 0<x<=10000 is said in words."""
    return _RANGE.sub(lambda found: _range(**found.groupdict()), text)


def _range(low: str | None, above: str | None, sign: str, bound: str) -> str:
    if above == sign == "<=":
        return f"{low} to {bound}"
    lowest = {"<": f"more than {low}, ", "<=": f"at least {low}, "}.get(above or "", "")
    return f"{lowest}{_SIGNS[sign]} {bound}"


def _heading(parameter: click.Parameter) -> str:
    if isinstance(parameter, Selector):
        return "Which runs"
    return "Common options" if isinstance(parameter, Common) or "--help" in parameter.opts else "Options"


def _write_examples(program: str, examples: Sequence[Example], formatter: click.HelpFormatter) -> None:
    with formatter.section("Examples"):
        for arguments, words in examples:
            for text, margin in ((f"{program} {arguments}".rstrip(), " " * 2), (words, " " * 6)):
                wrapped = wrap_text(text, formatter.width, initial_indent=margin, subsequent_indent=" " * 6)
                formatter.write(f"{wrapped}\n")


def listing(usage: str, groups: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Return names with a line of words each, under headings, as wide as the terminal."""
    formatter = click.HelpFormatter(max_width=WIDEST)
    formatter.write_usage("crowdops", usage)
    for heading, lines in groups.items():
        with formatter.section(heading):
            formatter.write_dl(list(lines))
    return formatter.getvalue().rstrip("\n")
