"""Qualification requirements: who may take work, and who is told why not."""

import json
from typing import Any

import pytest
from sqlalchemy import update

from crowdserver.operations import eligibility, workers
from crowdserver.operations.eligibility import Record
from crowdserver.operations.requirements import completed
from crowdserver.storage import people_tables
from crowdserver.worker import groups
from crowdserver.worker.refusals import Refused
from tests.support.crowds import Crowd
from tests.support.requesters import BOTH, Requester, Workers

_PERCENT, _NUMBER = eligibility.PERCENT_APPROVED, eligibility.NUMBER_APPROVED


def _requirement(type_id: str, comparator: str, *values: int, **members: Any) -> dict[str, Any]:
    given = {"QualificationTypeId": type_id, "Comparator": comparator, **members}
    return {**given, "IntegerValues": list(values)} if values else given


def _unmet(requirement: dict[str, Any], worker: Record, action: str = "accept") -> list[str]:
    return eligibility.unmet(json.dumps(completed([requirement])), action, worker)


@pytest.mark.parametrize(
    ("comparator", "values", "met_by"),
    [
        ("LessThan", [2], {1}),
        ("LessThanOrEqualTo", [2], {1, 2}),
        ("GreaterThan", [2], {3}),
        ("GreaterThanOrEqualTo", [2], {2, 3}),
        ("EqualTo", [2], {2}),
        ("NotEqualTo", [2], {1, 3}),
        ("In", [1, 3], {1, 3}),
        ("NotIn", [1, 3], {2}),
        ("Exists", [], {1, 2, 3}),
        ("DoesNotExist", [], set()),
    ],
)
def test_comparators_compare(comparator: str, values: list[int], met_by: set[int]) -> None:
    requirement = _requirement(_NUMBER, comparator, *values)
    met = {number for number in (1, 2, 3) if not _unmet(requirement, Record(number, number, 0))}
    assert met == met_by


@pytest.mark.parametrize("comparator", ["EqualTo", "NotEqualTo", "GreaterThan", "In", "NotIn"])
def test_who_lacks_a_qualification_fails_every_comparison(comparator: str) -> None:
    assert _unmet(_requirement("3CUSTOM", comparator, 1), Record()) != []
    assert _unmet(_requirement("3CUSTOM", "Exists"), Record()) == ['your qualification "3CUSTOM" is needed']
    assert _unmet(_requirement("3CUSTOM", "DoesNotExist"), Record()) == []


def test_the_percentage_is_100_until_there_is_enough_to_count() -> None:
    assert Record(99, 10, 80).score(_PERCENT) == 100
    assert Record(100, 95, 5).score(_PERCENT) == 95
    assert Record(200, 2, 1).score(_PERCENT) == 66
    assert Record(100, 0, 0).score(_PERCENT) == 100


_US, _CA, _DE = {"Country": "US"}, {"Country": "US", "Subdivision": "CA"}, {"Country": "DE"}


@pytest.mark.parametrize(
    ("comparator", "places", "met_by"),
    [
        ("EqualTo", [_US], {"US", "US-CA", "US-NY"}),
        ("EqualTo", [_CA], {"US-CA"}),
        ("NotEqualTo", [_US], {"DE"}),
        # Who tells only the country may live there.
        ("NotEqualTo", [_CA], {"DE", "US-NY"}),
        ("In", [_CA, _DE], {"US-CA", "DE"}),
        ("NotIn", [_CA, _DE], {"US-NY"}),
    ],
)
def test_a_place_is_compared(comparator: str, places: list[dict[str, str]], met_by: set[str]) -> None:
    requirement = _requirement(eligibility.LOCALE, comparator, LocaleValues=places)
    met = set()
    for place in ("US", "US-CA", "US-NY", "DE", ""):
        country, _, subdivision = place.partition("-")
        if not _unmet(requirement, Record(place=(country or None, subdivision or None))):
            met.add(place)
    assert met == met_by


