"""Range requests on lists: `Range: id ]5f..; max=10, order=desc` and the 206 answers with Next-Range."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .refusals import bad_range

LARGEST_PAGE = 1000
# heroku3 sends `id ..; ;` with every list and sorts domains by an attribute that they do not have.
ALIASES = {"domain": "hostname"}
_RANGE = re.compile(
    r"(?P<attribute>\w+)\s+(?P<open>\]?)(?P<start>[^;\[]*?)\.\."
    r"(?P<end>[^;\[]*)(?P<shut>\[?)\s*(?:;(?P<rest>.*))?"
)


class Page(NamedTuple):
    items: list[dict[str, Any]]
    attribute: str
    next_range: str | None

    @property
    def status(self) -> int:
        return 206 if self.next_range else 200

    def headers(self) -> dict[str, str]:
        if not self.next_range:
            return {}
        first, last = self.items[0][self.attribute], self.items[-1][self.attribute]
        return {"Next-Range": self.next_range, "Content-Range": f"{self.attribute} {first}..{last}"}


def cut(items: list[dict[str, Any]], header: str | None, page_size: int) -> Page:
    """Return the part of a list that a Range header asks for; page_size holds where the header sets no max.

    Raises the 416 refusal for a header that cannot be read or names an attribute the items lack.
    """
    match = _RANGE.fullmatch((header or "id ..").strip())
    if match is None:
        raise bad_range()
    attribute = ALIASES.get(match["attribute"], match["attribute"])
    if items and attribute not in items[0]:
        raise bad_range()
    options = dict(re.findall(r"(\w+)=(\w+)", match["rest"] or ""))
    descending = options.get("order") == "desc"
    size = min(int(options.get("max", page_size)), LARGEST_PAGE)
    found = sorted(items, key=lambda item: item[attribute], reverse=descending)
    found = [item for item in found if _within(item[attribute], match, descending)]
    page = found[:size]
    following = None
    if len(found) > size:
        following = f"{attribute} ]{page[-1][attribute]}..; max={size}" + (
            ", order=desc" if descending else ""
        )
    return Page(page, attribute, following)


def _within(value: Any, match: re.Match[str], descending: bool) -> bool:
    def beyond(bound: str) -> int:
        limit = type(value)(bound)
        order = int(value > limit) - int(value < limit)
        return -order if descending else order

    after_start = not match["start"] or beyond(match["start"]) >= (1 if match["open"] else 0)
    before_end = not match["end"] or beyond(match["end"]) <= (-1 if match["shut"] else 0)
    return after_start and before_end
