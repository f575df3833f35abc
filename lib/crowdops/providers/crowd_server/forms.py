"""The form on a task page, read as a browser without JavaScript would read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

from bs4 import BeautifulSoup

from crowdops.errors import ProviderError

Values = list[tuple[str, str]]

ONE_OF = "one of"
SOME_OF = "some of"
FIXED = "fixed"
_UNSENT = {"button", "reset", "image", "file"}


class Control(NamedTuple):
    """A field of a form. `kind` is fixed, one of, some of, or the type of an input (text, number, date …).

    `options` are the values of the two choices, and the one value of a fixed control. `low`, `high` and
    `length` are the control's own limits, None where it states none.
    """

    name: str
    kind: str
    options: tuple[str, ...] = ()
    required: bool = False
    low: float | None = None
    high: float | None = None
    length: int | None = None


class Form(NamedTuple):
    """Where a form goes, and its controls in the order in which a browser sends them."""

    action: str
    method: str
    controls: tuple[Control, ...]


def read_form(html: str, url: str, query: dict[str, str]) -> Form:
    """Return the form of a task page that was opened at `url` with the frame's query parameters.

    What page scripts do at load is done here: an empty assignmentId is filled in, and a form without an
    action goes to turkSubmitTo. ProviderError if there is no form.
    """
    page = BeautifulSoup(html, "html.parser")
    forms = page.find_all("form")
    form = next(
        (form for form in forms if "externalSubmit" in str(form.get("action"))), forms[0] if forms else None
    )
    if form is None:
        raise ProviderError("The task page has no form that works without JavaScript.")
    controls = tuple(_with_assignment(_controls(page, form), query))
    action = str(form.get("action") or "").strip()
    if action:
        return Form(urljoin(url, action), str(form.get("method") or "get").upper(), controls)
    submit_to = query.get("turkSubmitTo", url).rstrip("/")
    return Form(f"{submit_to}/mturk/externalSubmit", "POST", controls)


def _with_assignment(controls: Iterator[Control], query: dict[str, str]) -> Iterator[Control]:
    """Yield the controls, with the id of the assignment in the place of an empty or absent one."""
    filled_in = Control("assignmentId", FIXED, (query.get("assignmentId", ""),))
    is_there = False
    for control in controls:
        is_id = control.name == "assignmentId"
        is_there = is_there or is_id
        yield filled_in if is_id and control.options in ((), ("",)) else control
    if not is_there:
        yield filled_in


def _controls(page: Any, form: Any) -> Iterator[Control]:
    """Yield the controls. Radio buttons, check boxes and submit buttons of one name are one control."""
    tags = [
        tag
        for tag in page.find_all(["input", "select", "textarea", "button"])
        if tag.get("name") and not tag.has_attr("disabled") and _belongs(tag, form)
    ]
    groups: dict[tuple[str, str], list[Any]] = {}
    for tag in tags:
        groups.setdefault((_kind(tag), tag["name"]), []).append(tag)
    for tag in tags:
        kind = _kind(tag)
        group = groups[kind, tag["name"]]
        if kind in ("radio", "checkbox", "submit"):
            if tag is group[0]:
                yield _choice(group, kind)
        elif kind not in _UNSENT:
            yield _single(tag, kind)


def _belongs(tag: Any, form: Any) -> bool:
    if tag.get("form"):
        return bool(tag["form"] == form.get("id"))
    return any(parent is form for parent in tag.parents)


def _kind(tag: Any) -> str:
    if tag.name == "input":
        return str(tag.get("type") or "text").lower()
    return str(tag.get("type") or "submit").lower() if tag.name == "button" else str(tag.name)


def _choice(tags: list[Any], kind: str) -> Control:
    options = tuple(str(tag.get("value", "on" if kind != "submit" else "")) for tag in tags)
    required = any(tag.has_attr("required") for tag in tags)
    return Control(str(tags[0]["name"]), SOME_OF if kind == "checkbox" else ONE_OF, options, required)


def _single(tag: Any, kind: str) -> Control:
    name, required = str(tag["name"]), tag.has_attr("required")
    if kind == "hidden" or tag.has_attr("readonly"):
        return Control(name, FIXED, (str(tag.get("value", "")),))
    if kind == "select":
        return Control(name, SOME_OF if tag.has_attr("multiple") else ONE_OF, _options(tag), required)
    length = _number(tag.get("maxlength"))
    return Control(
        name,
        "text" if kind == "textarea" else kind,
        required=required,
        low=_number(tag.get("min")),
        high=_number(tag.get("max")),
        length=None if length is None else int(length),
    )


def _options(select: Any) -> tuple[str, ...]:
    """Return a list's values; the empty one ("please choose") only where there is no other."""
    options = [option for option in select.find_all("option") if not option.has_attr("disabled")]
    values = tuple(str(option.get("value", _own_text(option))) for option in options)
    return tuple(filter(None, values)) or values


def _own_text(option: Any) -> str:
    # The parser puts options without an end tag into each other: only the text before the next tag is theirs.
    return " ".join(str(option.find(string=True, recursive=False) or "").split())


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
