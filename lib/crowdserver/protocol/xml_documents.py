"""XML that requesters send: read without a DOCTYPE, and so without any entity that it could define."""

from typing import Any
from xml.etree import ElementTree

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"


class BadQuestion(ValueError):
    """A document that no worker could be shown; the message says what is wrong with it."""


class NoDoctype:
    """What a parser fills: refuses a DOCTYPE, and with it every entity that a document could define."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse the document; the parser calls this when it meets a DOCTYPE."""
        raise BadQuestion(f"a DOCTYPE ({name}) is not allowed outside of HTMLContent")


class _Tree(NoDoctype, ElementTree.TreeBuilder):
    pass


def parse(xml: str) -> ElementTree.Element:
    """Return the root of an XML text. Raises BadQuestion."""
    root: ElementTree.Element = parse_into(xml, _Tree())
    return root


def parse_into(xml: str, target: Any) -> Any:
    """Return what a target for parsers makes of an XML text. Raises BadQuestion."""
    parser = ElementTree.XMLParser(target=target)
    try:
        # As text, which it is: whatever encoding the declaration names was that of a file it came from.
        parser.feed(xml)
        return parser.close()
    except ElementTree.ParseError as error:
        raise BadQuestion(str(error)) from error
