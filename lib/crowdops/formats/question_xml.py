"""The API's XML: the question that shows a page to workers, and the answer that comes back.

Sources: MTurk API reference, articles HTMLQuestion, ExternalQuestion and QuestionFormAnswers.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree

from crowdops.errors import UsageError

MAX_QUESTION_BYTES = 65_535  # of the whole Question XML, white space included
UNREADABLE = "unreadable_answer"  # the field under which an answer is kept that is not XML
_SEPARATOR = "|"  # between several values of one name
_LISTS = "crowd-values"  # the crowd server's processing instruction with the lists, as a JSON object
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


class Answer(NamedTuple):
    """An assignment's answer: field name to value, in the order of the form.

    Several values of one name are joined by `|`, as MTurk's own results write them; `values` are their lists,
    None where no name has several.
    """

    fields: dict[str, Any]
    values: dict[str, list[str]] | None = None


def parse_answer(xml: str) -> Answer:
    """Return what an assignment's Answer holds.

    A crowd-form's single `taskAnswers` field, a JSON array of one object, comes out as that object. An
    answer that cannot be read must not stop a run: it is kept as it is, under UNREADABLE.
    """
    if not xml.strip():
        return Answer({})
    # JSON can carry one half of a surrogate pair; no file and no database can.
    xml = xml.encode(errors="backslashreplace").decode()
    builder = _AnswerBuilder()
    try:
        # The text is decoded already, whatever its declaration says.
        root = ElementTree.fromstring(xml.encode(), ElementTree.XMLParser(target=builder, encoding="utf-8"))
    except ElementTree.ParseError:
        return Answer({UNREADABLE: xml})
    values: dict[str, list[str]] = {}
    for element in root:
        for name, value in _named_values(element):
            values.setdefault(name, []).append(value)
    if list(values) == ["taskAnswers"]:
        return Answer(_crowd_form({"taskAnswers": _SEPARATOR.join(values["taskAnswers"])}))
    fields = {name: _SEPARATOR.join(texts) for name, texts in values.items()}
    values.update(builder.lists_of(fields))
    several = {name: texts for name, texts in values.items() if len(texts) > 1}
    return Answer(fields, several or None)


class _AnswerBuilder(ElementTree.TreeBuilder):
    """Keeps what a crowd server says after the document: the lists that a joined text stands for."""

    def __init__(self) -> None:
        super().__init__()
        self._lists: Any = {}

    def pi(self, target: str, text: str | None = None) -> Any:
        """Read a processing instruction; the parser calls this."""
        if target == _LISTS:
            try:
                self._lists = json.loads(text or "")
            except ValueError:
                self._lists = {}

    def lists_of(self, fields: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the lists that are those of these fields: joined, they make the same texts."""
        if not isinstance(self._lists, dict):
            return {}
        return {
            name: texts
            for name, texts in self._lists.items()
            if isinstance(texts, list)
            and all(isinstance(text, str) for text in texts)
            and fields.get(name) == _SEPARATOR.join(texts)
        }


def _named_values(answer: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """Yield what one Answer holds: its text, what was chosen, what was written beside it, or a file's key.

    Of a file the size comes under a name of its own. An Answer without any of these is an empty one.
    """
    parts = [(child.tag.rpartition("}")[2], child.text or "") for child in answer]
    name = next((text for tag, text in parts if tag == "QuestionIdentifier"), "")
    held = [(tag, text) for tag, text in parts if tag != "QuestionIdentifier"]
    for tag, text in held:
        yield f"{name}.{tag}" if tag == "UploadedFileSizeInBytes" else name, text
    if not held:
        yield name, ""


def _crowd_form(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a crowd-form's fields; the answer as it is if they are not JSON that can be stored."""
    try:
        forms = json.loads(answer["taskAnswers"], parse_constant=_refuse_constant, parse_float=_number)
        json.dumps(forms, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return answer
    if isinstance(forms, list) and len(forms) == 1 and isinstance(forms[0], dict):
        return forms[0]
    return answer


def _number(text: str) -> float | str:
    """Return a number; one that is too large for that, such as 1e999, as it was written."""
    number = float(text)
    return number if math.isfinite(number) else text


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
