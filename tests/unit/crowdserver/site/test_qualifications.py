"""Workers ask for qualifications on the site: at once, by a test, or by the requester's decision."""

from typing import Any

import pytest

from tests.support.crowds import Crowd
from tests.support.offers import offer
from tests.support.refusals import refused
from tests.support.requesters import BOTH
from tests.unit.crowdserver.protocol.test_answer_key import key
from tests.unit.crowdserver.site.test_site import Browser

_XMLNS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd"


def choice(identifier: str, text: str, style: str, *selections: str) -> str:
    inside = "".join(
        f"<Selection><SelectionIdentifier>{name}</SelectionIdentifier><Text>{name}</Text></Selection>"
        for name in selections
    )
    return (
        f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier><IsRequired>true</IsRequired>"
        f"<QuestionContent><Text>{text}</Text></QuestionContent><AnswerSpecification><SelectionAnswer>"
        f"<StyleSuggestion>{style}</StyleSuggestion><Selections>{inside}</Selections></SelectionAnswer>"
        "</AnswerSpecification></Question>"
    )


TEST = (
    f'<QuestionForm xmlns="{_XMLNS}">'
    + choice("capital", "The capital of France?", "radiobutton", "paris", "lyon")
    + choice("fruit", "Which are fruits?", "checkbox", "apple", "pear", "brick")
    + "</QuestionForm>"
)
# 10 for Paris and 5 for both fruits: 15 are 100 percent.
KEY = key("<PercentageMapping><MaximumSummedScore>15</MaximumSummedScore></PercentageMapping>")
RIGHT = [("q0", "0"), ("q1", "0"), ("q1", "1")]


def make(client: Any, **members: Any) -> str:
    given = {"Name": "Maps", "Description": "Reads maps.", "QualificationTypeStatus": "Active", **members}
    return str(client.create_qualification_type(**given)["QualificationType"]["QualificationTypeId"])


def score(client: Any, type_id: str, browser: Browser) -> int:
    worker_id = browser.invitation["worker_id"]
    answer = client.get_qualification_score(QualificationTypeId=type_id, WorkerId=worker_id)
    return int(answer["Qualification"]["IntegerValue"])


def ask(browser: Browser, type_id: str) -> Any:
    return browser.press(browser.open(f"/qualifications/{type_id}").select_one("main form"))


def take(browser: Browser, type_id: str, *fields: tuple[str, str], status: int = 200) -> Any:
    data = [("form_token", browser.token()), *fields]
    answer = browser.session.post(f"{browser.crowd.url}/qualifications/{type_id}/test", data=data, timeout=30)
    return browser._page(answer, status)


@BOTH
def test_what_is_granted_at_once_lets_the_worker_work(crowd: Crowd, client: Any) -> None:
    type_id = make(client, AutoGranted=True, AutoGrantedValue=7)
    told = client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]
    assert (told["AutoGranted"], told["AutoGrantedValue"]) == (True, 7)
    needs = {"QualificationTypeId": type_id, "Comparator": "EqualTo", "IntegerValues": [7]}
    offered = offer(client, QualificationRequirements=[needs])
    browser = Browser(crowd)
    link = browser.card(offered.title).select_one(".why a")
    assert (link.text, link["href"]) == ("Ask for “Maps”", f"/qualifications/{type_id}")
    form = browser.open(link["href"]).select_one("main form")
    for _ in range(2):  # as two clicks do
        page = browser.press(form)
        assert "You have this qualification. Your value is 7." in page.text
    assert not page.select("main form")
    browser.accept(offered)
    assert score(client, type_id, browser) == 7
    assert client.list_qualification_requests()["QualificationRequests"] == []


