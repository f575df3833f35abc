"""The API's XML: the question that shows a page to workers, and the answer that comes back.

Sources: MTurk API reference, articles HTMLQuestion, ExternalQuestion and QuestionFormAnswers.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any
from xml.etree import ElementTree

from crowdops.errors import UsageError

MAX_QUESTION_BYTES = 65_535  # of the whole Question XML, white space included
UNREADABLE = "unreadable_answer"  # the field under which an answer is kept that is not XML
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
# Not compiled here: that takes longer than the rest of this module, and few scripts need it.
_NOT_IN_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def html_question(page: str, row_number: int) -> str:
    """Return the HTMLQuestion XML that carries a page. UsageError if it is too long, or cannot be XML."""
    if bad := re.search(_NOT_IN_XML, page):
        raise UsageError(
            f"row {row_number}: the page holds the character U+{ord(bad[0]):04X}, which XML cannot carry."
            " Take it out of the data."
        )
    content = page.replace("]]>", "]]]]><![CDATA[>")
    question = (
        f'<HTMLQuestion xmlns="{_SCHEMAS}/2011-11-11/HTMLQuestion.xsd">'
        f"<HTMLContent><![CDATA[{content}]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    )
    size = len(question.encode())
    if size > MAX_QUESTION_BYTES:
        raise UsageError(
            f"row {row_number}: the page has {size} bytes, and a HIT holds at most {MAX_QUESTION_BYTES}."
            ' Make it smaller, or serve it: kind = "local" in [server].'
        )
    return question


def external_question(url: str) -> str:
    """Return the ExternalQuestion XML for a page that is served elsewhere."""
    return (
        f'<ExternalQuestion xmlns="{_SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{html.escape(url, quote=False)}</ExternalURL>"
        "<FrameHeight>0</FrameHeight></ExternalQuestion>"
    )


def external_url(question: str) -> str | None:
    """Return the address of the page that an ExternalQuestion shows; None for any other question."""
    root = ElementTree.fromstring(question.encode())
    if not root.tag.endswith("}ExternalQuestion"):
        return None
    return next((child.text for child in root if child.tag.endswith("}ExternalURL")), None)


def parse_answer(xml: str) -> dict[str, Any]:
    """Return an assignment's Answer as field name to value, in the order of the form.

    A crowd-form's single `taskAnswers` field, a JSON array of one object, comes out as that object. An
    answer that cannot be read must not stop a run: it is kept as it is, under UNREADABLE.
    """
    if not xml.strip():
        return {}
    try:
        # The text is decoded already, whatever its declaration says.
        root = ElementTree.fromstring(xml.encode(), ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError:
        return {UNREADABLE: xml}
    answer: dict[str, Any] = {}
    for element in root:
        values = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        name = values.pop("QuestionIdentifier", "")
        selected = [child.text or "" for child in element if child.tag.endswith("}SelectionIdentifier")]
        answer[name] = selected if len(selected) > 1 else next(iter(values.values()), "")
    if list(answer) == ["taskAnswers"]:
        return _crowd_form(answer)
    return answer


def _crowd_form(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a crowd-form's fields; the answer as it is if they are not JSON that can be stored."""
    try:
        forms = json.loads(answer["taskAnswers"], parse_constant=_refuse_constant)
        json.dumps(forms, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return answer
    if isinstance(forms, list) and len(forms) == 1 and isinstance(forms[0], dict):
        return forms[0]
    return answer


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
