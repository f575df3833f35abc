"""The forms, controls and scripts of a page, found as a browser finds them, in one pass.

Sources: HTML Standard, "The form element pointer", "The fieldset element", "The template element".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from crowdops.formats.html_parser import PageParser, join

Attributes = dict[str, str]

_TYPES = (
    {"text", "search", "url", "tel", "email", "password", "number", "range", "color", "hidden"}
    | {"date", "month", "week", "time", "datetime-local", "checkbox", "radio", "file"}
    | {"submit", "image", "button", "reset"}
)
_NOT_JAVASCRIPT = re.compile(r"json|template|html|x-|text/plain", re.IGNORECASE)
_INERT = ("template", "noscript")  # what they hold is not part of the page


@dataclass
class Option:
    """A line of a list."""

    attributes: Attributes
    disabled: bool
    text: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        """What is sent for it."""
        return self.attributes.get("value", " ".join("".join(self.text).split()))


@dataclass
class Element:
    """A form, or a control with the form that was open where it stands. `text` is that of a text area."""

    tag: str
    attributes: Attributes
    line: int
    form: Element | None = None
    disabled: bool = False
    text: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The type of a control, as the browser takes it."""
        stated = self.attributes.get("type", "").strip().lower()
        if self.tag == "button":
            return stated if stated in ("button", "reset") else "submit"
        if self.tag == "input":
            return stated if stated in _TYPES else "text"
        return self.tag


@dataclass
class _Fieldset:
    """A fieldset that is open, maybe inside of a disabled one. Its first legend is not disabled with it."""

    disabled: bool
    is_inside: bool
    legends: int = 0
    in_first_legend: bool = False

    @property
    def disables(self) -> bool:
        return self.is_inside or (self.disabled and not self.in_first_legend)


class ElementReader(PageParser):
    """Collects forms, controls and scripts. A form is open until its end tag, wherever that stands.

    `base` is what addresses on the page are relative to.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.forms: list[Element] = []
        self.controls: list[Element] = []
        self.scripts: list[str] = []
        self.has_remote_script = False
        self._has_base = False
        self._form: Element | None = None
        self._fieldsets: list[_Fieldset] = []
        self._select: Element | None = None
        self._is_group_disabled = False
        self._text: list[str] | None = None
        self._in_textarea = False
        self._inert = 0
        self._begin: dict[str, Callable[[Attributes], object]] = {
            "base": self._begin_base,
            "form": self._begin_form,
            "fieldset": self._begin_fieldset,
            "legend": self._begin_legend,
            "input": lambda attributes: self._add("input", attributes),
            "button": lambda attributes: self._add("button", attributes),
            "select": self._begin_select,
            "optgroup": self._begin_group,
            "option": self._begin_option,
            "textarea": self._begin_textarea,
            "script": self._begin_script,
        }
        self._end: dict[str, Callable[[], None]] = {
            "form": self._end_form,
            "fieldset": self._end_fieldset,
            "legend": self._end_legend,
            "select": self._end_select,
            "optgroup": self._end_group,
            "option": self._end_text,
            "textarea": self._end_text,
            "script": self._end_text,
        }

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read a tag as if it did not end itself: in HTML none does."""
        self.handle_starttag(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins. Of an attribute that is written twice the first counts."""
        self._inert += tag in _INERT
        if self._inert or self._in_textarea:
            return
        attributes = {name: value or "" for name, value in reversed(attrs)}
        self.scripts += [value for name, value in attributes.items() if name.startswith("on")]
        if tag in self._begin:
            self._begin[tag](attributes)

    def handle_endtag(self, tag: str) -> None:
        """Note what ends."""
        if tag in _INERT:
            self._inert = max(0, self._inert - 1)
        elif tag in self._end and not self._inert:
            self._end[tag]()

    def handle_data(self, data: str) -> None:
        """Keep the text of an option, a text area or a script."""
        if self._text is not None and not self._inert:
            self._text.append(data)

    def _add(self, tag: str, attributes: Attributes) -> Element:
        is_disabled = "disabled" in attributes or self._is_disabled()
        control = Element(tag, attributes, self.getpos()[0], self._form, is_disabled)
        self.controls.append(control)
        return control

    def _is_disabled(self) -> bool:
        return bool(self._fieldsets) and self._fieldsets[-1].disables

    def _begin_base(self, attributes: Attributes) -> None:
        if "href" in attributes and not self._has_base:
            self.base, self._has_base = join(self.base, attributes["href"].strip()), True

    def _begin_form(self, attributes: Attributes) -> None:
        if self._form is None:  # a form inside of a form is none
            self._form = Element("form", attributes, self.getpos()[0])
            self.forms.append(self._form)

    def _end_form(self) -> None:
        self._form = None

    def _begin_fieldset(self, attributes: Attributes) -> None:
        self._fieldsets.append(_Fieldset("disabled" in attributes, self._is_disabled()))

    def _end_fieldset(self) -> None:
        if self._fieldsets:
            self._fieldsets.pop()

    def _begin_legend(self, _attributes: Attributes) -> None:
        if self._fieldsets:
            self._fieldsets[-1].legends += 1
            self._fieldsets[-1].in_first_legend = self._fieldsets[-1].legends == 1

    def _end_legend(self) -> None:
        if self._fieldsets:
            self._fieldsets[-1].in_first_legend = False

    def _begin_select(self, attributes: Attributes) -> None:
        self._is_group_disabled = False
        self._select = self._add("select", attributes)

    def _begin_group(self, attributes: Attributes) -> None:
        self._text, self._is_group_disabled = None, "disabled" in attributes

    def _end_group(self) -> None:
        self._text, self._is_group_disabled = None, False

    def _begin_option(self, attributes: Attributes) -> None:
        if self._select is not None:
            option = Option(attributes, self._is_group_disabled or "disabled" in attributes)
            self._select.options.append(option)
            self._text = option.text

    def _end_select(self) -> None:
        self._select, self._text = None, None

    def _begin_textarea(self, attributes: Attributes) -> None:
        self._in_textarea, self._text = True, self._add("textarea", attributes).text

    def _begin_script(self, attributes: Attributes) -> None:
        if not _NOT_JAVASCRIPT.search(attributes.get("type", "")):
            self.has_remote_script = self.has_remote_script or "src" in attributes
            self._text = self.scripts

    def _end_text(self) -> None:
        self._in_textarea, self._text = False, None
