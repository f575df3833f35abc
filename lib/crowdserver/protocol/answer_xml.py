"""A worker's answer, as the XML that the requester gets."""

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

# These fields steer the submission and are no part of the answer.
_RESERVED = frozenset({"assignmentId", "hitId", "turkSubmitTo", "workerId"})
# What XML 1.0 cannot say, in whatever way it is written.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<QuestionFormAnswers xmlns="'
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
    '">\n{}</QuestionFormAnswers>'
)


def write(fields: Sequence[tuple[str, str]]) -> str | None:
    """Return a form's fields as XML, in their order; of a repeated name the first one counts.

    None if nothing was answered.
    """
    answers: dict[str, str] = {}
    for name, value in fields:
        if name not in _RESERVED:
            answers.setdefault(name, value)
    if not answers:
        return None
    return _DOCUMENT.format("".join(_answer(name, value) for name, value in answers.items()))


def _answer(name: str, value: str) -> str:
    text = _escape(value)
    free_text = f"<FreeText>{text}</FreeText>" if text else "<FreeText/>"
    return f"<Answer>\n<QuestionIdentifier>{_escape(name)}</QuestionIdentifier>\n{free_text}\n</Answer>\n"


def _escape(text: str) -> str:
    # A bare carriage return would not survive the reader's parser.
    return escape(_NOT_IN_XML.sub("", text), {"\r": "&#13;"})
