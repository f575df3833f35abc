"""Assignments through boto3: read, approved, rejected, and the rejections taken back."""

from typing import Any
from xml.etree import ElementTree

from tests.support.crowds import Crowd
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester, Workers

_DAY = 86_400
_STATUS = "This operation can be called with a status of: {}"
_ANSWERS = (
    "{http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd}"
)


def _answers(xml: str) -> list[tuple[str, str | None]]:
    root = ElementTree.fromstring(xml.encode())
    return [(answer[0].text or "", answer[1].text) for answer in root.iter(f"{_ANSWERS}Answer")]


@BOTH
def test_a_submitted_assignment_shows_what_the_worker_did(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hit = requester.hit(requester.hit_type(AutoApprovalDelayInSeconds=3600, AssignmentDurationInSeconds=600))
    hit_id = hit["HITId"]
    fields = [
        ("label", "a <b> & ]]> ü"),
        ("assignmentId", "x"),
        ("note", ""),
        ("label", "second"),
        ("bad", "\x00\x0b!"),
    ]
    assignment_id = hands.do(hit_id, "AWORKER7", *fields)
    got = client.get_assignment(AssignmentId=assignment_id)
    assignment = got["Assignment"]
    assert got["HIT"]["HITId"] == hit_id
    assert client.list_assignments_for_hit(HITId=hit_id)["Assignments"] == [assignment]
    assert (assignment["AssignmentId"], assignment["WorkerId"], assignment["HITId"]) == (
        assignment_id,
        "AWORKER7",
        hit_id,
    )
    assert assignment["AssignmentStatus"] == "Submitted"
    assert (assignment["AutoApprovalTime"] - assignment["SubmitTime"]).total_seconds() == 3600
    assert (assignment["Deadline"] - assignment["AcceptTime"]).total_seconds() == 600
    assert not {"ApprovalTime", "RejectionTime", "RequesterFeedback"} & set(assignment)
    joined = ("label", "a <b> & ]]> ü|second")
    assert _answers(assignment["Answer"]) == [joined, ("note", None), ("bad", "!")]
    assert assignment["Answer"].startswith(
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<QuestionFormAnsw'
    )


@BOTH
def test_work_in_hand_is_not_shown(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    accepted, returned = hands.accept(hit_id, "AONE"), hands.accept(hit_id, "ATWO")
    hands.give_back(returned, "ATWO")
    assert client.list_assignments_for_hit(HITId=hit_id)["Assignments"] == []
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Reviewable,Approved,Rejected")):
        client.get_assignment(AssignmentId=accepted)
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("null")):
        client.approve_assignment(AssignmentId=accepted)
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("null")):
        client.reject_assignment(AssignmentId=accepted, RequesterFeedback="no")
    for assignment_id in (returned, "3" + "B" * 29):
        for call in (client.get_assignment, client.approve_assignment):
            with refused(
                "RequestError", "AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist."
            ):
                call(AssignmentId=assignment_id)


@BOTH
def test_approval_happens_once(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    one, two = hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")
    client.approve_assignment(AssignmentId=one, RequesterFeedback="thank you")
    approved = client.get_assignment(AssignmentId=one)["Assignment"]
    assert (approved["AssignmentStatus"], approved["RequesterFeedback"]) == ("Approved", "thank you")
    assert approved["ApprovalTime"] >= approved["SubmitTime"]
    for override in (False, True):
        with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Submitted")):
            client.approve_assignment(AssignmentId=one, OverrideRejection=override)
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Submitted")):
        client.reject_assignment(AssignmentId=one, RequesterFeedback="no")
    # Clients that always send the flag must be able to approve.
    client.approve_assignment(AssignmentId=two, OverrideRejection=True)
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 2)


@BOTH
def test_a_rejection_can_be_taken_back_for_thirty_days(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    one, two = hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")
    for assignment_id in (one, two):
        client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="not a cat")
    rejected = client.get_assignment(AssignmentId=one)["Assignment"]
    assert (rejected["AssignmentStatus"], rejected["RequesterFeedback"]) == ("Rejected", "not a cat")
    assert "RejectionTime" in rejected and "ApprovalTime" not in rejected
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Submitted")):
        client.approve_assignment(AssignmentId=one)
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Submitted")):
        client.reject_assignment(AssignmentId=one, RequesterFeedback="still not a cat")
    crowd.advance(29 * _DAY)
    client.approve_assignment(AssignmentId=one, OverrideRejection=True)
    assert client.get_assignment(AssignmentId=one)["Assignment"]["AssignmentStatus"] == "Approved"
    crowd.advance(2 * _DAY)
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Submitted")):
        client.approve_assignment(AssignmentId=two, OverrideRejection=True)


@BOTH
def test_an_assignment_is_approved_by_itself_in_time(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(requester.hit_type(AutoApprovalDelayInSeconds=3600), MaxAssignments=2)["HITId"]
    one, two = hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")
    client.reject_assignment(AssignmentId=two, RequesterFeedback="no")
    crowd.advance(3500)
    assert client.get_assignment(AssignmentId=one)["Assignment"]["AssignmentStatus"] == "Submitted"
    crowd.advance(200)
    approved = client.get_assignment(AssignmentId=one)["Assignment"]
    assert approved["AssignmentStatus"] == "Approved"
    assert approved["ApprovalTime"] == approved["AutoApprovalTime"]
    assert client.get_assignment(AssignmentId=two)["Assignment"]["AssignmentStatus"] == "Rejected"
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 2)
    with refused("RequestError", "InvalidAssignmentState", _STATUS.format("Submitted")):
        client.reject_assignment(AssignmentId=one, RequesterFeedback="too late")


def test_no_delay_means_approved_at_once(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit(requester.hit_type(AutoApprovalDelayInSeconds=0))["HITId"]
    assignment_id = hands.do(hit_id)
    assert client.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"] == "Approved"
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 1)


@BOTH
def test_work_not_handed_in_goes_back_at_its_deadline(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    kind = requester.hit_type(AssignmentDurationInSeconds=600)
    hit_id = requester.hit(kind, MaxAssignments=2, LifetimeInSeconds=900)["HITId"]
    hands.accept(hit_id, "AONE")
    crowd.advance(550)
    assert requester.counters(hit_id) == ("Assignable", 1, 1, 0)
    crowd.advance(100)
    assert requester.counters(hit_id) == ("Assignable", 2, 0, 0)
    hands.accept(hit_id, "AONE")
    hands.accept(hit_id, "ATWO")
    crowd.advance(300)
    assert requester.counters(hit_id) == ("Unassignable", 0, 2, 0)
    crowd.advance(600)
    assert requester.counters(hit_id) == ("Reviewable", 2, 0, 0)


@BOTH
def test_everything_that_fell_due_during_a_silence_happens(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    kind = requester.hit_type(AutoApprovalDelayInSeconds=3600)
    done, in_hand, untouched = (requester.hit(kind)["HITId"] for _ in range(3))
    assignment_id = hands.do(done)
    hands.accept(in_hand)
    crowd.advance(30 * _DAY)
    assert client.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"] == "Approved"
    assert requester.counters(in_hand) == ("Reviewable", 1, 0, 0)
    assert requester.balance() == ("9999.40", "0.00")
    crowd.advance(91 * _DAY)
    assert client.list_hits()["HITs"] == []
    for hit_id in (done, in_hand, untouched):
        with refused("RequestError", "HITDoesNotExist", f"Hit {hit_id} does not exist."):
            client.get_hit(HITId=hit_id)
