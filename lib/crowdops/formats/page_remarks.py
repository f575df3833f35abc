"""What is remarked on a page: one function a kind, in CHECKS.

What a browser submits is known to html_forms and form_checks alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import nearest
from crowdops.formats import form_checks, html_forms, template_names
from crowdops.formats.html_forms import BOX, FILE, FIXED, Form
from crowdops.formats.page_tags import Tag, Text, read_tags
from crowdops.formats.template_names import GIVEN, TAKEN

_MTURK_FIELD = re.compile(r"\$\{\s*([\w.][\w. -]*)\}")
_STORAGE = re.compile(r"\b(localStorage|sessionStorage|indexedDB|document\.cookie)\b")
_LOADED = {
    **dict.fromkeys(("img", "script", "audio", "video", "source", "iframe", "embed", "track"), ("src",)),
    "link": ("href",),
    "object": ("data",),
}
_WHOLE_ADDRESS = re.compile(r"(?:https?:)?//|data:|blob:|about:|#", re.IGNORECASE)
_CROWD_SCRIPT = "crowd-html-elements"
# What the crowd server's own script has of them.
_CROWD_ELEMENTS = frozenset(
    f"crowd-{name}"
    for name in (
        "form",
        "input",
        "text-area",
        "radio-group",
        "radio-button",
        "checkbox",
        "button",
        "classifier",
        "instructions",
    )
)
_KEPT_IN_FRAME = ("#", "javascript:", "mailto:", "tel:", "data:")
_NOT_KNOWN = {"workerId": "empty", "hitId": "empty", "preview": "always false"}
_FORM = (
    '<form method="post" action="{{ submit_url }}">'
    '<input type="hidden" name="assignmentId" value="{{ assignmentId }}"> … <button>Submit</button></form>'
)


class Remark(NamedTuple):
    """What is odd about a page, in which line of the template, or (`rendered`) of the first row's page."""

    text: str
    line: int = 0
    rendered: bool = False


class CheckedPage(NamedTuple):
    """A template with the page that it gives for the first row.

    `fields` are the names that the template uses, `optional` those that it can do without, `columns` what the
    data has. `embedded`: the page lies in the HIT itself. `submit_to` is the address of the worker site.
    """

    path: Path
    source: str
    html: str
    fields: frozenset[str]
    optional: frozenset[str]
    columns: frozenset[str]
    units: int
    embedded: bool
    submit_to: str


class ReadPage(NamedTuple):
    """A checked page with all that was read from it."""

    page: CheckedPage
    tags: list[Tag]
    texts: list[Text]
    forms: html_forms.Page
    form: Form | None

    @property
    def has_crowd_form(self) -> bool:
        return any(tag.name == "crowd-form" for tag in self.tags)


def _in_page(text: str, line: int) -> Remark:
    return Remark(text, line, rendered=True)


def _no_form(read: ReadPage) -> Iterator[Remark]:
    if read.form is None and not read.has_crowd_form:
        unless = ", unless its script makes one" if read.forms.has_scripts else ""
        yield Remark(f"the page has no form, so nobody can submit it{unless}. Write: {_FORM}")


def _not_submitted(read: ReadPage) -> Iterator[Remark]:
    """What keeps a browser from submitting the form to the worker site."""
    if read.form is None or read.has_crowd_form:
        return
    for obstacle in form_checks.obstacles(read.forms, read.form, read.page.submit_to):
        text = obstacle.text[0].lower() + obstacle.text[1:]
        if ", not to " in text:
            text += ' Write: method="post" action="{{ submit_url }}".'
        yield _in_page(text, obstacle.line)


def _outside(read: ReadPage) -> Iterator[Remark]:
    """Controls that belong to no form. A script may do with them what it likes."""
    if read.form is None or read.forms.has_scripts:
        return
    ids = {tag.attributes.get("id", "") for tag in read.tags if tag.name == "form"} - {""}
    depth = 0
    for tag in read.tags:
        if tag.name in ("form", "/form"):
            depth = 1 if tag.name == "form" else 0
        is_control = tag.name in ("input", "select", "textarea") and tag.attributes.get("name")
        own = tag.attributes.get("form", "") in ids if "form" in tag.attributes else depth > 0
        if is_control and not own:
            yield _in_page(
                "a field stands outside of the form, so its value is not sent. Move it inside.", tag.line
            )


def _without_name(read: ReadPage) -> Iterator[Remark]:
    for control in read.form.controls if read.form else ():
        if not control.name and control.kind != FIXED:
            yield _in_page('a field has no name, so its value is not sent. Write: name="…".', control.line)


def _same_name(read: ReadPage) -> Iterator[Remark]:
    """Fields that share a name and are no group. Check boxes and radio buttons are."""
    lines: dict[str, list[int]] = {}
    for control in read.form.controls if read.form else ():
        if control.name and control.kind != BOX and not control.name.endswith("[]"):
            lines.setdefault(control.name, []).append(control.line)
    for name, places in lines.items():
        if len(places) > 1:
            yield _in_page(
                f"{len(places)} fields are called {name!r}, so their values come as one answer, joined by |."
                " Give each a name of its own.",
                places[1],
            )


def _files(read: ReadPage) -> Iterator[Remark]:
    for control in read.form.controls if read.form else ():
        if control.kind == FILE and not control.required:
            yield _in_page(
                "the site takes no files: work that comes with one is refused. Ask for a link.", control.line
            )


