"""The XHTML of a FormattedContent: read whole, checked against a list, and written anew as HTML.

Source of the list: MTurk API reference, article "Formatted Content: XHTML". Nothing of it runs, none of it
has a style, and no link leads away from the page.
"""

import html
import re

from crowdserver.protocol.xml_documents import BadQuestion, NoDoctype, parse_into

_ELEMENTS = (
    "a|abbr|acronym|address|area|b|big|blockquote|br|caption|center|cite|code|col|colgroup|dd|del|dfn|div|dl|dt"
    "|em|font|h[1-6]|hr|i|img|ins|kbd|li|map|ol|p|pre|q|s|samp|small|span|strike|strong|sub|sup|table|tbody|td"
    "|tfoot|th|thead|tr|tt|u|ul|var"
)
_ATTRIBUTES = (
    "align|alt|bgcolor|border|cellpadding|cellspacing|cite|clear|color|colspan|compact|coords|dir|face|frame"
    "|height|href|hspace|lang|name|noshade|nowrap|rel|rowspan|rules|scope|shape|size|span|src|start|summary"
    "|target|title|type|usemap|valign|value|vspace|width"
)
_EMPTY = frozenset(["area", "br", "col", "hr", "img"])
_REPLACED = frozenset(["rel", "target"])  # links open in a tab of their own, whatever they say
_ADDRESSES = {"href": r"(?i)https?://|mailto:|#", "src": "(?i)https?://"}
_OF_XML = frozenset(["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"])


class _Writer(NoDoctype):
    """Writes each element that the parser meets; nothing recurses, however deep they lie."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not re.fullmatch(_ELEMENTS, tag):
            raise BadQuestion(f"cvc-complex-type.2.4.a: Invalid content was found: element '{tag}'")
        for name, value in attributes.items():
            if not re.fullmatch(_ATTRIBUTES, name) or not re.match(_ADDRESSES.get(name, ""), value):
                raise BadQuestion(
                    f"cvc-complex-type.3.2.2: {name}='{value}' is not allowed in element '{tag}'"
                )
        shown = {name: value for name, value in attributes.items() if name not in _REPLACED}
        if "href" in shown:
            shown.update(target="_blank", rel="noopener")
        written = "".join(f' {name}="{html.escape(value)}"' for name, value in shown.items())
        self._parts.append(f"<{tag}{written}>")

    def end(self, tag: str) -> None:
        if tag not in _EMPTY:
            self._parts.append(f"</{tag}>")

    def data(self, text: str) -> None:
        self._parts.append(html.escape(text, quote=False))

    def close(self) -> str:
        return "".join(self._parts)


def to_html(xhtml: str) -> str:
    """Return the HTML of a FormattedContent, which is safe in a page. Raises BadQuestion."""
    # XML knows five names of characters, XHTML has those of HTML.
    text = re.sub(r"&\w+;", lambda name: name[0] if name[0] in _OF_XML else html.unescape(name[0]), xhtml)
    return str(parse_into(f"<div>{text}</div>", _Writer()))
