"""Qualification types, who has them, and what they let workers do."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from crowdserver.operations import eligibility
from crowdserver.worker import groups
from crowdserver.worker.refusals import Refused
from tests.support.crowds import Crowd
from tests.support.offers import invite
from tests.support.refusals import read, refused
from tests.support.requesters import BOTH, Requester, Workers

_NAME_TAKEN = (
    "You have already created a QualificationType with this name. "
    "A QualificationType's name must be unique among all of the QualificationTypes created by the same user."
)
_NO_QUALIFICATION = "You requested a Qualification that does not exist."
_UNKNOWN = "3UNKNOWN"


def _create(client: Any, name: str, **members: Any) -> dict[str, Any]:
    given = {"Description": f"About {name}", "QualificationTypeStatus": "Active", **members}
    made: dict[str, Any] = client.create_qualification_type(Name=name, **given)["QualificationType"]
    return made


def _grant(client: Any, type_id: str, worker_id: str, value: int = 1, **members: Any) -> None:
    client.associate_qualification_with_worker(
        QualificationTypeId=type_id, WorkerId=worker_id, IntegerValue=value, **members
    )


def _requirement(type_id: str, comparator: str, *values: int, **members: Any) -> dict[str, Any]:
    given = {"QualificationTypeId": type_id, "Comparator": comparator, **members}
    return {**given, "IntegerValues": list(values)} if values else given


def _names(client: Any, **wanted: Any) -> list[str]:
    pages = client.get_paginator("list_qualification_types").paginate(MustBeRequestable=False, **wanted)
    return [found["Name"] for page in pages for found in page["QualificationTypes"]]


def _holders(client: Any, type_id: str, **wanted: Any) -> list[tuple[str, int]]:
    pages = client.get_paginator("list_workers_with_qualification_type").paginate(
        QualificationTypeId=type_id, **wanted
    )
    return [(one["WorkerId"], one["IntegerValue"]) for page in pages for one in page["Qualifications"]]


# Types


@BOTH
def test_a_type_is_as_it_was_made(client: Any) -> None:
    made = _create(client, "Reading", Keywords="text, speed", RetryDelayInSeconds=60)
    other = _create(client, "Writing", QualificationTypeStatus="Inactive")
    assert made["QualificationTypeId"] != other["QualificationTypeId"]
    assert {
        name: value for name, value in made.items() if name not in ("QualificationTypeId", "CreationTime")
    } == {
        "Name": "Reading",
        "Description": "About Reading",
        "Keywords": "text, speed",
        "QualificationTypeStatus": "Active",
        "RetryDelayInSeconds": 60,
        "IsRequestable": True,
        "AutoGranted": False,
    }
    assert other["QualificationTypeStatus"] == "Inactive"
    assert "Keywords" not in other and "RetryDelayInSeconds" not in other
    for one in (made, other):
        read_again = client.get_qualification_type(QualificationTypeId=one["QualificationTypeId"])
        assert read_again["QualificationType"] == one


@BOTH
def test_a_name_exists_once(client: Any) -> None:
    first = _create(client, "Reading")["QualificationTypeId"]
    _create(client, "reading")
    with refused("RequestError", "QualificationTypeAlreadyExists", _NAME_TAKEN):
        _create(client, "Reading", Description="Another")
    client.delete_qualification_type(QualificationTypeId=first)
    second = _create(client, "Reading")["QualificationTypeId"]
    assert second != first
    with refused("RequestError", "QualificationTypeAlreadyExists", _NAME_TAKEN):
        _create(client, "Reading")


@BOTH
def test_of_many_that_make_one_name_at_once_one_succeeds(client: Any) -> None:
    def make(name: str) -> str:
        try:
            return str(_create(client, name)["Name"])
        except ClientError as error:
            return str(read(error).turk_code)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, ["Reading", "Writing"] * 8))
    assert sorted(made)[-2:] == ["Reading", "Writing"]
    assert made.count("QualificationTypeAlreadyExists") == 14
    assert sorted(_names(client)) == ["Reading", "Writing"]


def test_an_update_changes_what_can_be_changed(client: Any) -> None:
    made, other = _create(client, "Reading", Keywords="text"), _create(client, "Writing")
    type_id = made["QualificationTypeId"]
    changes = {"Description": "New words", "QualificationTypeStatus": "Inactive", "RetryDelayInSeconds": 5}
    changed = client.update_qualification_type(QualificationTypeId=type_id, **changes)["QualificationType"]
    assert changed == {**made, **changes}
    assert client.update_qualification_type(QualificationTypeId=type_id)["QualificationType"] == changed
    assert client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"] == changed
    other_id = other["QualificationTypeId"]
    assert client.get_qualification_type(QualificationTypeId=other_id)["QualificationType"] == other


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            {"Description": "d" * 2001},
            "The value of Description has 2001 characters. The greatest length is 2000.",
        ),
        ({"Description": " "}, 'The value " " is not valid for the parameter Description.'),
        (
            {"RetryDelayInSeconds": -1},
            "The value -1 is invalid for RetryDelayInSeconds. Valid values range from 0 to 2147483647.",
        ),
    ],
)
def test_what_a_type_cannot_be_is_refused(client: Any, members: dict[str, Any], text: str) -> None:
    kept = _create(client, "Kept")
    with refused("ParameterValidationError", None, text):
        _create(client, "Reading", **members)
    with refused("ParameterValidationError", None, text):
        client.update_qualification_type(QualificationTypeId=kept["QualificationTypeId"], **members)
    assert _names(client) == ["Kept"]
    read_again = client.get_qualification_type(QualificationTypeId=kept["QualificationTypeId"])
    assert read_again["QualificationType"] == kept


@pytest.mark.parametrize("name", ["", "n" * 201])
def test_a_name_that_is_none_is_refused(client: Any, name: str) -> None:
    text = {
        0: 'The value "" is not valid for the parameter Name.',
        201: "The value of Name has 201 characters. The greatest length is 200.",
    }
    with refused("ParameterValidationError", None, text[len(name)]):
        _create(client, name)
    assert _names(client) == []


def test_an_unknown_type_does_not_exist(client: Any, hands: Workers, requester: Requester) -> None:
    hands.do(requester.hit()["HITId"], "AONE")
    text = f"QualificationType {_UNKNOWN} does not exist."
    for call in (
        lambda: client.get_qualification_type(QualificationTypeId=_UNKNOWN),
        lambda: client.update_qualification_type(QualificationTypeId=_UNKNOWN, Description="d"),
        lambda: client.delete_qualification_type(QualificationTypeId=_UNKNOWN),
        lambda: client.list_workers_with_qualification_type(QualificationTypeId=_UNKNOWN),
        lambda: client.list_hi_ts_for_qualification_type(QualificationTypeId=_UNKNOWN),
        lambda: _grant(client, _UNKNOWN, "AONE"),
        lambda: requester.hit_type(QualificationRequirements=[_requirement(_UNKNOWN, "Exists")]),
    ):
        with refused("RequestError", "QualificationTypeDoesNotExist", text):
            call()


@BOTH
def test_types_are_found_by_their_words(client: Any) -> None:
    _create(client, "Reading speed", Keywords="fast")
    _create(client, "Writing", Description="Faster than others")
    _create(client, "100% sure_thing", Description="Ärgerlich")
    assert _names(client) == ["Reading speed", "Writing", "100% sure_thing"]
    for query, names in (
        ("FAST", ["Reading speed", "Writing"]),
        ("speed reading", ["Reading speed"]),
        ("reading writing", []),
        ("100%", ["100% sure_thing"]),
        ("sure_thing", ["100% sure_thing"]),
        ("g_t", []),
        ("Ärger", ["100% sure_thing"]),
    ):
        assert _names(client, Query=query, MustBeOwnedByCaller=True) == names, query
    # As many words as this take the square of the time, and more than sqlite can look for.
    assert _names(client, Query="type " * 200) == _names(client, Query="type")
    with refused("ParameterValidationError", None, containing="The greatest length is 1000."):
        _names(client, Query="m " * 2000)


def test_types_are_listed_page_by_page(crowd: Crowd, client: Any) -> None:
    names = [f"Type {number}" for number in range(5)]
    for name in names:
        _create(client, name)
    assert _names(client, PaginationConfig={"PageSize": 2}) == names
    first = client.list_qualification_types(MustBeRequestable=True, MaxResults=2)
    assert (first["NumResults"], [one["Name"] for one in first["QualificationTypes"]]) == (2, names[:2])
    with refused("RequestError", "InvalidParameterValue", "The NextToken is not valid for this list."):
        client.list_qualification_types(MustBeRequestable=True, Query="Type", NextToken=first["NextToken"])
    crowd.control("lag", {"list_seconds": 60})
    assert _names(client) == []
    crowd.advance(61)
    assert _names(client) == names


@BOTH
def test_a_deleted_type_is_gone_for_new_work_and_stays_for_what_there_is(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hands.do(requester.hit()["HITId"], "AONE")
    type_id, other_id = (_create(client, name)["QualificationTypeId"] for name in ("Reading", "Writing"))
    _grant(client, type_id, "AONE")
    kind = requester.hit_type(QualificationRequirements=[_requirement(type_id, "Exists")])
    hit_id = requester.hit(kind)["HITId"]
    client.delete_qualification_type(QualificationTypeId=type_id)
    text = f"QualificationType {type_id} does not exist."
    for call in (
        lambda: client.get_qualification_type(QualificationTypeId=type_id),
        lambda: requester.hit(kind),
        lambda: _grant(client, type_id, "AONE"),
    ):
        with refused("RequestError", "QualificationTypeDoesNotExist", text):
            call()
    state = "This operation can be called with a status of: Active,Inactive"
    with refused("RequestError", "InvalidQualificationTypeState", state):
        client.delete_qualification_type(QualificationTypeId=type_id)
    assert _names(client) == ["Writing"]
    # Its name is free again only when the HITs that use it are gone.
    with refused("RequestError", "QualificationTypeAlreadyExists", _NAME_TAKEN):
        _create(client, "Reading")
    with pytest.raises(Refused, match='your qualification "Reading" is needed'):
        hands.accept(hit_id, "ATWO")
    done = hands.do(hit_id, "AONE")
    client.approve_assignment(AssignmentId=done)
    client.delete_hit(HITId=hit_id)
    assert _create(client, "Reading")["QualificationTypeId"] not in (type_id, other_id)


def test_no_work_can_ask_for_an_inactive_type(client: Any, requester: Requester) -> None:
    type_id = _create(client, "Reading")["QualificationTypeId"]
    requirements = [_requirement(type_id, "Exists")]
    kind = requester.hit_type(QualificationRequirements=requirements)
    client.update_qualification_type(QualificationTypeId=type_id, QualificationTypeStatus="Inactive")
    text = "This operation can be called with a status of: Active"
    for call in (
        lambda: requester.hit(kind),
        lambda: requester.hit_type(QualificationRequirements=requirements),
    ):
        with refused("RequestError", "InvalidQualificationTypeState", text):
            call()
    client.update_qualification_type(QualificationTypeId=type_id, QualificationTypeStatus="Active")
    assert requester.hit(kind)["HITTypeId"] == kind


@BOTH
def test_the_hits_that_ask_for_a_type_are_listed(client: Any, requester: Requester) -> None:
    type_id, other_id = (_create(client, name)["QualificationTypeId"] for name in ("Reading", "Writing"))
    both = requester.hit_type(
        QualificationRequirements=[_requirement(other_id, "Exists"), _requirement(type_id, "DoesNotExist")]
    )
    one = requester.hit_type(QualificationRequirements=[_requirement(type_id, "GreaterThan", 3)])
    made = [requester.hit(kind)["HITId"] for kind in (both, one, both, requester.hit_type())]
    pages = client.get_paginator("list_hits_for_qualification_type")
    for asked, hits in ((type_id, made[2::-1]), (other_id, [made[2], made[0]])):
        listed = [
            hit["HITId"]
            for page in pages.paginate(QualificationTypeId=asked, PaginationConfig={"PageSize": 2})
            for hit in page["HITs"]
        ]
        assert listed == hits
    client.update_expiration_for_hit(HITId=made[1], ExpireAt=0)
    client.delete_hit(HITId=made[1])
    left = client.list_hi_ts_for_qualification_type(QualificationTypeId=type_id)["HITs"]
    assert [hit["HITId"] for hit in left] == [made[2], made[0]]


# Grants


@BOTH
def test_a_grant_is_read_changed_and_revoked(client: Any, requester: Requester, hands: Workers) -> None:
    hit = requester.hit(MaxAssignments=2)["HITId"]
    hands.do(hit, "AONE"), hands.do(hit, "ATWO")
    type_id = _create(client, "Reading")["QualificationTypeId"]
    about_one = {"QualificationTypeId": type_id, "WorkerId": "AONE"}
    for call in (client.get_qualification_score, client.disassociate_qualification_from_worker):
        with refused("RequestError", "QualificationDoesNotExist", _NO_QUALIFICATION):
            call(**about_one)
    client.associate_qualification_with_worker(**about_one)
    _grant(client, type_id, "ATWO", -7)
    found = client.get_qualification_score(**about_one)["Qualification"]
    assert found.pop("GrantTime")
    assert found == {**about_one, "IntegerValue": 1, "Status": "Granted"}
    _grant(client, type_id, "AONE", 50)
    assert client.get_qualification_score(**about_one)["Qualification"]["IntegerValue"] == 50
    assert _holders(client, type_id) == [("AONE", 50), ("ATWO", -7)]
    client.disassociate_qualification_from_worker(**about_one, Reason="For now")
    state = "This operation can be called with a status of: Granted"
    for call in (client.get_qualification_score, client.disassociate_qualification_from_worker):
        with refused("RequestError", "InvalidQualificationState", state):
            call(**about_one)
    assert _holders(client, type_id) == [("ATWO", -7)]
    assert _holders(client, type_id, Status="Revoked") == [("AONE", 50)]
    _grant(client, type_id, "AONE", 2)
    assert _holders(client, type_id) == [("AONE", 2), ("ATWO", -7)]
    assert _holders(client, type_id, Status="Revoked") == []


def test_a_qualification_is_for_workers_whom_somebody_knows(crowd: Crowd, client: Any) -> None:
    type_id = _create(client, "Reading")["QualificationTypeId"]
    invite(crowd, worker_id="AINVITED")
    _grant(client, type_id, "AINVITED")
    with refused(
        "ParameterValidationError", None, 'The value "ANOBODY" is not valid for the parameter WorkerId.'
    ):
        _grant(client, type_id, "ANOBODY")
    text = (
        "The value 2147483648 is invalid for IntegerValue. Valid values range from -2147483648 to 2147483647."
    )
    with refused("ParameterValidationError", None, text):
        _grant(client, type_id, "AINVITED", 2**31)
    assert _holders(client, type_id) == [("AINVITED", 1)]


def test_amazons_own_qualifications_have_no_score_to_read(client: Any, crowd: Crowd) -> None:
    invite(crowd, worker_id="AINVITED")
    for type_id in (eligibility.NUMBER_APPROVED, eligibility.LOCALE):
        with refused("RequestError", "QualificationDoesNotExist", _NO_QUALIFICATION):
            client.get_qualification_score(QualificationTypeId=type_id, WorkerId="AINVITED")


@BOTH
def test_workers_are_listed_page_by_page(crowd: Crowd, client: Any) -> None:
    type_id, other_id = (_create(client, name)["QualificationTypeId"] for name in ("Reading", "Writing"))
    workers = [f"AWORKER{number}" for number in (3, 1, 2)]
    for value, worker_id in enumerate(workers):
        invite(crowd, worker_id=worker_id)
        _grant(client, type_id, worker_id, value)
    _grant(client, other_id, workers[0])
    expected = [(worker_id, value) for value, worker_id in enumerate(workers)]
    assert _holders(client, type_id, PaginationConfig={"PageSize": 2}) == expected
    assert _holders(client, other_id) == [(workers[0], 1)]


@BOTH
def test_of_many_revocations_at_once_one_revokes(client: Any, crowd: Crowd) -> None:
    type_id = _create(client, "Reading")["QualificationTypeId"]
    for worker_id in ("AONE", "ATWO"):
        invite(crowd, worker_id=worker_id)
        _grant(client, type_id, worker_id)

    def revoke(worker_id: str) -> str:
        try:
            client.disassociate_qualification_from_worker(QualificationTypeId=type_id, WorkerId=worker_id)
        except ClientError as error:
            return str(read(error).turk_code)
        return worker_id

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(revoke, ["AONE", "ATWO"] * 4))
    assert sorted(results) == ["AONE", "ATWO", *["InvalidQualificationState"] * 6]


# What they are for


@BOTH
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
        ("DoesNotExist", [], {0}),
    ],
)
def test_a_granted_value_decides_who_may_accept(
    client: Any, requester: Requester, hands: Workers, comparator: str, values: list[int], met_by: set[int]
) -> None:
    workers = {value: f"AHAS{value}" for value in range(4)}
    open_to_all = requester.hit(MaxAssignments=4)["HITId"]
    type_id = _create(client, "Reading")["QualificationTypeId"]
    for value, worker_id in workers.items():
        hands.do(open_to_all, worker_id)
        if value:
            _grant(client, type_id, worker_id, value)
    kind = requester.hit_type(QualificationRequirements=[_requirement(type_id, comparator, *values)])
    hit_id = requester.hit(kind, MaxAssignments=4)["HITId"]
    accepted = set()
    for value, worker_id in workers.items():
        try:
            hands.accept(hit_id, worker_id)
        except Refused as refusal:
            assert refusal.code == "not_qualified"
            assert '"Reading"' in refusal.message
        else:
            accepted.add(value)
    assert accepted == met_by


@pytest.mark.parametrize(
    ("guarded", "sees", "previews"),
    [("Accept", True, True), ("PreviewAndAccept", True, False), ("DiscoverPreviewAndAccept", False, False)],
)
def test_a_qualification_guards_what_the_requirement_says(
    client: Any, requester: Requester, hands: Workers, guarded: str, sees: bool, previews: bool
) -> None:
    first = requester.hit(MaxAssignments=2)["HITId"]
    type_id = _create(client, "Reading")["QualificationTypeId"]
    hands.do(first, "AHAS"), hands.do(first, "ALACKS")
    _grant(client, type_id, "AHAS", 3)
    requirement = _requirement(type_id, "GreaterThanOrEqualTo", 3, ActionsGuarded=guarded)
    kind = requester.hit_type(QualificationRequirements=[requirement])
    requester.hit(kind, MaxAssignments=2)
    reason = 'your qualification "Reading" must be at least 3'
    with hands.crowd.opened.reading() as (tx, now):
        (group,) = groups.available(tx, now, "AHAS")
        assert (group.hit_type_id, group.may_accept, group.why_not) == (kind, True, [])
        assert groups.preview(tx, now, "AHAS", kind).may_accept
        seen = [(group.may_accept, group.why_not) for group in groups.available(tx, now, "ALACKS")]
        assert seen == ([(False, [reason])] if sees else [])
        if previews:
            assert groups.preview(tx, now, "ALACKS", kind).why_not == [reason]
            assert groups.preview(tx, now, None, kind).why_not == [reason]
        else:
            with pytest.raises(Refused, match=f"^You cannot take this task: {reason}.$"):
                groups.preview(tx, now, "ALACKS", kind)
    with pytest.raises(Refused, match=f"^You cannot take this task: {reason}.$"):
        hands.accept_next(kind, "ALACKS")
    assert hands.accept_next(kind, "AHAS").worker_id == "AHAS"


@BOTH
def test_a_grant_counts_from_the_next_accept_on_and_so_does_its_end(
    client: Any, requester: Requester, hands: Workers
) -> None:
    first = requester.hit()["HITId"]
    type_id = _create(client, "Done enough")["QualificationTypeId"]
    hands.do(first, "AONE")
    kind = requester.hit_type(QualificationRequirements=[_requirement(type_id, "DoesNotExist")])
    for _ in range(3):
        requester.hit(kind)
    hands.accept_next(kind, "AONE")
    _grant(client, type_id, "AONE", SendNotification=False)
    with pytest.raises(Refused, match='it is for workers without the qualification "Done enough"'):
        hands.accept_next(kind, "AONE")
    hands.accept_next(kind, "ATWO")
    client.disassociate_qualification_from_worker(QualificationTypeId=type_id, WorkerId="AONE")
    hands.accept_next(kind, "AONE")
