"""How answers to a qualification test become a value."""

import pytest

from crowdserver.protocol import answer_key
from crowdserver.protocol.question_form import Answer
from crowdserver.protocol.xml_documents import BadQuestion

_XMLNS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd"
_QUESTIONS = """
<Question><QuestionIdentifier>capital</QuestionIdentifier>
  <AnswerOption><SelectionIdentifier>paris</SelectionIdentifier><AnswerScore>10</AnswerScore></AnswerOption>
  <AnswerOption><SelectionIdentifier>lyon</SelectionIdentifier><AnswerScore>-2</AnswerScore></AnswerOption>
</Question>
<Question><QuestionIdentifier>fruit</QuestionIdentifier>
  <AnswerOption><SelectionIdentifier>apple</SelectionIdentifier>
    <SelectionIdentifier>pear</SelectionIdentifier><AnswerScore>5</AnswerScore></AnswerOption>
  <DefaultScore>1</DefaultScore>
</Question>"""
_RANGE = (
    "<SummedScoreRange><InclusiveLowerBound>{}</InclusiveLowerBound><InclusiveUpperBound>{}"
    "</InclusiveUpperBound><QualificationValue>{}</QualificationValue></SummedScoreRange>"
)


def key(mapping: str = "", questions: str = _QUESTIONS) -> str:
    inside = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""
    return f'<AnswerKey xmlns="{_XMLNS}">{questions}{inside}</AnswerKey>'


def chosen(capital: str, *fruit: str) -> list[Answer]:
    return [
        Answer("capital", [("SelectionIdentifier", capital)]),
        Answer("fruit", [("SelectionIdentifier", name) for name in fruit]),
    ]


@pytest.mark.parametrize(
    ("answers", "total"),
    [
        (chosen("paris", "pear", "apple"), 15),
        (chosen("paris", "apple"), 11),  # all of an option's selections, and no others
        (chosen("paris", "apple", "pear", "nut"), 11),
        (chosen("lyon", "apple", "pear"), 3),
        (chosen("nice"), 1),
        ([], 1),
        ([Answer("capital", [("SelectionIdentifier", "paris"), ("OtherSelectionText", "or not")])], 1),
    ],
)
def test_the_scores_of_the_answers_add_up(answers: list[Answer], total: int) -> None:
    assert answer_key.value(answer_key.read(key()), answers) == total


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        ("<PercentageMapping><MaximumSummedScore>15</MaximumSummedScore></PercentageMapping>", 73),
        ("<PercentageMapping><MaximumSummedScore>8</MaximumSummedScore></PercentageMapping>", 138),
        ("<ScaleMapping><SummedScoreMultiplier>3</SummedScoreMultiplier></ScaleMapping>", 33),
        ("<ScaleMapping><SummedScoreMultiplier>0.5</SummedScoreMultiplier></ScaleMapping>", 6),
        ("<ScaleMapping><SummedScoreMultiplier>999999999</SummedScoreMultiplier></ScaleMapping>", 2**31 - 1),
        (f"<RangeMapping>{_RANGE.format(11, 20, 2)}<OutOfRangeQualificationValue>0"
         "</OutOfRangeQualificationValue></RangeMapping>", 2),
        (f"<RangeMapping>{_RANGE.format(0, 4, 1)}{_RANGE.format(5, 10, 2)}<OutOfRangeQualificationValue>-7"
         "</OutOfRangeQualificationValue></RangeMapping>", -7),
    ],
)  # fmt: skip
def test_the_sum_is_mapped_to_the_value(mapping: str, value: int) -> None:
    assert answer_key.value(answer_key.read(key(mapping)), chosen("paris", "apple")) == value


@pytest.mark.parametrize(
    ("xml", "problem"),
    [
        ("<AnswerKey/>", "cvc-elt.1: Cannot find the declaration of element 'AnswerKey'"),
        (
            key(questions=""),
            "The content of element 'AnswerKey' must be '{Question, QualificationValueMapping}'",
        ),
        (key("<Half/>"), "The content of element 'QualificationValueMapping' must be"),
        (key(questions=_QUESTIONS.replace("10", "ten")), "'ten' is not a valid value for 'AnswerScore'"),
        (
            key(questions=_QUESTIONS.replace("paris", " ")),
            "'' is not a valid value for 'SelectionIdentifier'",
        ),
        (
            key("<PercentageMapping><MaximumSummedScore>0</MaximumSummedScore></PercentageMapping>"),
            "'0' is not a valid value for 'MaximumSummedScore'",
        ),
        (f"<!DOCTYPE a>{key()}", "a DOCTYPE"),
        ("no XML", "syntax error"),
    ],
)
def test_what_is_no_key_is_refused(xml: str, problem: str) -> None:
    with pytest.raises(BadQuestion) as refusal:
        answer_key.read(xml)
    assert problem in str(refusal.value)
