"""Messages: kept for the workers whom they can reach, and read on the site as plain text."""

from typing import Any

import pytest

from crowdserver.operations import messages
from tests.support.crowds import Crowd
from tests.support.offers import invite, offer
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester, Workers
from tests.unit.crowdserver.site.test_site import Browser, frame_parameters, submit

_NO_WORK = "Cannot send a notification to a worker who has not done any work for you"
_NOT_REVIEWED = (
    "Cannot send a notification to a worker before you have approved or rejected work of this worker"
)


def _notify(client: Any, *worker_ids: str, subject: str = "News", text: str = "There is more work") -> Any:
    answer = client.notify_workers(Subject=subject, MessageText=text, WorkerIds=list(worker_ids))
    return answer["NotifyWorkersFailureStatuses"]


def _messages(hands: Workers, worker_id: str) -> list[tuple[str, str]]:
    with hands.crowd.opened.reading() as (tx, _):
        return [(message.subject, message.text) for message in messages.latest(tx, worker_id)]


def _failure(worker_id: str, code: str, text: str) -> dict[str, str]:
    return {"WorkerId": worker_id, "NotifyWorkersFailureCode": code, "NotifyWorkersFailureMessage": text}


@BOTH
def test_whom_a_message_does_not_reach_is_told_in_the_answer(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(MaxAssignments=4)["HITId"]
    client.approve_assignment(AssignmentId=hands.do(hit_id, "AAPPROVED"))
    client.reject_assignment(AssignmentId=hands.do(hit_id, "AREJECTED"), RequesterFeedback="no")
    hands.do(hit_id, "AWAITING")
    hands.accept(hit_id, "AACCEPTED")
    invite(crowd, worker_id="AINVITED")
    failures = _notify(
        client, "AAPPROVED", "AWAITING", "AREJECTED", "AACCEPTED", "AINVITED", "ANOBODY", "AAPPROVED"
    )
    assert failures == [
        _failure("AWAITING", "SoftFailure", _NOT_REVIEWED),
        *(_failure(worker_id, "HardFailure", _NO_WORK) for worker_id in ("AACCEPTED", "AINVITED", "ANOBODY")),
    ]
    for reached in ("AAPPROVED", "AREJECTED"):
        assert _messages(hands, reached) == [("News", "There is more work")]
    for missed in ("AWAITING", "AACCEPTED", "AINVITED", "ANOBODY"):
        assert _messages(hands, missed) == []


def test_a_message_reaches_a_worker_after_the_review(
    client: Any, requester: Requester, hands: Workers
) -> None:
    assignment_id = hands.do(requester.hit()["HITId"], "AONE")
    assert _notify(client, "AONE") == [_failure("AONE", "SoftFailure", _NOT_REVIEWED)]
    client.approve_assignment(AssignmentId=assignment_id)
    assert _notify(client, "AONE", subject="First") == []
    assert _notify(client, "AONE", subject="Second", text="Line\nby line") == []
    assert _messages(hands, "AONE") == [("Second", "Line\nby line"), ("First", "There is more work")]


@pytest.mark.parametrize("number", [0, 101])
def test_a_message_goes_to_at_most_100_workers(client: Any, hands: Workers, number: int) -> None:
    text = f"A message goes to 1 to 100 WorkerIds, not to {number}."
    with refused("ParameterValidationError", None, text):
        _notify(client, *(f"AWORKER{n}" for n in range(number)))
    assert len(_notify(client, *(f"AWORKER{n}" for n in range(100)))) == 100


@pytest.mark.parametrize(
    ("subject", "text", "problem"),
    [
        ("s" * 201, "t", "The value of Subject has 201 characters. The greatest length is 200."),
        ("s", "t" * 4097, "The value of MessageText has 4097 characters. The greatest length is 4096."),
        (" ", "t", 'The value " " is not valid for the parameter Subject.'),
        ("s", "", 'The value "" is not valid for the parameter MessageText.'),
    ],
)
def test_words_that_do_not_fit_are_refused(client: Any, subject: str, text: str, problem: str) -> None:
    with refused("ParameterValidationError", None, problem):
        _notify(client, "AONE", subject=subject, text=text)


def test_an_id_that_is_none_breaks_a_constraint(client: Any) -> None:
    problem = (
        "1 validation error detected: Value 'w' at 'workerIds.2.member' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^A[A-Z0-9]+$"
    )
    with refused("ValidationException", None, problem):
        _notify(client, "AONE", "w")


@BOTH
def test_a_qualification_is_announced_unless_the_requester_wants_silence(
    crowd: Crowd, client: Any, hands: Workers
) -> None:
    for worker_id in ("ALOUD", "ASILENT"):
        invite(crowd, worker_id=worker_id)
    made = client.create_qualification_type(
        Name="Reading", Description="You read fast", QualificationTypeStatus="Active"
    )
    type_id = made["QualificationType"]["QualificationTypeId"]
    loud, silent = ({"QualificationTypeId": type_id, "WorkerId": name} for name in ("ALOUD", "ASILENT"))
    client.associate_qualification_with_worker(**loud, IntegerValue=7)
    client.associate_qualification_with_worker(**silent, SendNotification=False)
    client.disassociate_qualification_from_worker(**loud, Reason="You asked for it")
    client.disassociate_qualification_from_worker(**silent)
    assert _messages(hands, "ALOUD") == [
        ("A qualification of yours ended: Reading", "You asked for it"),
        ("You have a qualification: Reading", "You read fast\n\nYour value is 7."),
    ]
    assert _messages(hands, "ASILENT") == []


def test_a_worker_reads_messages_as_text_the_newest_first(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, AutoApprovalDelayInSeconds=0)
    reader, other = Browser(crowd, worker_id="AREADER"), Browser(crowd, worker_id="AOTHER")
    for browser in (reader, other):
        submit(crowd, assignmentId=frame_parameters(browser.accept(offered))["assignmentId"], label="cat")
    assert reader.open("/messages").select("[data-message]") == []
    hostile = '<script>document.title="owned"</script>\nand "\'&amp;'
    assert _notify(offered.client, "AREADER", subject="Old", text="First") == []
    assert _notify(offered.client, "AREADER", subject="<b>New</b>", text=hostile) == []
    assert "Messages (2 new)" in reader.open("/history").nav.text
    assert reader.session.head(f"{crowd.url}/messages", timeout=30).status_code == 200
    page = reader.open("/messages")
    shown = [(part.h2.text, part.select_one(".written").text) for part in page.select("[data-message]")]
    assert shown == [("New <b>New</b>", hostile), ("New Old", "First")]
    assert "new)" not in reader.open("/").nav.text
    assert reader.open("/messages").h2.text == "<b>New</b>"
    assert [script.get("src") for script in page.find_all("script")] == ["/static/site.js"]
    assert other.open("/messages").select("[data-message]") == []
