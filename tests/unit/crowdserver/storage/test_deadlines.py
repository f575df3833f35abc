"""Time passing under load: what falls due happens once, whoever asks first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from crowdserver.worker import assignments
from crowdserver.worker.refusals import Refused
from tests.support.crowds import Crowd
from tests.support.refusals import read
from tests.support.requesters import BOTH, Requester, Workers

_DAY = 86_400


@BOTH
def test_requests_side_by_side_settle_what_is_due_once(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    kind = requester.hit_type(AutoApprovalDelayInSeconds=300, AssignmentDurationInSeconds=200)
    made = [requester.hit(kind, MaxAssignments=3, LifetimeInSeconds=400)["HITId"] for _ in range(10)]
    for number, hit_id in enumerate(made):
        hands.do(hit_id, "AONE")
        if number % 2:
            hands.accept(hit_id, "ATWO")
    assert requester.balance() == ("9982.00", "18.00")
    crowd.advance(500)
    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(lambda number: requester.counters(made[number % 10]), range(64)))
    assert statuses == {("Reviewable", 2, 0, 1)}
    assert requester.balance() == ("9994.00", "0.00")


@BOTH
def test_what_is_due_and_what_is_asked_do_not_lock_each_other_out(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    kind = requester.hit_type(AutoApprovalDelayInSeconds=3600, AssignmentDurationInSeconds=60)
    made = [requester.hit(kind, MaxAssignments=4, LifetimeInSeconds=_DAY)["HITId"] for _ in range(4)]
    outcomes: set[str] = set()

    def push(number: int) -> None:
        hit_id = made[number % len(made)]
        try:
            assignment_id = hands.accept(hit_id, f"A{number}")
            if number % 3 == 0:
                crowd.advance(40)
            hands.submit(assignment_id)
            if number % 2:
                client.approve_assignment(AssignmentId=assignment_id)
            client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
        except Refused as refused:
            outcomes.add(refused.code)
        except ClientError as error:
            outcomes.add(read(error).turk_code or read(error).code)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(push, range(72)))
    assert outcomes <= {"gone", "late", "InvalidMaximumAssignmentsIncrease"}
    crowd.advance(2 * _DAY)
    hits = [client.get_hit(HITId=hit_id)["HIT"] for hit_id in made]
    assert {(hit["HITStatus"], hit["NumberOfAssignmentsPending"]) for hit in hits} == {("Reviewable", 0)}
    paid = sum(hit["NumberOfAssignmentsCompleted"] for hit in hits) * 60
    assert requester.balance() == (f"{(1_000_000 - paid) / 100:.2f}", "0.00")


@BOTH
def test_more_than_one_batch_falls_due_at_once(crowd: Crowd, requester: Requester, hands: Workers) -> None:
    kind = requester.hit_type(AssignmentDurationInSeconds=60)
    hit_id = requester.hit(kind, MaxAssignments=700, LifetimeInSeconds=_DAY)["HITId"]
    others = [requester.hit(kind)["HITId"] for _ in range(2)]
    with hands.crowd.opened.writing() as (tx, now):
        for number in range(600):
            assignments.accept(tx, now, f"A{number}", hit_id)
        for other in others:
            assignments.accept(tx, now, "AONE", other)
    assert requester.counters(hit_id) == ("Assignable", 100, 600, 0)
    crowd.advance(61)
    assert requester.counters(hit_id) == ("Assignable", 700, 0, 0)
    assert [requester.counters(other) for other in others] == [("Assignable", 1, 0, 0)] * 2
