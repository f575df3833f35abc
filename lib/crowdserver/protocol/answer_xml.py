"""A worker's answer, as the XML that the requester gets."""

import json
import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

from crowdserver.protocol.question_form import Answer

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
    """Return a form's fields as XML, in their order; None if nothing was answered.

    Several values of one name are one Answer, joined by `|` as MTurk's own results write multiple choices:
    its clients expect each name once. Since a value may hold that character, too, the lists themselves follow
    the document in a processing instruction, which parsers skip unless they are asked for it.
    """
    values: dict[str, list[str]] = {}
    for name, value in fields:
        if name not in _RESERVED:
            values.setdefault(_plain(name), []).append(_plain(value))
    if not values:
        return None
    document = _DOCUMENT.format(
        "".join(_element(name, [("FreeText", "|".join(texts))]) for name, texts in values.items())
    )
    several = {name: texts for name, texts in values.items() if len(texts) > 1}
    if not several:
        return document
    lists = json.dumps(several).replace(">", r"\u003e")  # nothing in it may look like its end
    return f"{document}\n<?crowd-values {lists}?>"


def write_form(answers: Sequence[Answer]) -> str:
    """Return the answers to a QuestionForm as XML."""
    return _DOCUMENT.format("".join(_element(answer.identifier, answer.parts) for answer in answers))


def _element(name: str, parts: Sequence[tuple[str, str]]) -> str:
    # A bare carriage return would not survive the reader's parser.
    carriage_return = {"\r": "&#13;"}
    texts = [
        (tag, escape(_plain(text), carriage_return)) for tag, text in [("QuestionIdentifier", name), *parts]
    ]
    lines = [f"<{tag}>{text}</{tag}>\n" if text else f"<{tag}/>\n" for tag, text in texts]
    return f"<Answer>\n{''.join(lines)}</Answer>\n"


def _plain(text: str) -> str:
    return _NOT_IN_XML.sub("", text)
