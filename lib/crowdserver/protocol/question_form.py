"""QuestionForm: questions that are written in XML, shown as a form, and answered in fields.

    form = question_form.read(xml)                        # BadQuestion: in Amazon's words
    {% from "question_form.html" import questions %}      {# in a template, inside of a <form> #}
    {{ questions(form, given, problems) }}                {# given and problems are {} at first #}
    answers = question_form.answers(form, fields)         # of the posted fields; NotAnswered: show it again
    xml = answer_xml.write_form(answers)                  # a QuestionFormAnswers

A form is its XML's tree with the names bare; each FormattedContent holds checked HTML instead of its XHTML.
Question number n, from 0, has the fields `qn` and, for what is written beside the choices, `qn-other`; the
value of a choice is its place, or `other`. Source: MTurk API reference, article QuestionForm.
"""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import re2

from crowdserver.protocol import xhtml, xml_documents
from crowdserver.protocol.xml_documents import SCHEMAS, BadQuestion

_ROOTS = [f"{{{SCHEMAS}{version}/QuestionForm.xsd}}QuestionForm" for version in ("2017-11-06", "2005-10-01")]
_CONTENT = "(Title |Text |List |Binary |FormattedContent )+"
_FREE_TEXT = "(Constraints |DefaultText |NumberOfLinesSuggestion )*"
_CHILDREN = {
    "QuestionForm": "(Overview )*Question (Question |Overview )*",
    "Overview": _CONTENT,
    "Question": "QuestionIdentifier (DisplayName )?(IsRequired )?QuestionContent AnswerSpecification ",
    "QuestionContent": _CONTENT,
    "List": "(ListItem )+",
    "Binary": "MimeType DataURL (AltText )?",
    "MimeType": "Type (SubType )?",
    "AnswerSpecification": "(FreeTextAnswer |SelectionAnswer )",
    "FreeTextAnswer": _FREE_TEXT,
    "OtherSelection": _FREE_TEXT,
    "Constraints": "(IsNumeric |Length |AnswerFormatRegex )*",
    "SelectionAnswer": "(MinSelectionCount )?(MaxSelectionCount )?(StyleSuggestion )?Selections ",
    "Selections": "(Selection )+(OtherSelection )?",
    "Selection": "SelectionIdentifier (Text |FormattedContent |Binary )",
}
_NUMBER = r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})"
_COUNT = r"\d{1,9}"
# What the text of an element, or of an attribute, has to be.
_VALUES = {
    "QuestionIdentifier": r"(?s)\S.*",
    "SelectionIdentifier": r"(?s)\S.*",
    "IsRequired": "true|false|1|0",
    "Type": "image|audio|video",
    "DataURL": r"https?://\S+",
    "StyleSuggestion": "radiobutton|checkbox|list|dropdown|combobox|multichooser",
    **dict.fromkeys(("MinSelectionCount", "NumberOfLinesSuggestion"), _COUNT),
    "MaxSelectionCount": r"0*[1-9]\d{0,8}",
    **dict.fromkeys(("Length minLength", "Length maxLength"), _COUNT),
    **dict.fromkeys(("IsNumeric minValue", "IsNumeric maxValue"), _NUMBER),
}
_BOUNDS = {"Length": ("minLength", "maxLength"), "IsNumeric": ("minValue", "maxValue")}
_GONE = frozenset(["FileUploadAnswer", "Application", "EmbeddedBinary"])


class Answer(NamedTuple):
    """What a worker answers to a question: elements of a QuestionFormAnswers' Answer with their texts.

    FreeText; or SelectionIdentifier, any number of them, and OtherSelectionText.
    """

    identifier: str
    parts: list[tuple[str, str]]


