"""The kinds of question a HIT may carry, read from their XML: a page, the address of one, or a form."""

from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

from crowdserver.protocol import question_form
from crowdserver.protocol.public_address import is_loopback
from crowdserver.protocol.xml_documents import SCHEMAS, BadQuestion, parse


class Question(NamedTuple):
    """What a worker is shown.

    kind: "html" (content is the page), "external" (content is its URL) or "form" (`form` is it, checked).
    frame_height: in pixels; 0 means as high as the window.
    """

    kind: str
    content: str
    frame_height: int
    form: ElementTree.Element | None = None


def read(xml: str) -> Question:
    """Return the question in an XML text. Raises BadQuestion."""
    root = parse(xml)
    if root.tag == f"{{{SCHEMAS}2011-11-11/HTMLQuestion.xsd}}HTMLQuestion":
        return Question("html", _html(root), _frame_height(root))
    if root.tag == f"{{{SCHEMAS}2006-07-14/ExternalQuestion.xsd}}ExternalQuestion":
        return Question("external", _url(root), _frame_height(root))
    return Question("form", "", 0, question_form.checked(root))


def _text_of(root: ElementTree.Element, name: str) -> str:
    namespace = root.tag.partition("}")[0] + "}"
    elements = root.findall(namespace + name)
    if len(elements) != 1 or len(elements[0]):
        raise BadQuestion(
            f"cvc-complex-type.2.4: one element '{name}' with text is expected, found {len(elements)}"
        )
    return (elements[0].text or "").strip()


def _frame_height(root: ElementTree.Element) -> int:
    height = _text_of(root, "FrameHeight")
    if not (height.isascii() and height.isdigit() and len(height) < 10):
        raise BadQuestion(
            f"cvc-datatype-valid.1.2.1: '{height}' is not a valid value for 'integer' (FrameHeight)"
        )
    return int(height)


def _html(root: ElementTree.Element) -> str:
    html = _text_of(root, "HTMLContent")
    if "<" not in html:
        raise BadQuestion("HTMLContent holds no HTML element")
    return html


def _url(root: ElementTree.Element) -> str:
    url = _text_of(root, "ExternalURL")
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        _ = parts.port  # read for its error
    except ValueError as error:
        raise BadQuestion(f"ExternalURL is not a URL: {error}") from error
    if not secure or not parts.hostname or any(character.isspace() for character in url):
        raise BadQuestion(
            f"ExternalURL must start with https:// (http:// only for this machine), found {url!r}"
        )
    return url
