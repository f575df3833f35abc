"""No call and no page goes through the account: each reads the same in a small one as in a large one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select, update

from crowdserver.operations import attributes, returns, workers
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.storage import schema
from crowdserver.worker import groups, panels, removal
from tests.support.crowded import Account, Things
from tests.support.offers import html_question
from tests.support.statements import Recorder, Work
from tests.unit.crowdserver.site.test_qualifications import TEST

_SMALL, _LARGE = 900, 2_700
_QUESTION: dict[str, Any] = {"LifetimeInSeconds": 3600, "Question": html_question()}
_QUALIFICATION: dict[str, Any] = {"Description": "New", "QualificationTypeStatus": "Active"}
_NOTIFICATION: dict[str, Any] = {
    "Destination": "arn:aws:sns:us-east-1:1:topic",
    "Transport": "SNS",
    "Version": "2014-08-15",
    "EventTypes": ["HITExpired"],
}
_PROPERTIES: dict[str, Any] = {"Description": "New", "Reward": "0.10", "AssignmentDurationInSeconds": 60}

Case = Callable[[Account, Things], object]


def _page(operation: str, **members: Any) -> Case:
    """Two pages of a list, so that one begins somewhere."""

    def call(account: Account, things: Things) -> None:
        named = {name: value(things) if callable(value) else value for name, value in members.items()}
        page = account.call(operation, MaxResults=10, **named)
        if "NextToken" in page:
            account.call(operation, MaxResults=10, NextToken=page["NextToken"], **named)

    return call


def _type(things: Things) -> str:
    return things.type_id


def _qualification(things: Things) -> str:
    return things.qualification_id


def _post(path: Callable[[Things], str], **fields: str) -> Case:
    def post(_account: Account, things: Things) -> None:
        answer = things.browser.post(path(things), data={"form_token": things.form_token, **fields})
        assert answer.status_code < 400, answer.text

    return post


def _get(path: Callable[[Things], str]) -> Case:
    def get(_account: Account, things: Things) -> None:
        answer = things.browser.get(path(things))
        assert answer.status_code < 400, answer.text

    return get


def _frame(_account: Account, things: Things) -> None:
    page = things.browser.get(f"/tasks/{things.accepted[2]}").text
    path = page.partition('src="')[2].partition('"')[0].partition("?")[0]
    assert things.browser.get(path).status_code == 200


def _expire(account: Account, things: Things) -> None:
    account.call("UpdateExpirationForHIT", HITId=things.open[1], ExpireAt=time.time() - 1000)
    account.call("GetHIT", HITId=things.open[1])


def _bonus(account: Account, things: Things) -> None:
    ids = {"AssignmentId": things.submitted[1], "WorkerId": things.worker_id}
    account.call("SendBonus", BonusAmount="0.10", Reason="Good", UniqueRequestToken=things.type_id, **ids)


def _fall_due(account: Account, things: Things) -> None:
    """Let a deadline, the time of a HIT and the age of another be over, and ask."""
    moments: tuple[tuple[Table, str, dict[str, float]], ...] = (
        (schema.assignments, things.accepted[2], {"due_at": 1}),
        (schema.hits, things.open[4], {"expiration": 1, "release_at": 1}),
        (schema.hits, things.done[0], {"created_at": 1}),
    )
    with account.database.write() as tx:
        for table, row_id, values in moments:
            tx.execute(update(table).where(table.c.id == row_id).values(values))
    account.call("GetAccountBalance")
    assert account.call("GetHIT", HITId=things.open[4])["HIT"]["HITStatus"] == "Reviewable"
    with account.database.read() as tx:
        disposed_at = select(schema.hits.c.disposed_at).where(schema.hits.c.id == things.done[0])
        assert tx.scalar(disposed_at) is not None


def _invite(account: Account, _things: Things) -> None:
    account.crowd.write(lambda tx, now: workers.invite(tx, now, "New", None))


def _describe(account: Account, things: Things) -> None:
    body = {"workers": [{"worker_id": things.worker_id, "country": "US"}]}
    account.crowd.write(lambda tx, now: attributes.put_all(tx, now, body))


def _tell_returns(account: Account, things: Things) -> None:
    with account.crowd.reading() as (tx, _):
        returns.count(tx, 0.0, {"hit_ids": things.open + things.done})


def _remove(account: Account, things: Things) -> None:
    removed = account.crowd.write(lambda tx, now: removal.remove(tx, now, {"worker_ids": [things.worker_id]}))
    assert removed["removed"] == [things.worker_id]


def _ask(account: Account, things: Things) -> None:
    """Ask for a qualification without a test, for one with one, and take that."""
    made = [
        account.call("CreateQualificationType", Name=f"{things.type_id} {name}", **_QUALIFICATION, **members)
        for name, members in (("asked", {}), ("tested", {"Test": TEST, "TestDurationInSeconds": 60}))
    ]
    for each in made:
        path = f"/qualifications/{each['QualificationType']['QualificationTypeId']}"
        _post(lambda _, path=path: path)(account, things)  # type: ignore[misc]
        _get(lambda _, path=path: path)(account, things)  # type: ignore[misc]
    _post(lambda _: f"{path}/test", q0="0", q1="1")(account, things)


def _decide(operation: str) -> Case:
    def decide(account: Account, _things: Things) -> None:
        page = account.call("ListQualificationRequests", MaxResults=1)
        (request,) = page["QualificationRequests"]
        account.call(operation, QualificationRequestId=request["QualificationRequestId"])

    return decide


def _visit(account: Account, things: Things) -> None:
    """Define a panel of a type that others' runs share, come by its link, and ask for the one unit."""
    type_id = account.create_type("Of others 0")
    hit_id = account.create_hit(type_id)
    panel = {
        "name": "prolific",
        "hit_type_id": type_id,
        "annotation": "mine:" * 8,
        "units": 1,
        "seconds": 60,
        "participant": "id",
        "complete_code": "",
        "none_code": "",
        "back": "",
    }
    with account.database.write() as tx:
        tx.execute(update(schema.hits).where(schema.hits.c.id == hit_id).values(annotation="mine:" * 8 + "1"))
    made = account.crowd.write(lambda tx, _: panels.define(tx, panel, "secret"))
    browser = account.app.test_client()
    page = browser.get(f"/panel/{made['token']}?id={things.worker_id}", follow_redirects=True).text
    form_token = page.partition('name="form_token" value="')[2].partition('"')[0]
    assert "/tasks/" in browser.post("/visit", data={"form_token": form_token}).location


