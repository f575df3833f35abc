"""The tags and the texts of a page, each with its line."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.formats.html_parser import PageParser


class Tag(NamedTuple):
    """A tag that begins an element; `/form` for the one that ends a form. Attributes are in small letters."""

    name: str
    attributes: dict[str, str]
    line: int


class Text(NamedTuple):
    """What stands between tags, or in an attribute."""

    text: str
    line: int
    is_script: bool = False


def read_tags(html: str) -> tuple[list[Tag], list[Text]]:
    """Return the tags and the texts of a page, in order. Comments are left out."""
    reader = _Reader()
    reader.feed(html)  # not closed: a tag that is cut off is none, and to look for its end takes the square
    return reader.tags, reader.texts


class _Reader(PageParser):
    """Collects tags and texts. Scripts are texts of their own, styles and templates are like any other."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.texts: list[Text] = []
        self._in_script = False

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read a tag as if it did not end itself: in HTML none does."""
        self.handle_starttag(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag, and its attributes as texts. Of one that is written twice the first counts."""
        attributes = {name: value or "" for name, value in reversed(attrs)}
        self._in_script = tag == "script"
        line = self.getpos()[0]
        self.tags.append(Tag(tag, attributes, line))
        self.texts += [
            Text(value, line, is_script=name.startswith("on")) for name, value in attributes.items() if value
        ]

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a script or of a form."""
        self._in_script = False
        if tag == "form":
            self.tags.append(Tag("/form", {}, self.getpos()[0]))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(Text(data, self.getpos()[0], is_script=self._in_script))