@BOTH
def test_what_the_lab_says_of_workers_lets_them_work(
    crowd: Crowd, requester: Requester, hands: Workers
) -> None:
    masters = sorted(eligibility.MASTERS)[0]
    needs = [
        _requirement(eligibility.LOCALE, "EqualTo", LocaleValues=[_US]),
        _requirement(eligibility.ADULT, "EqualTo", 1),
        _requirement(masters, "Exists"),
    ]
    hit_id = requester.hit(requester.hit_type(QualificationRequirements=needs))["HITId"]
    with crowd.opened.writing() as (tx, now):
        workers.invite(tx, now, "Ann", "AANN")
        workers.invite(tx, now, "Ben", "ABEN")
        known = {"country": "US", "adult": True, "masters": True}
        tx.execute(update(people_tables.workers).where(people_tables.workers.c.id == "AANN").values(known))
        known = {"country": "US", "adult": False, "masters": True}
        tx.execute(update(people_tables.workers).where(people_tables.workers.c.id == "ABEN").values(known))
    with pytest.raises(Refused, match="your agreement to adult content must be equal to 1"):
        hands.accept(hit_id, "ABEN")
    with pytest.raises(Refused, match="your country must be equal to US; .*; your Masters qualification"):
        hands.accept(hit_id, "ANOBODY")
    hands.accept(hit_id, "AANN")


@pytest.mark.parametrize(
    ("members", "kept_from"),
    [
        ({}, ["accept"]),
        ({"ActionsGuarded": "Accept"}, ["accept"]),
        ({"RequiredToPreview": True}, ["accept", "preview"]),
        ({"ActionsGuarded": "PreviewAndAccept"}, ["accept", "preview"]),
        ({"ActionsGuarded": "DiscoverPreviewAndAccept"}, ["accept", "preview", "discover"]),
    ],
)
def test_a_requirement_guards_what_it_says(members: dict[str, Any], kept_from: list[str]) -> None:
    requirement = _requirement(_NUMBER, "GreaterThan", 5, **members)
    assert [
        action for action in ("accept", "preview", "discover") if _unmet(requirement, Record(), action)
    ] == kept_from


def test_a_worker_is_told_why_not(requester: Requester, hands: Workers) -> None:
    kinds = {
        guarded: requester.hit_type(
            Title=guarded,
            QualificationRequirements=[
                _requirement(_NUMBER, "GreaterThanOrEqualTo", 2, ActionsGuarded=guarded),
                {
                    "QualificationTypeId": eligibility.LOCALE,
                    "Comparator": "In",
                    "LocaleValues": [{"Country": "US", "Subdivision": "CA"}, {"Country": "CH"}],
                    "ActionsGuarded": guarded,
                },
            ],
        )
        for guarded in ("Accept", "DiscoverPreviewAndAccept")
    }
    for kind in kinds.values():
        requester.hit(kind)
    with hands.crowd.opened.reading() as (tx, now):
        (group,) = groups.available(tx, now, "AONE")
        assert (group.hit_type_id, group.may_accept) == (kinds["Accept"], False)
        assert group.why_not == [
            "your number of approved assignments must be at least 2",
            "your country must be one of US-CA, CH",
        ]
        assert groups.preview(tx, now, "AONE", kinds["Accept"]).why_not == group.why_not
        with pytest.raises(Refused, match="^You cannot take this task: your number of approved"):
            groups.preview(tx, now, "AONE", kinds["DiscoverPreviewAndAccept"])
    with pytest.raises(Refused, match="^You cannot take this task: your number of approved") as refused:
        hands.accept_next(kinds["Accept"], "AONE")
    assert refused.value.code == "not_qualified"


def test_work_that_is_done_qualifies(client: Any, requester: Requester, hands: Workers) -> None:
    open_to_all = [requester.hit()["HITId"] for _ in range(2)]
    for_approved = requester.hit_type(
        QualificationRequirements=[_requirement(_NUMBER, "GreaterThanOrEqualTo", 2)]
    )
    requester.hit(for_approved)
    for hit_id in open_to_all:
        with pytest.raises(Refused):
            hands.accept_next(for_approved, "AONE")
        client.approve_assignment(AssignmentId=hands.do(hit_id, "AONE"))
    assert hands.accept_next(for_approved, "AONE").worker_id == "AONE"
