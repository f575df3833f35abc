"""XML that requesters send: read without a DOCTYPE, and so without any entity that it could define."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
# What is written anew element by element must not run out of stack, wherever that is done.
_DEEPEST = 100


class BadQuestion(ValueError):
    """A document that no worker could be shown; the message says what is wrong with it."""


class _Builder(ElementTree.TreeBuilder):
    depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise BadQuestion(f"a DOCTYPE ({name}) is not allowed outside of HTMLContent")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise BadQuestion(f"the elements lie too deep in each other, more than {_DEEPEST}")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def parse(xml: str) -> Element:
    """Return the root of an XML text. Raises BadQuestion."""
    parser = ElementTree.XMLParser(target=_Builder())
    try:
        # As text, which it is: whatever encoding the declaration names was that of a file it came from.
        parser.feed(xml)
        root: Element = parser.close()
    except ElementTree.ParseError as error:
        raise BadQuestion(str(error)) from error
    return root


def strip(root: Element, roots: list[str]) -> Element:
    """Take the namespace out of the names of all elements. roots: what this may be. Raises BadQuestion."""
    if root.tag not in roots:
        raise BadQuestion(f"cvc-elt.1: Cannot find the declaration of element '{root.tag}'")
    namespace = root.tag.partition("}")[0] + "}"
    for element in root.iter():
        element.tag = element.tag.removeprefix(namespace)
    return root


def check_children(element: Element, patterns: dict[str, str]) -> None:
    """Check what lies in an element. Raises BadQuestion.

    patterns: by its name, the names of its children in their order, each followed by a space. All others hold
    text.
    """
    pattern = patterns.get(element.tag, "")
    if not re.fullmatch(pattern, "".join(f"{child.tag} " for child in element)):
        names = ", ".join(dict.fromkeys(re.findall(r"\w+", pattern))) or "text alone"
        raise BadQuestion(
            f"cvc-complex-type.2.4: The content of element '{element.tag}' must be '{{{names}}}'."
        )


def check_value(name: str, value: str, pattern: str) -> None:
    """Check the text of an element or of an attribute. Raises BadQuestion."""
    if not re.fullmatch(pattern, value, re.ASCII):
        raise BadQuestion(f"cvc-datatype-valid.1.2.1: '{value}' is not a valid value for '{name}'")
