"""The page template of a run: Jinja2 over the fields of a data row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crowdops.errors import UsageError, nearest

# What the expressions of a template can raise over the values of a row, beside Jinja2's own TemplateError.
_RENDER_FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
# What a template can use beside the row's fields. A task server fills them in; inside a HIT nobody knows them
# yet, so the page's own script or the worker site does.
GIVEN = {
    "assignmentId": "",
    "hitId": "",
    "workerId": "",
    "turkSubmitTo": "",
    "submit_url": "/mturk/externalSubmit",
    "preview": False,
}


class Page:
    """A compiled template. Every value that it shows is escaped as text."""

    def __init__(self, path: Path) -> None:
        """Read and compile the template. UsageError says what is wrong with it, and where."""
        # Imported here because nearly every script needs this module and few render a page.
        import jinja2
        from jinja2 import meta

        self._path = path
        self._failures = (jinja2.TemplateError, *_RENDER_FAILURES)
        environment = jinja2.Environment(
            autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
        )
        try:
            source = path.read_text(encoding="utf-8")
            self._template = environment.from_string(source)
            self.fields = frozenset(meta.find_undeclared_variables(environment.parse(source)))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}. Check `template` in run.toml.") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8 (byte {error.start + 1}).") from error
        except jinja2.TemplateSyntaxError as error:
            raise UsageError(f"{path}, line {error.lineno}: {error.message}.") from error
        if not source.strip():
            raise UsageError(f"{path} is empty.")

    def check_columns(self, columns: Iterable[str]) -> None:
        """Raise UsageError if the template names a field that is not among the columns."""
        known = set(columns)
        for field in sorted(self.fields - known - set(GIVEN)):
            hint = nearest(field, known) or f" There are: {', '.join(sorted(known))}."
            raise UsageError(f"{self._path} uses the field {field!r}, which no column of the data has.{hint}")

    def render(self, row: dict[str, Any], row_number: int) -> str:
        """Return the page of a row. UsageError names the row, counted from 1, that does not fit."""
        try:
            return self._template.render({**row, **GIVEN})
        except self._failures as error:
            raise UsageError(f"{self._path}: row {row_number} cannot be rendered: {error}.") from error
