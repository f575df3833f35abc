"""The kinds of question a HIT may carry, read from their XML: a page in the HIT, or the address of one."""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

MAX_BYTES = 65_535

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
_FORM_VERSIONS = ("2017-11-06", "2005-10-01")


class Question(NamedTuple):
    """What a worker is shown.

    kind: "html" (content is the page) or "external" (content is its URL).
    frame_height: in pixels; 0 means as high as the window.
    """

    kind: str
    content: str
    frame_height: int


class BadQuestion(ValueError):
    """A question that no worker could be shown; the message says what is wrong with it."""


class UnsupportedQuestion(ValueError):
    """A question that is well written and of a kind that this server's worker site cannot show."""


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a DOCTYPE, and with it every entity that a question could define."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse the document; the parser calls this when it meets a DOCTYPE."""
        raise BadQuestion(f"a DOCTYPE ({name}) is not allowed outside of HTMLContent")


def read(xml: str) -> Question:
    """Return the question in an XML text. Raises BadQuestion, and UnsupportedQuestion for a QuestionForm."""
    root = _parse(xml)
    if root.tag == f"{{{_SCHEMAS}2011-11-11/HTMLQuestion.xsd}}HTMLQuestion":
        return Question("html", _html(root), _frame_height(root))
    if root.tag == f"{{{_SCHEMAS}2006-07-14/ExternalQuestion.xsd}}ExternalQuestion":
        return Question("external", _url(root), _frame_height(root))
    if root.tag in [f"{{{_SCHEMAS}{version}/QuestionForm.xsd}}QuestionForm" for version in _FORM_VERSIONS]:
        raise UnsupportedQuestion(
            "This crowd server shows no QuestionForm: give the page itself in an HTMLQuestion, or its address"
            " in an ExternalQuestion."
        )
    raise BadQuestion(f"cvc-elt.1: Cannot find the declaration of element '{root.tag}'")


def _parse(xml: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        # As text, which it is: whatever encoding the declaration names was that of a file it came from.
        parser.feed(xml)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise BadQuestion(str(error)) from error
    return root


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
        secure = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        _ = parts.port  # read for its error
    except ValueError as error:
        raise BadQuestion(f"ExternalURL is not a URL: {error}") from error
    if not secure or not parts.hostname or any(character.isspace() for character in url):
        raise BadQuestion(
            f"ExternalURL must start with https:// (http:// only for this machine), found {url!r}"
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
