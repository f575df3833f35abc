"""QuestionForms: what can be shown, what an answer may be, and what the requester gets of it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from crowdserver.protocol import answer_xml, question_form, question_xml
from crowdserver.protocol.question_form import NotAnswered
from crowdserver.protocol.xml_documents import BadQuestion
from tests.support.question_forms import EVERY_KIND, REQUIRED, free_text, question, selections
from tests.support.question_forms import question_form as form_of


def answered(xml: str, *fields: tuple[str, str]) -> list[list[tuple[str, str | None]]]:
    """What a client reads of the answers."""
    form = question_form.read(xml)
    document = answer_xml.write_form(question_form.answers(form, fields))
    return [
        [(part.tag.rpartition("}")[2], part.text) for part in answer]
        for answer in ElementTree.fromstring(document.encode())
    ]


def problems(xml: str, *fields: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(NotAnswered) as refusal:
        answered(xml, *fields)
    return refusal.value.problems


def test_every_kind_of_answer_comes_as_amazon_writes_it() -> None:
    sent = [
        ("q0", "Ada"),
        ("q1", "a\r\nb"),
        ("q2", "18.5"),
        ("q3", "xyz"),
        ("q4", "2"),
        ("q5", "1"),
        ("q5", "0"),
    ]
    sent += [("q6", "0"), ("q6", "1"), ("q7", "2"), ("q8", "other"), ("q8-other", "a <yak>"), ("q10", "1")]
    texts = answered(EVERY_KIND, ("assignmentId", "3A"), *sent)
    names = " ".join(parts[0][1] or "" for parts in texts)
    assert names == "name story age code radio boxes list dropdown combobox multi pictures"
    assert [parts[1:] for parts in texts] == [
        [("FreeText", "Ada")],
        [("FreeText", "a\nb")],
        [("FreeText", "18.5")],
        [("FreeText", "xyz")],
        [("SelectionIdentifier", "cow")],
        [("SelectionIdentifier", "cat"), ("SelectionIdentifier", "dog")],
        [("SelectionIdentifier", "cat"), ("SelectionIdentifier", "dog")],
        [("SelectionIdentifier", "cow")],
        [("OtherSelectionText", "a <yak>")],
        [],
        [("SelectionIdentifier", "words")],
    ]


def test_what_is_not_allowed_is_told_for_each_question_at_once() -> None:
    assert problems(EVERY_KIND, ("q0", "A"), ("q2", "17"), ("q3", "x1z"), ("q8", "other"), ("q7", "no")) == {
        "q0": "Please write 2 to 20 characters; these are 1.",
        "q2": "Please write a number in figures, 18 to 99.",
        "q3": "Three letters.",
        "q4": "Please answer this question.",
        "q5": "Please choose 1 to 2; this is 0.",
        "q8": "Please write what you mean by Other.",
    }


@pytest.mark.parametrize(
    ("answer", "value", "problem"),
    [
        (free_text("<IsNumeric/>"), "1e5", "Please write a number in figures."),
        (free_text("<IsNumeric/>"), "٣", "Please write a number in figures."),
        (free_text('<IsNumeric minValue="1"/>'), "0.5", "Please write a number in figures, at least 1."),
        (free_text('<IsNumeric maxValue="9"/>'), "10", "Please write a number in figures, no more than 9."),
        (free_text('<Length minLength="2"/>'), "a", "Please write at least 2 characters; these are 1."),
        (free_text('<Length maxLength="2"/>'), "abc", "Please write no more than 2 characters; these are 3."),
        (
            free_text('<AnswerFormatRegex regex="(a+)+$"/>'),
            "a" * 5000 + "b",
            "Please write it as the question asks",
        ),
        (
            free_text(f'<AnswerFormatRegex regex="{"(a|b)*" * 5000}"/><IsNumeric/>'),
            "ab" * 5000,
            "Please write a number",
        ),
        (free_text(), " \n", "Please answer this question."),
        (selections(counts=(1, 1)), "", "Please choose 1; this is 0."),
        (selections(), "7", "Please answer this question."),
    ],
)
def test_a_constraint_says_what_to_write(answer: str, value: str, problem: str) -> None:
    assert problems(form_of(question("a", answer, REQUIRED)), ("q0", value))["q0"].startswith(problem)


def test_a_question_that_nobody_has_to_answer_may_be_left_out() -> None:
    xml = form_of(question("a", free_text('<Length minLength="5"/>')) + question("b", selections("checkbox")))
    assert answered(xml) == [
        [("QuestionIdentifier", "a"), ("FreeText", None)],
        [("QuestionIdentifier", "b")],
    ]


def formatted(xhtml: str) -> str:
    return form_of(
        question("a", free_text(), content=f"<FormattedContent><![CDATA[{xhtml}]]></FormattedContent>")
    )


def test_formatted_content_is_written_anew() -> None:
    xhtml = "a &lt;b&gt;&nbsp;&amp;<br/><a href='https://x/?a=1&amp;b' target='_top'>x</a><b title='\"'>y</b>"
    xhtml += "<a href='#z'>&LT;i&GT;&none;</a>"
    assert question_form.read(formatted(xhtml)).findtext(".//FormattedContent") == (
        '<div>a &lt;b&gt;\xa0&amp;<br><a href="https://x/?a=1&amp;b" target="_blank" rel="noopener">x</a>'
        '<b title="&quot;">y</b><a href="#z">&lt;i&gt;&amp;none;</a></div>'
    )


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (form_of(""), "cvc-complex-type.2.4: The content of element 'QuestionForm' must be"),
        (form_of("<Overview><Text>a</Text></Overview>"), "cvc-complex-type.2.4: "),
        (form_of("<Question/>"), "cvc-complex-type.2.4: The content of element 'Question' must be"),
        (form_of(question("a", "<Guess/>")), "'AnswerSpecification' must be"),
        (form_of(question("a", "<FileUploadAnswer/>")), "FileUploadAnswer is no longer supported: write"),
        (form_of(question("a", free_text(), content="<Application/>")), "Application is no longer supported"),
        (
            form_of(question("a", free_text(), "<IsRequired>yes</IsRequired>")),
            "'yes' is not a valid value for",
        ),
        (form_of(question("a", selections("slider"))), "'slider' is not a valid value for 'StyleSuggestion'"),
        (form_of(question("a", free_text('<Length minLength="x"/>'))), "'x' is not a valid value for"),
        (
            form_of(question("a", free_text('<AnswerFormatRegex regex="(?=a)"/>'))),
            r"the regex '\(\?=a\)' has",
        ),
        (form_of(question("a", free_text()) * 2), "the identifier 'a' is there 2 times"),
        (formatted("<script>alert(1)</script>"), "element 'script'"),
        (formatted("<p onclick='x'>a</p>"), "onclick='x' is not allowed in element 'p'"),
        (formatted("<a href=' javascript:x'>a</a>"), "href=' javascript:x' is not allowed in element 'a'"),
        (formatted("</div><p>"), "junk after document element"),
        (formatted("<p>"), "mismatched tag"),
        (formatted("<p style='x'>a</p>"), "style='x' is not allowed in element 'p'"),
        (
            formatted("<img src='data:image/png,x'/>"),
            "src='data:image/png,x' is not allowed in element 'img'",
        ),
        (formatted("<a href='java&#10;script:x'>a</a>"), "is not allowed in element 'a'"),
        (formatted("<q cite='javascript:x'>a</q>"), "cite='javascript:x' is not allowed in element 'q'"),
        (formatted("<img usemap='data:x'/>"), "usemap='data:x' is not allowed in element 'img'"),
        (form_of(question("a", free_text("<AnswerFormatRegex pattern='a'/>"))), "'regex' must appear on"),
        (formatted("<b>" * 100 + "</b>" * 100), "lie too deep in each other"),
        (form_of("<Overview>" * 200 + "</Overview>" * 200), "lie too deep in each other"),
        (form_of(question("a", free_text('<Length minLength="9" maxLength="2"/>'))), "can be 9 to 2"),
        (form_of(question("a", free_text('<IsNumeric minValue="1" maxValue="-1"/>'))), "can be 1 to -1"),
        (
            form_of(question("a", selections(counts=(0, 0)))),
            "'0' is not a valid value for 'MaxSelectionCount'",
        ),
        (formatted('<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "not well-formed"),
        (f"<!DOCTYPE x>{EVERY_KIND}", r"a DOCTYPE \(x\) is not allowed"),
        (form_of(question("a", free_text()), "1999-01-01"), "Cannot find the declaration of element"),
    ],
)
def test_what_nobody_could_be_shown_is_refused(xml: str, words: str) -> None:
    with pytest.raises(BadQuestion, match=words):
        question_xml.read(xml)
