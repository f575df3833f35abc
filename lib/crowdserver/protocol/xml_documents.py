"""XML that requesters send: read without a DOCTYPE, and so without any entity that it could define."""

from xml.etree import ElementTree

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"


class BadQuestion(ValueError):
    """A document that no worker could be shown; the message says what is wrong with it."""


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise BadQuestion(f"a DOCTYPE ({name}) is not allowed outside of HTMLContent")


def parse(xml: str) -> ElementTree.Element:
    """Return the root of an XML text. Raises BadQuestion."""
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        # As text, which it is: whatever encoding the declaration names was that of a file it came from.
        parser.feed(xml)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise BadQuestion(str(error)) from error
    return root