# In this order: some of them take what others need.
CALLS: dict[str, Case] = {
    "GetAccountBalance": lambda account, things: account.call("GetAccountBalance"),
    "GetHIT": lambda account, things: account.call("GetHIT", HITId=things.open[0]),
    "GetAssignment": lambda account, things: account.call("GetAssignment", AssignmentId=things.submitted[0]),
    "GetQualificationType": lambda account, things: account.call(
        "GetQualificationType", QualificationTypeId=things.qualification_id
    ),
    "GetQualificationScore": lambda account, things: account.call(
        "GetQualificationScore", QualificationTypeId=things.qualification_id, WorkerId=things.worker_id
    ),
    "ListHITs": _page("ListHITs"),
    "ListReviewableHITs": _page("ListReviewableHITs"),
    "ListReviewableHITs of a type": _page("ListReviewableHITs", HITTypeId=_type),
    "ListReviewableHITs Reviewing": _page("ListReviewableHITs", HITTypeId=_type, Status="Reviewing"),
    "ListHITsForQualificationType": _page("ListHITsForQualificationType", QualificationTypeId=_qualification),
    "ListAssignmentsForHIT": _page("ListAssignmentsForHIT", HITId=lambda things: things.done[0]),
    "ListBonusPayments": _page("ListBonusPayments", HITId=lambda things: things.done[0]),
    "ListBonusPayments of an assignment": _page(
        "ListBonusPayments", AssignmentId=lambda things: things.submitted[0]
    ),
    "ListQualificationTypes": _page("ListQualificationTypes", MustBeRequestable=True),
    "ListWorkerBlocks": _page("ListWorkerBlocks"),
    "ListWorkersWithQualificationType": _page(
        "ListWorkersWithQualificationType", QualificationTypeId=_qualification
    ),
    "CreateHITType": lambda account, things: account.call(
        "CreateHITType", Title=things.type_id, **_PROPERTIES
    ),
    "CreateHIT": lambda account, things: account.call(
        "CreateHIT",
        UniqueRequestToken=f"token {things.type_id}",
        Title=f"{things.type_id} at once",
        **_PROPERTIES,
        **_QUESTION,
    ),
    "CreateHITWithHITType": lambda account, things: account.call(
        "CreateHITWithHITType", HITTypeId=things.type_id, **_QUESTION
    ),
    "CreateAdditionalAssignmentsForHIT": lambda account, things: account.call(
        "CreateAdditionalAssignmentsForHIT", HITId=things.open[0], NumberOfAdditionalAssignments=1
    ),
    "CreateQualificationType": lambda account, things: account.call(
        "CreateQualificationType", Name=things.type_id, Description="New", QualificationTypeStatus="Active"
    ),
    "UpdateQualificationType": lambda account, things: account.call(
        "UpdateQualificationType", QualificationTypeId=things.qualification_id, Description="Newer"
    ),
    "AssociateQualificationWithWorker": lambda account, things: account.call(
        "AssociateQualificationWithWorker",
        QualificationTypeId=things.qualification_id,
        WorkerId=things.worker_id,
    ),
    "UpdateNotificationSettings": lambda account, things: account.call(
        "UpdateNotificationSettings", HITTypeId=things.type_id, Notification=_NOTIFICATION
    ),
    "SendTestEventNotification": lambda account, things: account.call(
        "SendTestEventNotification", Notification=_NOTIFICATION, TestEventType="HITExpired"
    ),
    "ListReviewPolicyResultsForHIT": lambda account, things: account.call(
        "ListReviewPolicyResultsForHIT", HITId=things.open[0]
    ),
    "UpdateHITTypeOfHIT": lambda account, things: account.call(
        "UpdateHITTypeOfHIT", HITId=things.open[0], HITTypeId=things.type_id
    ),
    "site.qualifications.ask": _ask,
    "ListQualificationRequests": _page("ListQualificationRequests"),
    "AcceptQualificationRequest": _decide("AcceptQualificationRequest"),
    "RejectQualificationRequest": _decide("RejectQualificationRequest"),
    "UpdateExpirationForHIT": _expire,
    "UpdateExpirationForHIT later": lambda account, things: account.call(
        "UpdateExpirationForHIT", HITId=things.open[2], ExpireAt=time.time() + 200_000
    ),
    "UpdateHITReviewStatus": lambda account, things: account.call(
        "UpdateHITReviewStatus", HITId=things.done[0]
    ),
    "ApproveAssignment": lambda account, things: account.call(
        "ApproveAssignment", AssignmentId=things.submitted[0]
    ),
    "ApproveAssignment after all": lambda account, things: account.call(
        "ApproveAssignment", AssignmentId=things.rejected, OverrideRejection=True
    ),
    "RejectAssignment": lambda account, things: account.call(
        "RejectAssignment", AssignmentId=things.submitted[1], RequesterFeedback="No"
    ),
    "SendBonus": _bonus,
    "NotifyWorkers": lambda account, things: account.call(
        "NotifyWorkers", WorkerIds=[things.worker_id], Subject="Thanks", MessageText="Thanks"
    ),
    "CreateWorkerBlock": lambda account, things: account.call(
        "CreateWorkerBlock", WorkerId="AOTHER3", Reason="Spam"
    ),
    "DeleteWorkerBlock": lambda account, things: account.call("DeleteWorkerBlock", WorkerId="AOTHER3"),
    "DeleteHIT": lambda account, things: account.call("DeleteHIT", HITId=things.done[1]),
    "api.invites": _invite,
    "api.returns": _tell_returns,
    "api.attributes": _describe,
    "site.work.home": _get(lambda things: "/?words=o&order=reward"),
    "site.messages.write": _post(lambda things: "/messages", text="Hello"),
    "site.messages.show": _get(lambda things: f"/messages?hit={things.open[0]}"),
    "site.signin.consent": _post(lambda things: "/consent", digest=""),
    "site.history.history": _get(lambda things: "/history"),
    "site.history.history_as_csv": _get(lambda things: "/history.csv"),
    "site.history.help_page": _get(lambda things: "/help"),
    "site.preview": _get(lambda things: f"/groups/{things.type_id}"),
    "site.by_client_link": _get(lambda things: f"/mturk/preview?groupId={things.type_id}"),
    "site.task": _get(lambda things: f"/tasks/{things.accepted[0]}"),
    "site.state": _get(lambda things: f"/tasks/{things.accepted[0]}/state"),
    "site.frame": _frame,
    "site.external_submit": lambda account, things: things.browser.post(
        "/mturk/externalSubmit", data={"assignmentId": things.accepted[0], "label": "cat"}
    ),
    "site.give_back": _post(lambda things: f"/tasks/{things.accepted[1]}/return"),
    "site.accept": lambda account, things: _post(
        lambda things: f"/groups/{things.type_id}/accept", hit_id=things.open[3]
    )(account, things),
    "site.accept_next": lambda account, things: _post(
        lambda things: f"/tasks/{things.accepted[0]}/next", hit_type_id=things.type_id
    )(account, things),
    "site.signin.sign_in": _get(lambda things: f"/sign-in/{things.invitation}"),
    "site.signin.change_worker": _post(lambda things: f"/sign-in/{things.invitation}"),
    "DisassociateQualificationFromWorker": lambda account, things: account.call(
        "DisassociateQualificationFromWorker",
        QualificationTypeId=things.qualification_id,
        WorkerId=things.worker_id,
    ),
    "api.removals": _remove,
    "site.visits.go_on": _visit,
    "what falls due": _fall_due,
    "DeleteQualificationType": lambda account, things: account.call(
        "DeleteQualificationType", QualificationTypeId=things.qualification_id
    ),
}

