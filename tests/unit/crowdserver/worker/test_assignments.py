"""What workers do: find, accept, give back, submit; each HIT once, and never one assignment for two."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from crowdserver.worker import assignments, groups
from crowdserver.worker.earnings import Earnings, earnings, history
from crowdserver.worker.refusals import Refused
from tests.support.crowds import Crowd
from tests.support.offers import invite
from tests.support.requesters import BOTH, Requester, Workers


def _refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        call(*arguments, **named)
    return refused.value.code, refused.value.message


def _titles(hands: Workers, worker_id: str) -> list[tuple[str, int]]:
    with hands.crowd.opened.reading() as (tx, now):
        return [(group.title, group.hits_left) for group in groups.available(tx, now, worker_id)]


@BOTH
def test_the_list_shows_what_a_worker_can_still_do(client: Any, requester: Requester, hands: Workers) -> None:
    cats, dogs = requester.hit_type(Title="Cats", Keywords="a, b"), requester.hit_type(Title="Dogs")
    first, *_ = [requester.hit(cats)["HITId"] for _ in range(3)]
    expired = requester.hit(dogs)["HITId"]
    shared = requester.hit(dogs, MaxAssignments=2)["HITId"]
    client.update_expiration_for_hit(HITId=expired, ExpireAt=0)
    assert _titles(hands, "AONE") == [("Cats", 3), ("Dogs", 1)]
    hands.do(first, "AONE")
    returned = hands.accept(shared, "AONE")
    assert _titles(hands, "AONE") == [("Cats", 2)]
    assert _titles(hands, "ATWO") == [("Cats", 2), ("Dogs", 1)]
    hands.give_back(returned, "AONE")
    assert _titles(hands, "AONE") == [("Cats", 2), ("Dogs", 1)]
    with hands.crowd.opened.reading() as (tx, now):
        group = groups.available(tx, now, "AONE")[0]
    assert group.may_accept
    assert group == groups.Group(
        cats, "Cats", "Say what is in it", "a, b", Decimal("0.50"), 600, 2, why_not=[]
    )


@BOTH
def test_the_list_counts_no_further_than_anybody_has_to_know(
    requester: Requester, hands: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MOST_COUNTED", 2)
    kind = requester.hit_type()
    first, *_ = [requester.hit(kind)["HITId"] for _ in range(3)]
    hands.do(first, "AONE")
    requester.hit(kind)
    shown = []
    for worker_id in ("AONE", "ATWO"):
        with hands.crowd.opened.reading() as (tx, now):
            shown += [group.shown_left for group in groups.available(tx, now, worker_id)]
        hands.accept_next(kind, worker_id)
    assert shown == ["more than 2", "2"]


@BOTH
def test_a_preview_takes_nothing(requester: Requester, hands: Workers) -> None:
    kind = requester.hit_type()
    first, second = requester.hit(kind)["HITId"], requester.hit(kind)["HITId"]
    with hands.crowd.opened.reading() as (tx, now):
        assert (
            groups.preview(tx, now, "AONE", kind).hit_id
            == groups.preview(tx, now, None, kind).hit_id
            == first
        )
    hands.accept(first, "AONE")
    with hands.crowd.opened.reading() as (tx, now):
        page = groups.preview(tx, now, "AONE", kind)
    assert (page.hit_id, page.question.kind, page.reward) == (second, "html", Decimal("0.50"))
    assert requester.counters(second) == ("Assignable", 1, 0, 0)


@BOTH
def test_accepting_next_goes_through_a_group(requester: Requester, hands: Workers) -> None:
    kind = requester.hit_type(AssignmentDurationInSeconds=90)
    made = [requester.hit(kind)["HITId"] for _ in range(3)]
    taken = [hands.accept_next(kind, "AONE") for _ in range(3)]
    assert [assignment.hit.hit_id for assignment in taken] == made
    assert all(assignment.deadline - assignment.accepted_at == 90 for assignment in taken)
    assert _refusal(hands.accept_next, kind, "AONE") == ("gone", "This work is no longer available.")
    with hands.crowd.opened.reading() as (tx, now):
        assert assignments.in_progress(tx, now, "AONE") == taken
        assert assignments.in_progress(tx, now, "ATWO") == []
        assert assignments.assignment(tx, now, "AONE", taken[1].assignment_id) == taken[1]


@BOTH
def test_a_worker_does_a_hit_once(requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit(MaxAssignments=3)["HITId"]
    assignment_id = hands.accept(hit_id, "AONE")
    assert _refusal(hands.accept, hit_id, "AONE") == ("in_progress", "You are working on this task already.")
    hands.give_back(assignment_id, "AONE")
    hands.do(hit_id, "AONE")
    assert _refusal(hands.accept, hit_id, "AONE") == (
        "already_done",
        "You have done this task already; each worker does it once.",
    )
    hands.do(hit_id, "ATWO")
    assert requester.counters(hit_id) == ("Assignable", 1, 0, 0)


@BOTH
def test_what_a_worker_may_not_do_is_refused(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id, other = requester.hit(MaxAssignments=2)["HITId"], requester.hit()["HITId"]
    gone = ("gone", "This work is no longer available.")
    assert _refusal(hands.accept, "3UNKNOWN", "AONE") == gone
    client.update_expiration_for_hit(HITId=other, ExpireAt=0)
    assert _refusal(hands.accept, other, "AONE") == gone
    assignment_id = hands.accept(hit_id, "AONE")
    assert _refusal(hands.submit, assignments.PREVIEW_ID) == (
        "preview",
        "This was only a preview and nothing was sent. Accept the task first.",
    )
    assert _refusal(hands.submit, "3UNKNOWN") == ("unknown", "There is no such assignment.")
    not_yours = ("not_yours", "This assignment belongs to another worker.")
    assert _refusal(hands.submit, assignment_id, ("a", "b"), worker_id="ATWO") == not_yours
    assert _refusal(hands.give_back, assignment_id, "ATWO") == not_yours
    empty = ("empty", "The page sent no answer. Go back, fill in the form and submit it again.")
    assert (
        _refusal(hands.submit, assignment_id, ("assignmentId", assignment_id), ("workerId", "AONE")) == empty
    )
    hands.submit(assignment_id, ("a", ""), worker_id="AONE")
    over = ("over", "You have submitted this assignment already.")
    assert _refusal(hands.submit, assignment_id) == _refusal(hands.give_back, assignment_id, "AONE") == over
    returned = hands.accept(hit_id, "ATWO")
    hands.give_back(returned, "ATWO")
    assert _refusal(hands.submit, returned) == ("over", "You have returned this assignment.")
    late = hands.accept(hit_id, "ATWO")
    crowd.advance(601)
    expected = ("late", "The time for this assignment is over; it went back to the other workers.")
    assert _refusal(hands.submit, late) == _refusal(hands.give_back, late, "ATWO") == expected
    assert requester.counters(hit_id) == ("Assignable", 1, 0, 0)


@BOTH
def test_of_many_who_want_the_last_assignment_one_wins(requester: Requester, hands: Workers) -> None:
    hits = [requester.hit(MaxAssignments=number)["HITId"] for number in (1, 3)]

    def accept(number: int) -> str:
        try:
            hands.accept(hits[number % 2], f"A{number}")
        except Refused as refused:
            return f"{number % 2} {refused.code}"
        return f"{number % 2} accepted"

    with ThreadPoolExecutor(16) as pool:
        results = Counter(pool.map(accept, range(48)))
    assert results == {"0 accepted": 1, "0 gone": 23, "1 accepted": 3, "1 gone": 21}
    assert [requester.counters(hit_id) for hit_id in hits] == [
        ("Unassignable", 0, 1, 0),
        ("Unassignable", 0, 3, 0),
    ]


@BOTH
def test_a_worker_with_many_hands_still_does_a_hit_once(requester: Requester, hands: Workers) -> None:
    kind = requester.hit_type()
    made = {requester.hit(kind, MaxAssignments=5)["HITId"] for _ in range(4)}

    def accept_next(_: int) -> str:
        try:
            return hands.accept_next(kind, "AONE").hit.hit_id
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(16) as pool:
        taken = Counter(pool.map(accept_next, range(32)))
    assert {hit_id: taken[hit_id] for hit_id in made} == dict.fromkeys(made, 1)
    assert taken["gone"] == 28


@BOTH
def test_workers_side_by_side_are_given_every_assignment(requester: Requester, hands: Workers) -> None:
    kind = requester.hit_type()
    made = [requester.hit(kind, MaxAssignments=2)["HITId"] for _ in range(6)]

    def work_on(worker: int) -> list[str]:
        done = []
        while True:
            try:
                assignment = hands.accept_next(kind, f"A{worker}")
            except Refused as refused:
                assert refused.code == "gone"
                return done
            hands.submit(assignment.assignment_id)
            done.append(assignment.hit.hit_id)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(work_on, range(6)))
    assert Counter(hit_id for hits in done for hit_id in hits) == dict.fromkeys(made, 2)
    assert all(len(hits) == len(set(hits)) for hits in done)


@BOTH
def test_a_worker_holds_at_most_25_assignments_however_fast_the_hands(
    requester: Requester, hands: Workers, crowd: Crowd
) -> None:
    invite(crowd, worker_id="AGREEDY")
    kind = requester.hit_type()
    for _ in range(30):
        requester.hit(kind, MaxAssignments=1)

    def accept_next(_: int) -> str:
        try:
            return hands.accept_next(kind, "AGREEDY").assignment_id
        except Refused as refused:
            return f"{refused.code}: {refused.message}"

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(accept_next, range(30)))
    refusal = "hands_full: You have 25 tasks open. Submit or return one of them first."
    assert taken.count(refusal) == 5
    held = [assignment_id for assignment_id in taken if assignment_id != refusal]
    hands.give_back(held[0], "AGREEDY")
    hands.submit(held[1])
    assert accept_next(0) and accept_next(0)
    untouched = requester.hit(kind, MaxAssignments=1)["HITId"]  # which of the others are held is chance
    with pytest.raises(Refused, match="25 tasks open"):
        hands.accept(untouched, "AGREEDY")


@BOTH
def test_of_submitting_twice_at_once_one_counts(requester: Requester, hands: Workers, client: Any) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    assignments = [hands.accept(hit_id, "AONE"), hands.accept(hit_id, "ATWO")]

    def submit(number: int) -> str:
        try:
            hands.submit(assignments[number % 2], n=str(number))
        except Refused as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(16) as pool:
        results = Counter(pool.map(submit, range(32)))
    assert results == {"done": 2, "over": 30}
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 0)
    assert len(client.list_assignments_for_hit(HITId=hit_id)["Assignments"]) == 2


@BOTH
def test_earnings_add_up(client: Any, requester: Requester, hands: Workers) -> None:
    cheap, dear = requester.hit_type(Reward="0.10"), requester.hit_type(Reward="2.00", Title="Dear")
    done = [hands.do(requester.hit(kind)["HITId"], "AONE") for kind in (cheap, cheap, cheap, dear, dear)]
    hands.do(requester.hit(dear)["HITId"], "ATWO")
    client.approve_assignment(AssignmentId=done[0])
    client.approve_assignment(AssignmentId=done[4], RequesterFeedback="fine")
    client.reject_assignment(AssignmentId=done[1], RequesterFeedback="no cat")
    with hands.crowd.opened.reading() as (tx, now):
        earned = earnings(tx, "AONE")
        lines = history(tx, "AONE", now + 1, 9)
        nothing = earnings(tx, "ATHREE")
    assert earned[:6] == (2, 2, 1, Decimal("2.10"), Decimal("2.10"), Decimal("0.10"))
    assert [line.assignment_id for line in lines] == done[::-1]
    assert (lines[0].title, lines[0].feedback) == ("Dear", "fine")
    assert nothing == Earnings(0, 0, 0, *[Decimal("0.00")] * 4, [])


def test_answers_come_back_to_the_letter(client: Any, requester: Requester, hands: Workers) -> None:
    texts = [
        "<b>&amp;</b>",
        "]]>",
        "line\r\nline\nline\rend",
        " spaced ",
        "\"quoted\" 'too'",
        "ünï 🙂",
        "tab\there",
    ]
    assignment_id = hands.do(
        requester.hit()["HITId"], "AONE", *((f"f<{n}>", text) for n, text in enumerate(texts))
    )
    xml = client.get_assignment(AssignmentId=assignment_id)["Assignment"]["Answer"]
    answers = list(ElementTree.fromstring(xml.encode()))
    assert [answer[0].text for answer in answers] == [f"f<{number}>" for number in range(len(texts))]
    assert [answer[1].text for answer in answers] == texts
