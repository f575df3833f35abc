"""What the lab says of workers, and whether one qualifies."""

from typing import Any

import pytest

from crowdserver.operations import attributes, eligibility, workers
from crowdserver.protocol.call import InvalidRequest
from crowdserver.protocol.errors import ApiError
from tests.support.crowds import Crowd
from tests.support.requesters import BOTH, Requester, Workers

_US = {
    "QualificationTypeId": eligibility.LOCALE,
    "Comparator": "EqualTo",
    "LocaleValues": [{"Country": "US"}],
}
_MANY = {
    "QualificationTypeId": eligibility.NUMBER_APPROVED,
    "Comparator": "GreaterThanOrEqualTo",
    "IntegerValues": [1],
}


def qualified(crowd: Crowd, *requirements: dict[str, Any]) -> tuple[int, bool]:
    with crowd.opened.reading() as (tx, now):
        answer = attributes.find_qualified(tx, now, {"requirements": list(requirements)})
    return answer["workers"], answer["somebody"]


def say(crowd: Crowd, **member: Any) -> None:
    with crowd.opened.writing() as (tx, now):
        attributes.put_all(tx, now, {"workers": [member]})


@BOTH
def test_somebody_qualifies_by_what_is_said_and_by_what_was_done(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    assert qualified(crowd, _US) == (0, False)
    with crowd.opened.writing() as (tx, now):
        wishes = [{"worker_id": "AADA", "country": "US", "subdivision": "CA"}, {"worker_id": "ABEN"}]
        workers.invite_all(tx, now, {"workers": wishes})
    assert qualified(crowd) == (2, True)
    assert qualified(crowd, _US) == (2, True)
    assert qualified(crowd, _US, _MANY) == (2, False)
    client.approve_assignment(AssignmentId=hands.do(requester.hit()["HITId"], "ABEN"))
    assert qualified(crowd, _US, _MANY) == (2, False)
    say(crowd, worker_id="ABEN", country="US")
    assert qualified(crowd, _US, _MANY) == (2, True)
    say(crowd, worker_id="ABEN", country=None)
    client.create_worker_block(WorkerId="AADA", Reason="Out")
    assert qualified(crowd, _US) == (1, False)


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ({"country": "us"}, "'us' is no country"),
        ({"country": "UK"}, "'UK' is no country"),
        ({"subdivision": 5}, "5 is no subdivision"),
        ({"adult": "yes"}, "'yes' is no adult: give true or false."),
        ({"worker_id": "ANOBODY", "masters": True}, "Nobody by these ids was invited: ANOBODY."),
        ({"worker_id": 5}, "an object with a worker_id"),
    ],
)
def test_what_cannot_be_is_refused(crowd: Crowd, member: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        say(crowd, **{"worker_id": "AADA", **member})


def test_a_request_for_what_is_no_requirement_is_refused(crowd: Crowd) -> None:
    with pytest.raises(ApiError, match="Member must satisfy enum value set"):
        qualified(crowd, {"QualificationTypeId": "X", "Comparator": "Near"})
    with pytest.raises(ApiError, match="does not fit the Comparator EqualTo"):
        qualified(crowd, {"QualificationTypeId": "X", "Comparator": "EqualTo"})