class NotAnswered(Exception):
    """Answers that a form does not allow: `problems` says why, by field, `given` holds what was sent."""

    def __init__(self, form: Element, given: dict[str, list[str]], problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.form = form
        self.given = given
        self.problems = problems


def read(xml: str) -> Element:
    """Return the form in an XML text. Raises BadQuestion."""
    return checked(xml_documents.parse(xml))


def checked(root: Element) -> Element:
    """Return the form of a root, checked, with its names bare. Raises BadQuestion."""
    for element in xml_documents.strip(root, _ROOTS).iter():
        _check(element)
    lists = [root.iter("QuestionIdentifier")]
    lists += [answer.iter("SelectionIdentifier") for answer in root.iter("SelectionAnswer")]
    for identifiers in lists:
        text, count = Counter(element.text for element in identifiers).most_common(1)[0]
        if count > 1:
            raise BadQuestion(f"the identifier '{text}' is there {count} times")
    return root


def selection_counts(answer: Element) -> tuple[int, int]:
    """Return how many choices a SelectionAnswer asks for, at least and at most."""
    choices = len(answer.findall("Selections/*"))
    is_list = answer.findtext("StyleSuggestion") in ("checkbox", "list", "multichooser")
    most = min(int(answer.findtext("MaxSelectionCount") or (choices if is_list else 1)), choices)
    return min(int(answer.findtext("MinSelectionCount") or 0), most), most


def answers(form: Element, fields: Sequence[tuple[str, str]]) -> list[Answer]:
    """Return what the fields answer, to each question in turn. Raises NotAnswered."""
    given: dict[str, list[str]] = {}
    for name, value in fields:
        given.setdefault(name, []).append(value.replace("\r\n", "\n"))
    results, problems = [], {}
    for number, question in enumerate(form.iter("Question")):
        name = f"q{number}"
        spec = question.find("AnswerSpecification/*")
        assert spec is not None  # the form is checked
        try:
            parts = _text(spec, given, name) if spec.tag == "FreeTextAnswer" else _choices(spec, given, name)
            is_answered = any(text.strip() for _, text in parts)
            if question.findtext("IsRequired") in ("true", "1") and not is_answered:
                raise ValueError("Please answer this question.")
            results.append(Answer(question.findtext("QuestionIdentifier") or "", parts))
        except ValueError as problem:
            problems[name] = str(problem)
    if problems:
        raise NotAnswered(form, given, problems)
    return results


def _text(spec: Element, given: dict[str, list[str]], name: str) -> list[tuple[str, str]]:
    text = given.get(name, [""])[0]
    _check_text(spec, text)
    return [("FreeText", text)]


def _choices(spec: Element, given: dict[str, list[str]], name: str) -> list[tuple[str, str]]:
    identifiers = [element.text or "" for element in spec.iter("SelectionIdentifier")]
    chosen = set(given.get(name, []))
    parts = [("SelectionIdentifier", text) for place, text in enumerate(identifiers) if str(place) in chosen]
    other = spec.find("Selections/OtherSelection")
    text = given.get(f"{name}-other", [""])[0]
    if other is not None and (text.strip() or "other" in chosen):
        if not text.strip():
            raise ValueError("Please write what you mean by Other.")
        _check_text(other, text)
        parts.append(("OtherSelectionText", text))
    fewest, most = selection_counts(spec)
    if not fewest <= len(parts) <= most:
        raise ValueError(f"Please choose {_range(fewest, most)}; this is {len(parts)}.")
    return parts


def _range(low: Any, high: Any) -> str:
    if low == high:
        return str(low)
    return f"{low} to {high}" if low and high else f"no more than {high}" if high else f"at least {low}"


def _check_text(spec: Element, text: str) -> None:
    """Check a text, if there is one, against its Constraints. Raises ValueError with what to do."""
    if text.strip():
        for constraint in spec.iterfind("Constraints/*"):
            _CHECKS[constraint.tag](constraint, text)


def _check_number(constraint: Element, text: str) -> None:
    low, high = _bounds(constraint)
    is_number = re.fullmatch(_NUMBER, text.strip(), re.ASCII)
    if not is_number or not _is_within(Decimal(text.strip()), low, high):
        which = f", {_range(low, high)}" if low or high else ""
        raise ValueError(f"Please write a number in figures{which}.")


def _check_length(constraint: Element, text: str) -> None:
    low, high = _bounds(constraint)
    if not _is_within(Decimal(len(text)), low, high):
        raise ValueError(f"Please write {_range(low, high)} characters; these are {len(text)}.")


def _check_format(constraint: Element, text: str) -> None:
    if not _pattern(constraint).search(text):
        raise ValueError(constraint.get("errorText") or "Please write it as the question asks for it.")


_CHECKS = {"IsNumeric": _check_number, "Length": _check_length, "AnswerFormatRegex": _check_format}


def _bounds(constraint: Element) -> list[str | None]:
    return [constraint.get(name) for name in _BOUNDS[constraint.tag]]


def _is_within(number: Decimal, low: str | None, high: str | None) -> bool:
    return Decimal(low or number) <= number <= Decimal(high or number)


def _pattern(constraint: Element) -> Any:
    """Return an AnswerFormatRegex, which takes linear time whatever a worker writes. Raises BadQuestion."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # each group would cost as much again, at each character
    options.case_sensitive = constraint.get("flags") != "i"
    try:
        return re2.compile(constraint.get("regex", ""), options)
    except re2.error as error:
        regex = constraint.get("regex")
        raise BadQuestion(f"the regex '{regex}' has look-ahead, references, or a mistake") from error


def _check(element: Element) -> None:
    """Check an element for itself. Raises BadQuestion."""
    name = element.tag
    for gone in _GONE.intersection(child.tag for child in element):
        raise BadQuestion(f"{gone} is no longer supported: write an HTMLQuestion, or ask for a link as text")
    xml_documents.check_children(element, _CHILDREN)
    if name != "DefaultText":
        element.text = (element.text or "").strip()
    attributes = {f"{name} {attribute}": value for attribute, value in element.attrib.items()}
    for what, value in {name: element.text or "", **attributes}.items():
        xml_documents.check_value(what, value, _VALUES.get(what, "(?s).*"))
    if name in _BOUNDS:
        low, high = _bounds(element)
        if low and high and Decimal(low) > Decimal(high):
            raise BadQuestion(f"nothing that a worker writes can be {low} to {high} ({name})")
    if name == "AnswerFormatRegex":
        if "regex" not in element.attrib:
            raise BadQuestion(f"cvc-complex-type.4: Attribute 'regex' must appear on element '{name}'.")
        _pattern(element)
    if name == "FormattedContent":
        element.text = xhtml.to_html(element.text or "")
