"""A worker's answer as XML: read as its clients read it."""

from __future__ import annotations

import json
from xml.dom import minidom
from xml.etree import ElementTree

from crowdserver.protocol import answer_xml


def fields(xml: str) -> list[tuple[str, str]]:
    """The answer as a client reads it that knows nothing of this server."""
    root = ElementTree.fromstring(xml.encode())
    return [(answer[0].text or "", answer[1].text or "") for answer in root]


def lists(xml: str) -> object:
    """What follows the document."""
    document = minidom.parseString(xml.encode())
    (instruction,) = [
        node for node in document.childNodes if node.nodeType == node.PROCESSING_INSTRUCTION_NODE
    ]
    assert instruction.nodeName == "crowd-values"
    assert document.documentElement.nodeName == "QuestionFormAnswers"
    return json.loads(instruction.data)


def test_several_values_of_a_name_are_one_answer_where_the_first_stands() -> None:
    xml = answer_xml.write([("a", "1"), ("b", "x"), ("a", ""), ("assignmentId", "3A"), ("a", "2")])
    assert xml is not None
    assert fields(xml) == [("a", "1||2"), ("b", "x")]
    assert lists(xml) == {"a": ["1", "", "2"]}


def test_a_value_that_holds_the_separator_stays_one_value() -> None:
    xml = answer_xml.write([("one", "a|b"), ("two", "a|b"), ("two", "c")])
    assert xml is not None
    assert fields(xml) == [("one", "a|b"), ("two", "a|b|c")]
    assert lists(xml) == {"two": ["a|b", "c"]}


def test_no_value_ends_what_holds_it() -> None:
    odd = ["?>", "-->", "]]>", "é\u2028", '"\\', "\x00<?crowd-values {}?>", "\r\n"]
    xml = answer_xml.write([("?>", value) for value in odd])
    assert xml is not None
    assert lists(xml) == {"?>": [value.replace("\x00", "") for value in odd]}


def test_an_answer_without_several_values_is_as_amazon_writes_it() -> None:
    xml = answer_xml.write([("a", "x|y"), ("b", "")])
    assert xml is not None
    assert xml.endswith("</QuestionFormAnswers>")
    assert answer_xml.write([("assignmentId", "3A"), ("workerId", "A")]) is None