@BOTH
def test_a_test_is_taken_and_scored_by_its_key(crowd: Crowd, client: Any) -> None:
    type_id = make(client, Test=TEST, AnswerKey=KEY, TestDurationInSeconds=600, RetryDelayInSeconds=3600)
    told = client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]
    assert (told["Test"], told["AnswerKey"], told["TestDurationInSeconds"]) == (TEST, KEY, 600)
    browser = Browser(crowd)
    assert "you have 10 minutes" in browser.open(f"/qualifications/{type_id}").text
    page = ask(browser, type_id)
    assert "The capital of France?" in page.text and "minutes" in page.text
    again = take(browser, type_id, ("q0", "0"), status=422)
    assert "Please answer this question." in again.text and again.select_one("input[name=q0][checked]")
    assert "The capital of France?" in browser.open(f"/qualifications/{type_id}/test").text
    assert "Your value is 73." in take(browser, type_id, ("q0", "0"), ("q1", "0")).text
    assert score(client, type_id, browser) == 73
    # A second try, when its time has come.
    assert "You can take the test again from" in browser.open(f"/qualifications/{type_id}").text
    browser.post(f"/qualifications/{type_id}", 409, form_token=browser.token())
    crowd.advance(3601)
    ask(browser, type_id)
    take(browser, type_id, *RIGHT)
    assert score(client, type_id, browser) == 100


@BOTH
def test_the_requester_decides_where_there_is_no_key(crowd: Crowd, client: Any) -> None:
    type_id = make(client, Test=TEST, TestDurationInSeconds=600)
    ann, ben = Browser(crowd), Browser(crowd)
    for browser in (ann, ben):
        ask(browser, type_id)
        assert "The requester decides" in take(browser, type_id, *RIGHT).text
    page = client.list_qualification_requests(QualificationTypeId=type_id, MaxResults=1)
    more = client.list_qualification_requests(QualificationTypeId=type_id, NextToken=page["NextToken"])
    (first,), (second,) = page["QualificationRequests"], more["QualificationRequests"]
    assert first["WorkerId"] == ann.invitation["worker_id"] and first["Test"] == TEST
    assert "<SelectionIdentifier>pear</SelectionIdentifier>" in first["Answer"]
    request_id = first["QualificationRequestId"]
    client.accept_qualification_request(QualificationRequestId=request_id, IntegerValue=5)
    client.reject_qualification_request(QualificationRequestId=second["QualificationRequestId"], Reason="No.")
    assert score(client, type_id, ann) == 5
    assert "Your request for a qualification was rejected: Maps" in ben.open("/messages").text
    assert "it can be asked for once only" in ben.open(f"/qualifications/{type_id}").text
    assert client.list_qualification_requests()["QualificationRequests"] == []
    state = "This operation can be called with a status of: Submitted"
    for decide in (client.accept_qualification_request, client.reject_qualification_request):
        with refused("RequestError", "InvalidQualificationRequestState", state):
            decide(QualificationRequestId=request_id)


def test_a_request_without_a_test_waits_and_can_be_made_twice(crowd: Crowd, client: Any) -> None:
    type_id = make(client)
    browser = Browser(crowd)
    for _ in range(2):
        page = browser.post(f"/qualifications/{type_id}", form_token=browser.token())
    assert "You have asked for it." in page.text
    (request,) = client.list_qualification_requests()["QualificationRequests"]
    assert "Test" not in request and "Answer" not in request
    client.accept_qualification_request(QualificationRequestId=request["QualificationRequestId"])
    assert score(client, type_id, browser) == 1


def test_a_test_keeps_the_questions_and_the_time_that_it_began_with(crowd: Crowd, client: Any) -> None:
    type_id = make(client, Test=TEST, AnswerKey=KEY, TestDurationInSeconds=600, RetryDelayInSeconds=0)
    browser = Browser(crowd)
    ask(browser, type_id)
    other = TEST.replace("France", "Peru")
    client.update_qualification_type(QualificationTypeId=type_id, Test=other, TestDurationInSeconds=1200)
    assert "France" in browser.open(f"/qualifications/{type_id}").text
    crowd.advance(601)
    assert "The time for this test is over" in take(browser, type_id, *RIGHT, status=410).text
    assert "Peru" in ask(browser, type_id).text
    take(browser, type_id, *RIGHT)
    # The update named no key.
    assert len(client.list_qualification_requests()["QualificationRequests"]) == 1


