"""The forms on a page, read as a browser reads them: what is sent, how, and where to.

Sources: HTML Standard, "Form submission", "Constructing the entry list"; where it leaves room, what Chromium
does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crowdops.formats.html_elements import Element, ElementReader
from crowdops.formats.html_parser import join

FIXED = "fixed"
ONE_OF = "one of"
SOME_OF = "some of"
BOX = "box"
FILE = "file"
URLENCODED, MULTIPART, PLAIN = "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"

_TEXTS = ("text", "search", "url", "tel", "email", "password")
_BUTTONS = ("submit", "image", "button", "reset")
_NEVER_REQUIRED = ("hidden", "range", "color")
_NEVER_READONLY = ("range", "color")
_FILLING = re.compile(r"assignmentId|turkSetAssignmentID|turkSubmitTo")
_SENDING = re.compile(r"\.\s*(?:submit|requestSubmit|click)\s*\(")


class Control(NamedTuple):
    """A field of a form. `name` is empty where it has none: then nothing of it is sent.

    `kind` is fixed, one of (radio buttons of one name, a list), some of (a list), box (a check box), file, or
    the type of an input (text, number, date …). `options` are the values of a choice, and the one value of a
    box and of what is fixed. The other limits are the control's own attributes; '' and None without one.
    """

    name: str
    kind: str
    options: tuple[str, ...] = ()
    required: bool = False
    low: str = ""
    high: str = ""
    step: str = ""
    shortest: int | None = None
    longest: int | None = None
    pattern: str = ""
    line: int = 0


class Button(NamedTuple):
    """A button that submits, and how the form goes by it. `action` is absolute; '' is the page itself.

    `values` are what the button adds. `checks`: whether the browser checks the fields first.
    """

    values: tuple[tuple[str, str], ...]
    action: str
    method: str
    enctype: str = URLENCODED
    target: str = ""
    checks: bool = True
    line: int = 0


class Form(NamedTuple):
    """A form: its controls in the order in which a browser sends them, and the buttons that submit it."""

    controls: tuple[Control, ...]
    buttons: tuple[Button, ...]
    line: int = 0


class Page(NamedTuple):
    """The forms of a page, and what its scripts may do to them.

    `may_fill`: fill in assignmentId, and tell a form where to go, as pages for MTurk do when they load.
    `may_send`: submit a form without a button for it.
    """

    forms: tuple[Form, ...]
    has_scripts: bool
    may_fill: bool
    may_send: bool


def read_page(html: str, url: str) -> Page:
    """Return the forms of a page that was opened at an address."""
    reader = ElementReader(url)
    reader.feed(html)  # not closed: a tag that is cut off is none, and to look for its end takes the square
    scripts = "\n".join(reader.scripts)
    may_send = reader.has_remote_script or bool(_SENDING.search(scripts))
    own: dict[int, list[Element]] = {id(form): [] for form in reader.forms}
    # Of two forms with one id the first is meant.
    by_id = {form.attributes.get("id", ""): form for form in reversed(reader.forms)} | {"": None}
    for control in reader.controls:
        named = control.attributes.get("form")
        form = control.form if named is None else by_id.get(named)
        if form is not None and not control.disabled:
            own[id(form)].append(control)
    return Page(
        forms=tuple(_form(form, own[id(form)], reader.base, may_send) for form in reader.forms),
        has_scripts=reader.has_remote_script or bool(scripts),
        may_fill=reader.has_remote_script or bool(_FILLING.search(scripts)),
        may_send=may_send,
    )


def _form(form: Element, controls: Sequence[Element], base: str, may_send: bool) -> Form:
    buttons = [control for control in controls if control.kind in ("submit", "image")]
    if may_send and not buttons:
        buttons = [Element("script", {}, form.line)]
    return Form(
        controls=tuple(_controls(controls)),
        buttons=tuple(_button(form, button, base) for button in buttons),
        line=form.line,
    )


def _button(form: Element, button: Element, base: str) -> Button:
    """Return a button of a form. What the button says comes before what the form says."""

    def stated(name: str) -> str:
        return (button.attributes.get(f"form{name}") or form.attributes.get(name, "")).strip()

    method, enctype, action = stated("method").upper(), stated("enctype").lower(), stated("action")
    return Button(
        values=_button_values(button),
        action="" if action.startswith("#") or not action else join(base, action),
        method=method if method in ("POST", "DIALOG") else "GET",
        enctype=enctype if enctype in (MULTIPART, PLAIN) else URLENCODED,
        target=stated("target").lower(),
        checks="formnovalidate" not in button.attributes and "novalidate" not in form.attributes,
        line=button.line,
    )


def _button_values(button: Element) -> tuple[tuple[str, str], ...]:
    name, value = button.attributes.get("name", ""), button.attributes.get("value")
    if button.kind == "image":  # where it was clicked
        prefix = f"{name}." if name else ""
        return (f"{prefix}x", "1"), (f"{prefix}y", "1")
    if value is None:
        value = "Submit" if button.tag == "input" else ""
    return ((name, value),) if name else ()


def _controls(elements: Sequence[Element]) -> Iterator[Control]:
    """Yield what can be filled in. Radio buttons of one name are one control."""
    radios: dict[str, list[Element]] = {}
    for element in elements:
        if element.kind == "radio":
            radios.setdefault(element.attributes.get("name", ""), []).append(element)
    for element in elements:
        if element.kind in _BUTTONS:
            continue
        if element.kind != "radio":
            yield _control(element)
        elif group := radios.pop(element.attributes.get("name", ""), None):
            yield _radio(group)


def _radio(group: Sequence[Element]) -> Control:
    return Control(
        name=group[0].attributes.get("name", ""),
        kind=ONE_OF,
        options=tuple(element.attributes.get("value", "on") for element in group),
        required=any("required" in element.attributes for element in group),
        line=group[0].line,
    )


def _control(element: Element) -> Control:
    attributes, kind = element.attributes, element.kind
    required = "required" in attributes and kind not in _NEVER_REQUIRED
    control = Control(attributes.get("name", ""), kind, required=required, line=element.line)
    if kind == "checkbox":
        return control._replace(kind=BOX, options=(attributes.get("value", "on"),))
    if kind == "select":
        return _list(control, element)
    if kind == "file":
        return control._replace(kind=FILE)
    if kind == "hidden" or ("readonly" in attributes and kind not in _NEVER_READONLY):
        value = attributes.get("value", "") if element.tag == "input" else "".join(element.text)
        return control._replace(kind=FIXED, options=(value,), required=False)
    return control._replace(
        kind="text" if kind == "textarea" else kind,
        low=attributes.get("min", ""),
        high=attributes.get("max", ""),
        step=attributes.get("step", ""),
        shortest=_length(attributes.get("minlength", "")),
        longest=_length(attributes.get("maxlength", "")),
        pattern=attributes.get("pattern", "") if kind in _TEXTS else "",
    )


def _list(control: Control, element: Element) -> Control:
    """Return a list. Its empty value ("please choose") is left out where another will do."""
    values = tuple(option.value for option in element.options if not option.disabled)
    if "multiple" in element.attributes:
        return control._replace(kind=SOME_OF, options=values)
    chosen = tuple(filter(None, values)) or (() if control.required else values)
    return control._replace(kind=ONE_OF, options=chosen)


def _length(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
