"""AnswerKey: how the answers to a qualification test become the qualification's value.

Each answer that chooses exactly an option's selections adds that option's score, any other the question's
default. The sum is the value, or is mapped to it: to a percentage, by a factor, or by ranges.
Source: MTurk API reference, article AnswerKey.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from xml.etree.ElementTree import Element

from crowdserver.protocol import xml_documents
from crowdserver.protocol.question_form import Answer
from crowdserver.protocol.xml_documents import SCHEMAS

_ROOTS = [f"{{{SCHEMAS}2005-10-01/AnswerKey.xsd}}AnswerKey"]
_CHILDREN = {
    "AnswerKey": "(Question )+(QualificationValueMapping )?",
    "Question": "QuestionIdentifier (AnswerOption )+(DefaultScore )?",
    "AnswerOption": "(SelectionIdentifier )+AnswerScore ",
    "QualificationValueMapping": "(PercentageMapping |ScaleMapping |RangeMapping )",
    "PercentageMapping": "MaximumSummedScore ",
    "ScaleMapping": "SummedScoreMultiplier ",
    "RangeMapping": "(SummedScoreRange )+OutOfRangeQualificationValue ",
    "SummedScoreRange": "InclusiveLowerBound InclusiveUpperBound QualificationValue ",
}
_WHOLE = r"[+-]?\d{1,9}"
# What the text of an element has to be where that is no whole number.
_VALUES = {
    **dict.fromkeys(["QuestionIdentifier", "SelectionIdentifier"], "(?s).+"),
    "MaximumSummedScore": r"\+?0*[1-9]\d{0,8}",
    "SummedScoreMultiplier": r"[+-]?\d{1,9}(\.\d{1,9})?",
}
# The greatest value that a qualification can have; the least is as far below zero.
_GREATEST = 2**31 - 1


def read(xml: str) -> Element:
    """Return a key with the names of its elements bare. Raises BadQuestion."""
    root = xml_documents.strip(xml_documents.parse(xml), _ROOTS)
    for element in root.iter():
        xml_documents.check_children(element, _CHILDREN)
        element.text = (element.text or "").strip()
        if element.tag not in _CHILDREN:
            xml_documents.check_value(element.tag, element.text, _VALUES.get(element.tag, _WHOLE))
    return root


def value(key: Element, answers: Sequence[Answer]) -> int:
    """Return the value of a qualification that these answers give; fractions are rounded, half up."""
    chosen = {answer.identifier: answer.parts for answer in answers}
    total = sum(_score(question, chosen) for question in key.iterfind("Question"))
    number = _mapped(key.find("QualificationValueMapping/*"), total)
    return max(-_GREATEST, min(_GREATEST, int(number.to_integral_value(ROUND_HALF_UP))))


def _score(question: Element, chosen: dict[str, list[tuple[str, str]]]) -> int:
    parts = sorted(chosen.get(question.findtext("QuestionIdentifier", ""), []))
    for option in question.iterfind("AnswerOption"):
        selections = {element.text or "" for element in option.iterfind("SelectionIdentifier")}
        if parts == [("SelectionIdentifier", text) for text in sorted(selections)]:
            return int(option.findtext("AnswerScore", "0"))
    return int(question.findtext("DefaultScore", "0"))


def _mapped(mapping: Element | None, total: int) -> Decimal:
    if mapping is None:
        return Decimal(total)
    if mapping.tag == "PercentageMapping":
        return Decimal(100 * total) / Decimal(mapping.findtext("MaximumSummedScore", ""))
    if mapping.tag == "ScaleMapping":
        return total * Decimal(mapping.findtext("SummedScoreMultiplier", ""))
    for piece in mapping.iterfind("SummedScoreRange"):
        low, high, number = (int(element.text or "") for element in piece)
        if low <= total <= high:
            return Decimal(number)
    return Decimal(mapping.findtext("OutOfRangeQualificationValue", ""))