def test_a_key_scores_the_test_that_it_was_given_with(crowd: Crowd, client: Any) -> None:
    type_id = make(client, Test=TEST, AnswerKey=KEY, TestDurationInSeconds=600)
    browser = Browser(crowd)
    ask(browser, type_id)
    client.update_qualification_type(
        QualificationTypeId=type_id,
        Test=TEST.replace("paris", "lima"),
        AnswerKey=KEY.replace("paris", "lima"),
        TestDurationInSeconds=600,
    )
    assert "The requester decides" in take(browser, type_id, *RIGHT).text
    (request,) = client.list_qualification_requests()["QualificationRequests"]
    assert request["Test"] == TEST
    # Of a type that is deleted nobody could decide it any more.
    client.delete_qualification_type(QualificationTypeId=type_id)
    assert client.list_qualification_requests()["QualificationRequests"] == []
    with refused("RequestError", "InvalidQualificationRequestState", containing="a status of: Submitted"):
        client.accept_qualification_request(QualificationRequestId=request["QualificationRequestId"])


def test_what_nobody_can_ask_for_is_not_there(crowd: Crowd, client: Any) -> None:
    inactive = make(client, QualificationTypeStatus="Inactive")
    browser = Browser(crowd)
    for type_id in (inactive, "3NONE", "no-id"):
        assert "There is no such qualification." in browser.open(f"/qualifications/{type_id}", 404).text


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"Test": TEST}, "A Test needs TestDurationInSeconds."),
        ({"AnswerKey": KEY}, "AnswerKey and TestDurationInSeconds are for a Test, which is not given."),
        (
            {"Test": TEST, "TestDurationInSeconds": 60, "AutoGranted": True},
            "A QualificationType with a Test cannot have AutoGranted: true.",
        ),
        ({"Test": TEST, "TestDurationInSeconds": 0}, "The value 0 is invalid for TestDurationInSeconds."),
        ({"Test": "<a/>", "TestDurationInSeconds": 60}, "Cannot find the declaration of element 'a'"),
        ({"Test": TEST, "AnswerKey": "<a/>", "TestDurationInSeconds": 60}, "declaration of element 'a'"),
        ({"Test": TEST + " " * 65_535, "TestDurationInSeconds": 60}, "bytes, 65535 are allowed"),
        ({"AutoGranted": True, "AutoGrantedValue": 2**31}, "is invalid for AutoGrantedValue."),
    ],
)
def test_a_test_that_is_none_is_refused(client: Any, members: dict[str, Any], text: str) -> None:
    kept = make(client, Name="Kept")
    with refused("ParameterValidationError", None, containing=text):
        make(client, **members)
    with refused("ParameterValidationError", None, containing=text):
        client.update_qualification_type(QualificationTypeId=kept, **members)


def test_a_type_keeps_its_test(client: Any) -> None:
    type_id = make(client, Test=TEST, TestDurationInSeconds=60)
    with refused("ParameterValidationError", None, containing="cannot have AutoGranted: true"):
        client.update_qualification_type(QualificationTypeId=type_id, AutoGranted=True)
    client.update_qualification_type(QualificationTypeId=type_id, AutoGranted=False, Description="New words")
    assert client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]["Test"] == TEST


def test_nobody_is_asked_to_ask_for_what_keeps_workers_out(crowd: Crowd, client: Any) -> None:
    type_id = make(client)
    blocked = Browser(crowd)
    client.associate_qualification_with_worker(
        QualificationTypeId=type_id, WorkerId=blocked.invitation["worker_id"]
    )
    needs = {"QualificationTypeId": type_id, "Comparator": "DoesNotExist"}
    offered = offer(client, QualificationRequirements=[needs])
    assert blocked.card(offered.title).select(".why") and not blocked.card(offered.title).select(".why a")