# Of what is asked most: on PostgreSQL each is a round trip. With them what asks whether anything is due.
STATEMENTS = {"CreateHITWithHITType": 5, "site.accept": 8, "site.external_submit": 4, "site.give_back": 5}


@pytest.fixture(params=["sqlite", "postgresql"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    on_sqlite = request.param == "sqlite"
    url = (
        f"sqlite:///{tmp_path / 'crowd.db'}"
        if on_sqlite
        else request.getfixturevalue("cluster").create_database()
    )
    opened = Account(url)
    yield opened
    opened.close()


def _measured(account: Account, recorder: Recorder, things: Things) -> dict[str, Work]:
    found = {}
    for name, call in CALLS.items():
        with recorder.recording() as work:
            call(account, things)
        (found[name],) = work
    return found


def test_what_is_read_does_not_grow_with_the_account(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MOST_COUNTED", 10)
    recorder = Recorder(account.database)
    account.grow(_SMALL)
    if not account.database.is_sqlite:  # which does it by itself, where sqlite never does
        account.analyze()
    small = _measured(account, recorder, account.furnish())
    account.clear_away()
    account.grow(_LARGE - _SMALL)
    account.analyze()
    large = _measured(account, recorder, account.furnish())
    assert {name: len(small[name].statements) for name in STATEMENTS} == STATEMENTS
    for name, work in large.items():
        before = small[name]
        assert [*before.scans, *work.scans] == [], name
        assert len(work.statements) == len(before.statements), name
        assert work.reads <= before.reads * 1.1 + 60, name  # some more types; a scan reads hundreds more


def test_every_call_and_every_page_is_looked_at(account: Account) -> None:
    on_the_way = ("api.panels", "site.visits.enter", "site.visits.show")  # of site.visits.go_on
    # All workers are looked at, by their own rows and by the index of each one's work.
    listing_all = ("api.keys", "api.workers", "api.qualified", "api.inbox", *on_the_way)
    pages = {
        rule.endpoint
        for rule in account.app.url_map.iter_rules()
        if rule.endpoint not in ("static", "health", "api.answer", "site.signin.sign_out", *listing_all)
    }
    # GetFileUploadURL reads what GetAssignment reads; the qualification's pages are in one case.
    elsewhere = {"GetFileUploadURL", "site.qualifications.show", "site.qualifications.submit"}
    assert {*OPERATIONS, *pages} - elsewhere <= CALLS.keys()
