"""The sections of docs/scripts.md: what the code says of a script, and what the page says of its JSON."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from functools import cache
from typing import Any

import click

from crowdops.console import help
from tests.support import makes
from tests.support.forks import REPOSITORY

PAGE = REPOSITORY / "docs" / "scripts.md"
COMMON = {"environment", "home", "timeout", "as_json", "quiet", "verbose", "wide", "color", "version"}
SELECTORS = {"run", "task_name", "all_runs"}
EXAMPLES = "Examples:\n"
SECTION = re.compile(r"^### (\w+/\w+)\.py\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
SHAPE = re.compile(r"^`--json`(?: [^`]*)?: `(.*?)`", re.DOTALL | re.MULTILINE)
CODES = re.compile(r"^Exit codes: ([\d, ]+)\.", re.MULTILINE)
Shape = dict[str, Any] | None  # of an object: the shape of each key's value; None is anything
# What any script prints that fails, as the page says before its sections.
ERROR: Shape = {"error": dict.fromkeys(("message", "kind", "next", "exit_code"))}


@cache
def names() -> list[str]:
    """Return every script, such as "mturk/expire_hits"."""
    paths = sorted((REPOSITORY / "scripts").glob("*/*.py"))
    return [f"{path.parent.name}/{path.stem}" for path in paths if path.stem != "__init__"]


def made_from_code(name: str) -> str:
    """Return what the code says of a script: its target, its docstring and its own options, in Markdown."""
    module = importlib.import_module(f"scripts.{name.replace('/', '.')}")
    paragraphs = inspect.cleandoc(module.__doc__ or "").split("\n\n")
    if paragraphs[-1].startswith(EXAMPLES):
        paragraphs.pop()
    parts = [*_usage(name, module.main), *map(_prose, paragraphs), *_examples(name, module.__doc__ or "")]
    return "\n" + "".join(f"{part}\n\n" for part in [*parts, *_options(module.main)])


def _context(main: click.Command) -> click.Context:
    """Return a context as the script has it; click keeps the help option of the first for all later ones."""
    return click.Context(main, **main.context_settings)


def _usage(name: str, main: click.Command) -> list[str]:
    pieces = " ".join(main.collect_usage_pieces(_context(main)))
    targets = [target for target, recipe in makes.recipes().items() if f"scripts/{name}.py" in recipe]
    return [f"`{name.split('/')[1]}.py {pieces}` · " + ", ".join(f"`make {target}`" for target in targets)]


def _prose(paragraph: str) -> str:
    return re.sub(r"([*<])", r"\\\1", paragraph)


def _examples(name: str, docstring: str) -> list[str]:
    _, examples = help.parts(docstring)
    program = f"crowdops {name.replace('/', ' ')}"
    lines = [f"# {words}\n{f'{program} {arguments}'.rstrip()}" for arguments, words in examples]
    return ["```\n" + "\n".join(lines) + "\n```"] if lines else []


def _options(main: click.Command) -> list[str]:
    """Return a table of a script's own options, and a line that names the shared ones that it takes."""
    taken = {parameter.name for parameter in main.params}
    shared = COMMON | (SELECTORS if taken >= SELECTORS else set())
    context = _context(main)
    records = [help.record(parameter, context) for parameter in main.params if parameter.name not in shared]
    rows = [f"| {_option(record[0])} | {_cell(record[1])} |" for record in records if record and record[1]]
    table = ["\n".join(["| option | what it does |", "| --- | --- |", *rows])] if rows else []
    selects = ["It takes the [selectors](#how-they-are-run)."] if taken >= SELECTORS else []
    return [*table, *selects]


def _option(text: str) -> str:
    return ", ".join(f"`{one}`" for one in text.replace("|", "\\|").split(", "))


def _cell(text: str) -> str:
    return re.sub(r"([|*<])", r"\\\1", " ".join(text.split()))


@cache
def sections() -> dict[str, str]:
    """Return the section of the page that each script has."""
    return dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))


@cache
def shapes(name: str) -> list[Shape]:
    """Return the shapes that the page gives for a script's JSON document; none if it prints none."""
    return [parse(text) for text in SHAPE.findall(sections().get(name, ""))]


@cache
def exit_codes(name: str) -> set[int]:
    """Return the exit codes that the page gives for a script."""
    found = CODES.search(sections().get(name, ""))
    return {int(code) for code in found[1].split(",")} if found else set()


def parse(text: str) -> Shape:
    """Return a shape that is written as `{a, b: {c}, d: [{e}], f: {…}}`, spread over lines or not."""
    tokens = re.findall(r"[\w]+|[{},:\[\]…]", text)
    return _value(tokens)


def _value(tokens: list[str]) -> Shape:
    """Take a value off the tokens: an object, or a list of them. Lists are told by their brackets only."""
    if tokens[0] == "[":
        tokens.pop(0)
        inner = _value(tokens)
        assert tokens.pop(0) == "]"
        return inner
    assert tokens.pop(0) == "{"
    shape: dict[str, Any] = {}
    while (token := tokens.pop(0)) != "}":
        if token == "…":
            shape = {"…": None}
        elif token != ",":
            shape[token] = None
            if tokens[0] == ":":
                tokens.pop(0)
                shape[token] = _value(tokens)
    return None if "…" in shape else shape


def keys_of(shape: Shape) -> set[str]:
    """Return every key in a shape, however deep."""
    return set().union(*({key} | keys_of(inner) for key, inner in (shape or {}).items()))


def undocumented(document: Any, shape: Shape, where: str = "") -> list[str]:
    """Return the keys of a document that a shape lacks, each with its place, such as "runs.hits.missing"."""
    if isinstance(document, list):
        return sorted({key for item in document for key in undocumented(item, shape, where)})
    if not isinstance(document, dict) or shape is None:
        return []
    found = [f"{where}{key}" for key in document if key not in shape]
    for key in document.keys() & shape.keys():
        found += undocumented(document[key], shape[key], f"{where}{key}.")
    return found


def _documents(stdout: str) -> Any:
    """Return the document that was printed, or the list of those that were, one a line."""
    try:
        return json.loads(stdout)
    except json.JSONDecodeError:
        return [json.loads(line) for line in stdout.splitlines()]


def hold(name: str, arguments: tuple[str, ...], exit_code: int, stdout: str) -> None:
    """Hold what a script did against what the page says of it: its exit code, and its document's keys."""
    if name not in names():
        return
    how = f"see {name} in docs/scripts.md"
    assert exit_code in exit_codes(name), f"exit code {exit_code} of {name} is not told: {how}"
    if "--json" in arguments and "--watch" not in arguments and stdout.startswith(("{", "[")):
        documents = _documents(stdout)
        known = [ERROR, *shapes(name)] if exit_code else shapes(name)
        lacking = [undocumented(documents, shape) for shape in known]
        assert [] in lacking, (
            f"keys of {name} --json are not told: {min(lacking, key=len, default='all')}: {how}"
        )
