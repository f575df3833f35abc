"""One assignment as a reviewer sees it: in the lines of a terminal, whole as text, and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from crowdops.config.settings import Settings
from crowdops.console import layout, output, times
from crowdops.errors import UsageError
from crowdops.formats.page_template import Page
from crowdops.registry import Result

MOST_LINES = 8  # of a value
WIDEST_NAME = 24  # columns
# As on the worker site, and nothing can be submitted.
SANDBOX = "allow-scripts"

_FILE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ result.task_name }}, unit {{ result.unit_index }}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #1c2430; background: #e9edf2; }
  th { text-align: left; vertical-align: top; padding-right: 1rem; }
  td { white-space: pre-wrap; overflow-wrap: anywhere; }
  iframe { width: 100%; height: 80vh; background: #fff; border: 1px solid #97a3b4; border-radius: .4rem; }
</style>
</head>
<body>
<h1>{{ result.task_name }}, unit {{ result.unit_index }}</h1>
<p>Worker {{ result.assignment.worker_id }}, assignment {{ result.assignment.assignment_id }}.
  Nothing can be submitted from here.</p>
{% for title, fields in (("Answers", result.assignment.answer), ("The row", result.input or {})) %}
<h2>{{ title }}</h2>
<table>
{% for name, value in fields.items() %}
<tr><th>{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}
</table>
{% endfor %}
<h2>The page</h2>
{% if page is none %}
<p>{{ why }}</p>
{% else %}
<iframe title="The page as it was" sandbox="{{ sandbox }}" srcdoc="{{ page }}"></iframe>
{% endif %}
</body>
</html>
"""


def field_lines(result: Result, columns: int) -> list[str]:
    """Return the row and the answers as lines of at most so many columns, long values cut."""
    fields = [*_fields("  ", result.input), *_fields("  → ", result.assignment.answer)]
    width = min(max((layout.width(name) for name, _ in fields), default=0), WIDEST_NAME)
    return [line for name, value in fields for line in _field_lines(name, value, width, columns)]


def _fields(lead: str, values: Mapping[str, object] | None) -> Iterator[tuple[str, str]]:
    for name, value in (values or {}).items():
        yield f"{lead}{layout.shorten(output.clean(name), WIDEST_NAME - len(lead))}:", str(value)


def _field_lines(name: str, value: str, width: int, columns: int) -> Iterator[str]:
    """Yield the lines of a field. Its later lines cannot be taken for ours: they begin with a bar."""
    room = max(columns - width - 3, 20)
    lines = [part for line in value.splitlines() or [""] for part in _pieces(output.clean(line), room)]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [f"… {len(value):,} characters in all; o shows them"]
    yield f"{layout.pad(name, width)} {lines[0]}".rstrip()
    for line in lines[1:]:
        yield f"{' ' * (width - 1)}| {line}".rstrip()


def _pieces(line: str, room: int) -> Iterator[str]:
    """Yield a line in pieces of at most so many columns."""
    for part in layout.wrap(line, room).split("\n"):
        yield from layout.pieces(part, room) if part else [""]


def whole_text(result: Result) -> str:
    """Return all of an assignment as text, nothing of it cut."""
    assignment = result.assignment
    submitted = times.spoken(assignment.submitted_at) if assignment.submitted_at else "not known"
    parts = [
        f"{result.task_name}, unit {result.unit_index}, worker {assignment.worker_id}, submitted {submitted}"
    ]
    for title, fields in (("THE ANSWERS", assignment.answer), ("THE ROW", result.input or {})):
        parts += ["", title]
        for name, value in fields.items():
            parts += [f"{name}:", *(f"    {line}" for line in str(value).splitlines())]
    return "\n".join(parts)


def write_page(settings: Settings, result: Result) -> Path:
    """Write the page of a unit with an assignment's answers to a file of the run's, and return its path.

    UsageError if it cannot be written.
    """
    import jinja2

    page, why = None, "The row of this unit is not known."
    folder = settings.run_folder(result.run_id)
    if result.input is not None:
        try:
            number = result.unit_index + 1
            page = Page(folder / "template.html").render(result.input, number)
        except UsageError as error:
            why = str(error)
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(_FILE)
    path = folder / "review" / "assignment.html"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be made: {error.strerror}.") from error
    with output.destination(path) as file:
        file.write(template.render(result=result, page=page, why=why, sandbox=SANDBOX))
    return path
