"""The page template of a run: Jinja2 over the fields of a data row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crowdops.errors import UsageError, nearest
from crowdops.formats import files, template_names
from crowdops.formats.template_names import GIVEN, TAKEN

# What the expressions of a template can raise over the values of a row, beside Jinja2's own TemplateError.
_RENDER_FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_OPTIONAL = ("default", "d", "defined", "undefined")  # filters and tests that stand a field's absence
_SPACED_NAME = re.compile(r"\{\{-?\s*([\w .#?:%&@/-]*\w)\s*(?:\||-?\}\})")  # {{ my text }}, {{ 2nd }}


class Page:
    """A compiled template. Every value that it shows is escaped as text, and null is shown as nothing.

    `fields` are the names that it uses, `optional` those of them that it can do without.
    """

    def __init__(self, path: Path) -> None:
        """Read and compile the template. UsageError says what is wrong with it, and where."""
        # Imported here because nearly every script needs this module and few render a page.
        import jinja2
        from jinja2 import meta, sandbox

        self.path = path
        self._failures = (jinja2.TemplateError, *_RENDER_FAILURES)
        # A template is somebody's text, and a dry run is to be harmless: it reaches nothing but its fields.
        environment = sandbox.ImmutableSandboxedEnvironment(
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            finalize=lambda value: "" if value is None else value,
        )
        self.source = read_source(path)
        try:
            self._template = environment.from_string(self.source)
            tree = environment.parse(self.source)
        except jinja2.TemplateSyntaxError as error:
            hint = _spelling_hint(self.source, error.lineno)
            raise UsageError(f"{path}, line {error.lineno}: {error.message}.{hint}") from error
        self.fields = frozenset(meta.find_undeclared_variables(tree))
        self.optional = frozenset(_optional(tree))

    def check_columns(self, columns: Iterable[str], data: Path) -> None:
        """UsageError if a column has a name of ours, or if the template needs a field that is no column."""
        columns = list(columns)
        if taken := sorted(set(columns) & set(TAKEN)):
            raise UsageError(
                f"{data}: no column can be called {' or '.join(taken)}: to a template that is something else."
                f" Rename it, for instance to my_{taken[0]}."
            )
        known = template_names.known(columns)
        for field in sorted(self.fields - known - self.optional):
            raise UsageError(
                f"{self.path} uses the field {field!r}, which no column of the data has."
                f"{_column_hint(field, columns)}"
            )

    def render(self, row: dict[str, Any], row_number: int, given: Mapping[str, object] = GIVEN) -> str:
        """Return the page of a row. UsageError names the row, counted from 1, that does not fit."""
        try:
            return self._template.render({**template_names.names(row), **given})
        except self._failures as error:
            absent = f"{error}".removesuffix(" is undefined").strip("'")
            hint = ""
            if absent in self.fields:
                hint = f" If rows may lack it, write {{{{ {absent}|default('') }}}}."
            raise UsageError(f"{self.path}: row {row_number} cannot be rendered: {error}.{hint}") from error


def read_source(path: Path) -> str:
    """Return a template's text without a byte order mark, its lines ended alike. UsageError says why not."""
    try:
        source = files.read_text(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Check `template` in run.toml.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start + 1}). Save the file as UTF-8.") from error
    if not source.strip():
        raise UsageError(f"{path} is empty.")
    return source


def _optional(tree: Any) -> Iterator[str]:
    """Yield the names that stand before a filter or a test for which they need not be there."""
    from jinja2 import nodes

    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if node.name in _OPTIONAL and isinstance(node.node, nodes.Name):
            yield node.node.name


def _spelling_hint(source: str, line: int) -> str:
    """Return how to write a column whose name is no name, if the line of a syntax error seems to have one."""
    text = "".join(source.splitlines()[line - 1 : line])
    match = _SPACED_NAME.search(text)
    if match is None or match[1].isidentifier():
        return ""
    column = match[1].strip()
    return f" The column {column!r} is {template_names.how_to_write(column, [column])}."


def _column_hint(field: str, columns: list[str]) -> str:
    """Return what was probably meant by a field that is no column."""
    for column in columns:
        parts = re.split(r"\W+", column)
        if not column.isidentifier() and field in (*parts, template_names.identifier(column)):
            return f" The column {column!r} is {template_names.how_to_write(column, columns)}."
    return nearest(field, template_names.known(columns)) or f" There are: {', '.join(sorted(columns))}."
