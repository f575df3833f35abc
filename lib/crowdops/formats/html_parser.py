"""Python's parser of HTML, with what browsers forgive and it does not."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin


class PageParser(HTMLParser):
    """Reads a page to its end, whatever stands in it. It is fed, and not closed.

    A tag that is cut off is none, and to look for its end would take the square of the page's length.
    """

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Take `<![` with anything behind it that is no marked section for a comment, as browsers do."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i, report)


def join(base: str, address: str) -> str:
    """Return an address on a page as an absolute one; as it is where it cannot be one."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def whole_tags(html: str) -> str:
    """Return a page without the tag that is cut off at its end, if there is one."""
    parser = PageParser()
    parser.feed(html)
    return html[: len(html) - len(parser.rawdata)]