def _mturk_fields(read: ReadPage) -> Iterator[Remark]:
    """`${text}` of MTurk's own web templates. In a script it may be JavaScript."""
    for text in read_tags(read.page.source)[1]:
        for match in _MTURK_FIELD.finditer("" if text.is_script else text.text):
            line = text.line + text.text.count("\n", 0, match.start())
            column = match[1].strip()
            written = template_names.how_to_write(column, read.page.columns)
            yield Remark(f"{match[0]} is shown as it stands. Write: {written}.", line)


def _crowd_elements(read: ReadPage) -> Iterator[Remark]:
    has_script = any(
        tag.name == "script" and _CROWD_SCRIPT in tag.attributes.get("src", "") for tag in read.tags
    )
    for tag in read.tags:
        if not tag.name.startswith("crowd-"):
            continue
        if not has_script:
            yield _in_page(
                f"<{tag.name}> does nothing without its script. Write:"
                ' <script src="https://assets.crowd.aws/crowd-html-elements.js"></script>, or a plain form.',
                tag.line,
            )
            return
        if not read.page.embedded:
            yield _in_page(
                f"<{tag.name}> does nothing here: Amazon's script is gone, and only a page that lies in the"
                ' HIT gets the crowd server\'s own. Write a plain form, or kind = "none" in [server].',
                tag.line,
            )
            return
        if tag.name not in _CROWD_ELEMENTS:
            yield _in_page(f"<{tag.name}> is not on the worker site. Write plain form fields.", tag.line)


def _not_known_yet(read: ReadPage) -> Iterator[Remark]:
    for name, shown in _NOT_KNOWN.items():
        if read.page.embedded and name in read.page.fields:
            yield Remark(
                f"{{{{ {name} }}}} is {shown} in a page that lies in the HIT, which is made before."
                ' Serve the page: kind = "local" or "heroku" in [server].',
                _line_of(read.page.source, name),
            )


def _no_column(read: ReadPage) -> Iterator[Remark]:
    page = read.page
    if page.units > 1 and not page.fields.difference(GIVEN):
        example = template_names.how_to_write(min(page.columns), page.columns)
        yield Remark(f"the page names no column of the data, so all HITs are the same. Write: {example}.")


def _never_there(read: ReadPage) -> Iterator[Remark]:
    """Fields with a default that no row has: probably misspelt."""
    known = template_names.known(read.page.columns)
    for name in sorted(read.page.optional & read.page.fields - known):
        yield Remark(
            f"no row has the field {name!r}, so it is left out everywhere.{nearest(name, known - {*TAKEN})}",
            _line_of(read.page.source, name),
        )


def _line_of(source: str, name: str) -> int:
    match = re.search(rf"\{{[{{%][^{{}}]*?\b{re.escape(name)}\b", source)
    return source.count("\n", 0, match.end()) + 1 if match else 0


def _storage(read: ReadPage) -> Iterator[Remark]:
    """What a page may not use in a frame without an origin of its own."""
    if not read.page.embedded:
        return
    for text in read.texts:
        for match in _STORAGE.finditer(text.text if text.is_script else ""):
            yield _in_page(
                f"{match[1]} fails in a page that lies in the HIT: its frame has no storage and no cookies."
                ' Do without, or serve the page: kind = "local" or "heroku" in [server].',
                text.line + text.text.count("\n", 0, match.start()),
            )


def _leaving(read: ReadPage) -> Iterator[Remark]:
    """Links that open in place of the task, whose answers are lost then."""
    base = next(
        (tag.attributes["target"] for tag in read.tags if tag.name == "base" and "target" in tag.attributes),
        "",
    )
    for tag in read.tags:
        if tag.name == "meta" and tag.attributes.get("http-equiv", "").lower() == "refresh":
            yield _in_page(
                "the page leads itself away (refresh), and the answers are lost. Take it out.", tag.line
            )
        href = tag.attributes.get("href", "").strip()
        if tag.name not in ("a", "area") or not href or href.lower().startswith(_KEPT_IN_FRAME):
            continue
        target = (tag.attributes.get("target") or base).lower()
        if target in ("", "_self", "_top", "_parent") and "download" not in tag.attributes:
            yield _in_page(
                "a link opens in place of the task, whose answers are lost then."
                ' Write: target="_blank" rel="noopener".',
                tag.line,
            )


def _relative(read: ReadPage) -> Iterator[Remark]:
    """Pictures, sounds, scripts and styles that lie beside the template: nobody serves them."""
    if any(tag.name == "base" and "href" in tag.attributes for tag in read.tags):
        return
    for tag in read.tags:
        for name in _LOADED.get(tag.name, ()):
            address = tag.attributes.get(name, "").strip()
            if address and not _WHOLE_ADDRESS.match(address):
                yield _in_page(
                    f"{name}={address[:60]!r} leads to nothing: no file is served beside the page."
                    " Write its whole address: https://…",
                    tag.line,
                )


CHECKS: tuple[Callable[[ReadPage], Iterator[Remark]], ...] = (
    _no_form,
    _not_submitted,
    _outside,
    _without_name,
    _same_name,
    _files,
    _mturk_fields,
    _crowd_elements,
    _not_known_yet,
    _no_column,
    _never_there,
    _storage,
    _leaving,
    _relative,
)
