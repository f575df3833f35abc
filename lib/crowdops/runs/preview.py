"""The first pages of a run as one HTML file: each row as workers see it, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.errors import UsageError
from crowdops.formats.input_rows import InputRows
from crowdops.formats.page_template import Page
from crowdops.runs.plan import Seen, of_files, remarks

# No allow-forms: nothing can be submitted from a preview. No allow-same-origin, as on the worker site.
SANDBOX = "allow-scripts allow-modals"
SCREENS = {"desktop": (1100, 780), "phone": (390, 780)}  # CSS pixels: width, height

_FILE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Preview: {{ parameters.task_title }}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #1c2430; background: #e9edf2; }
  .screens { display: flex; flex-wrap: wrap; gap: 1.5rem; }
  figure { margin: 0; max-width: 100%; overflow-x: auto; }
  figcaption { color: #5a6675; }
  iframe { display: block; background: #fff; border: 1px solid #97a3b4; border-radius: .4rem; }
</style>
</head>
<body>
<h1>{{ parameters.task_title }}</h1>
<p>{{ parameters.task_description }}</p>
<p>{{ parameters.task_name }}: ${{ parameters.task_reward }} for one assignment.
  Nothing can be submitted from here.</p>
{% for page in pages %}
<h2>Row {{ page.number }}</h2>
<div class="screens">
{% for screen, (width, height) in screens.items() %}
  <figure>
    <iframe title="Row {{ page.number }} on a {{ screen }}" sandbox="{{ sandbox }}" width="{{ width }}"
      height="{{ height }}" srcdoc="{{ page.html }}"></iframe>
    <figcaption>{{ screen }}, {{ width }} by {{ height }}</figcaption>
  </figure>
{% endfor %}
</div>
{% endfor %}
</body>
</html>
"""


class RowPage(NamedTuple):
    """The page of one row, which is counted from 1 as in the data file."""

    number: int
    html: str


class Preview(NamedTuple):
    """The rows that are shown, the file's text, and remarks for people."""

    pages: list[RowPage]
    html: str
    remarks: list[str]


def default_path(settings: Settings, parameters: Parameters) -> Path:
    """Return where a preview goes that nobody named. UsageError if its folder cannot be made."""
    folder = settings.home / "previews"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror}. Name a file: -o preview.html"
        ) from error
    return folder / f"{parameters.task_name}.html"


def preview(parameters: Parameters, settings: Settings, rows: int, run_toml: Path) -> Preview:
    """Render the first rows of a run's data, as after a worker has accepted. Reads no further than these.

    UsageError as for a launch.
    """
    import jinja2

    template, data = Page(parameters.template), InputRows(parameters.data)
    pages: list[RowPage] = []
    # Rows that are not read may have what these lack, but for a file with a header.
    seen = Seen(template, {}, set() if data.has_header else set(template.optional), 0)
    for index, row in islice(data, rows):
        if index == 0 and data.has_header:
            template.check_columns(row, parameters.data)
        pages.append(RowPage(data.number, template.render(row, data.number)))
        seen = Seen(template, seen.first_row or row, seen.columns | set(row), len(pages))
    file = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(_FILE)
    html = file.render(parameters=parameters, pages=pages, screens=SCREENS, sandbox=SANDBOX)
    elsewhere = of_files(parameters, run_toml)
    return Preview(pages, html, [*_remarks(parameters), *elsewhere, *remarks(parameters, settings, seen)])


def _remarks(parameters: Parameters) -> Iterator[str]:
    if parameters.server_kind == "url" or parameters.app_dir:
        served_by = parameters.url or f"the app in {parameters.app_dir}"
        yield f"The run's pages come from {served_by}, which may not use this template."
