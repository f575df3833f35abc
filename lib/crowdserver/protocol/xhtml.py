"""The XHTML of a FormattedContent: read whole, checked against a list, and written anew as HTML.

Source of the list: MTurk API reference, article "Formatted Content: XHTML". Nothing of it runs, none of it
has a style, and no link leads away from the page.
"""

import html
import re
from xml.etree import ElementTree

from crowdserver.protocol.xml_documents import BadQuestion, parse

_ELEMENTS = (
    "a|abbr|acronym|address|area|b|big|blockquote|br|caption|center|cite|code|col|colgroup|dd|del|dfn|div|dl"
    "|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|map|ol|p|pre|q|s|samp|small|span|strike|strong|sub|sup|table"
    "|tbody|td|tfoot|th|thead|tr|tt|u|ul|var"
)
_ATTRIBUTES = (
    "align|alt|bgcolor|border|cellpadding|cellspacing|cite|clear|color|colspan|compact|coords|dir|face|frame"
    "|height|href|hspace|lang|name|noshade|nowrap|rel|rowspan|rules|scope|shape|size|span|src|start|summary"
    "|target|title|type|usemap|valign|value|vspace|width"
)
_ADDRESSES = {
    "href": r"(?i)https?://|mailto:|#",
    **dict.fromkeys(["src", "cite"], "(?i)https?://"),
    "usemap": "#",
}
_NAME_OF_HTML = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)\w+;")  # XML knows five names of characters


def to_html(xhtml: str) -> str:
    """Return the HTML of a FormattedContent, which is safe in a page. Raises BadQuestion."""
    # Escaped again: &LT; is a character, and nothing that an element could begin with.
    text = _NAME_OF_HTML.sub(lambda name: html.escape(html.unescape(name[0])), xhtml)
    root = parse(f"<div>{text}</div>")
    for element in root.iter():
        tag = element.tag
        if not re.fullmatch(_ELEMENTS, tag):
            raise BadQuestion(f"cvc-complex-type.2.4.a: Invalid content was found: element '{tag}'")
        for name, value in element.attrib.items():
            if not re.fullmatch(_ATTRIBUTES, name) or not re.match(_ADDRESSES.get(name, ""), value):
                raise BadQuestion(
                    f"cvc-complex-type.3.2.2: {name}='{value}' is not allowed in element '{tag}'"
                )
        if tag == "img":  # by such a name it would stand in the place of what scripts call
            element.attrib.pop("name", None)
        if not element.get("href", "#").startswith("#"):  # in a tab of its own, so that the answers stay
            element.attrib.update(target="_blank", rel="noopener")
    return ElementTree.tostring(root, encoding="unicode", method="html")
