"""The qualification types that the requester makes.

They are granted (see grants), or workers ask for them: a type gives itself at once, by a test, or when the
requester says so (see qualification_requests).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, or_, select, update

from crowdserver.operations import eligibility, limits
from crowdserver.protocol import answer_key, errors, question_form
from crowdserver.protocol.call import Call
from crowdserver.protocol.identifiers import new_id
from crowdserver.protocol.xml_documents import BadQuestion
from crowdserver.storage.indexes import IS_WAITING
from crowdserver.storage.qualification_tables import qualification_requests, qualification_types
from crowdserver.storage.schema import hit_types, hits
from crowdserver.storage.upsert import Upsert


class QualificationType(NamedTuple):
    """A qualification type; its fields are the columns of its table."""

    serial: int
    id: str
    name: str
    description: str
    keywords: str | None
    status: str
    retry_delay: int | None
    created_at: float
    auto_grant: int | None = None
    test_duration: int | None = None
    test: str | None = None
    answer_key: str | None = None

    @property
    def member(self) -> str:
        """How a HIT type's requirements, which are stored as JSON, name this type."""
        # As json.dumps writes it. A quotation mark inside of a text is escaped there, so nothing else looks
        # like this.
        return f'"QualificationTypeId": "{self.id}"'

    def as_json(self) -> dict[str, Any]:
        """Return the type as the API shows it."""
        members = {
            "QualificationTypeId": self.id,
            "CreationTime": self.created_at,
            "Name": self.name,
            "Description": self.description,
            "Keywords": self.keywords,
            "QualificationTypeStatus": self.status,
            "RetryDelayInSeconds": self.retry_delay,
            # Amazon's word for every type that it does not assign by itself.
            "IsRequestable": True,
            "AutoGranted": self.auto_grant is not None,
            "AutoGrantedValue": self.auto_grant,
            "Test": self.test,
            "TestDurationInSeconds": self.test_duration,
            "AnswerKey": self.answer_key,
        }
        return {name: value for name, value in members.items() if value is not None}


_COLUMNS = [qualification_types.c[field] for field in QualificationType._fields]
_SELECT = select(*_COLUMNS).where(qualification_types.c.deleted_at.is_(None))
_BY_ID = _SELECT.where(qualification_types.c.id == bindparam("id"))
_IS_DELETED = select(qualification_types.c.id).where(
    qualification_types.c.id == bindparam("id"), qualification_types.c.deleted_at.is_not(None)
)
_STATUSES = select(qualification_types.c.id, qualification_types.c.status).where(
    qualification_types.c.id.in_(bindparam("types", expanding=True)),
    qualification_types.c.deleted_at.is_(None),
)
_PAGE = (
    _SELECT.where(
        qualification_types.c.serial > bindparam("after"),
        qualification_types.c.created_at <= bindparam("moment"),
    )
    .order_by(qualification_types.c.serial)
    .limit(bindparam("size"))
)
# A deleted type's name is not free again before the last HIT that requires it is disposed of.
_IS_NAME_IN_USE = (
    select(qualification_types.c.id)
    .join(
        hit_types,
        hit_types.c.requirements.contains('"QualificationTypeId": "' + qualification_types.c.id + '"'),
    )
    .where(
        qualification_types.c.name == bindparam("name"),
        qualification_types.c.deleted_at.is_not(None),
        select(hits.c.serial)
        .where(hits.c.hit_type_id == hit_types.c.id, hits.c.disposed_at.is_(None))
        .order_by(hits.c.disposed_at, hits.c.serial)
        .limit(1)
        .scalar_subquery()
        .is_not(None),
    )
    .limit(1)
)
# Nothing comes back when the name is taken.
_INSERT = Upsert(qualification_types, returning=_COLUMNS)
_UPDATE = update(qualification_types).where(
    qualification_types.c.id == bindparam("type"), qualification_types.c.deleted_at.is_(None)
)
_DELETE = _UPDATE.values(deleted_at=bindparam("moment"))
_REJECT_REQUESTS = (
    update(qualification_requests)
    .where(qualification_requests.c.type_id == bindparam("type"), IS_WAITING)
    .values(status="Rejected")
)


def create(call: Call) -> dict[str, Any]:
    """Answer CreateQualificationType. Raises QualificationTypeAlreadyExists for a name that is taken."""
    name = limits.required_text(call.input, "Name")
    values = {
        "id": new_id(),
        "name": name,
        "keywords": limits.text("Keywords", call.input.get("Keywords")),
        "created_at": call.now,
        "retry_delay": None,
        **_changes(call.input, has_test=False),
    }
    row = None
    if call.tx.execute(_IS_NAME_IN_USE, {"name": name}).first() is None:
        row = _INSERT.execute(call.tx, values).first()
    if row is None:
        raise errors.request(
            "QualificationTypeAlreadyExists",
            "You have already created a QualificationType with this name. A QualificationType's name must be "
            "unique among all of the QualificationTypes created by the same user.",
        )
    return {"QualificationType": QualificationType._make(row).as_json()}


def get(call: Call) -> dict[str, Any]:
    """Answer GetQualificationType."""
    return {"QualificationType": find(call.tx, call.input["QualificationTypeId"]).as_json()}


def change(call: Call) -> dict[str, Any]:
    """Answer UpdateQualificationType: all but the name and the keywords. Safe to repeat."""
    qualification_type = find(call.tx, call.input["QualificationTypeId"])
    values = _changes(call.input, has_test=qualification_type.test is not None)
    if values:
        call.tx.execute(_UPDATE.values(**values), {"type": qualification_type.id})
    return {"QualificationType": qualification_type._replace(**values).as_json()}


def list_types(call: Call) -> dict[str, Any]:
    """Answer ListQualificationTypes: the requester's own, the oldest first.

    With Query those whose texts hold all its words. Amazon's own types are not listed. Every type can be
    requested in Amazon's sense, so MustBeRequestable changes nothing.
    """
    query = limits.text("Query", call.input.get("Query")) or ""
    scope = f"ListQualificationTypes {query}"
    rows = call.rows(scope, _matching(query), {"moment": call.now - call.list_lag})
    members = [QualificationType._make(row).as_json() for row in rows]
    return call.page(scope, "QualificationTypes", rows, members)


def delete(call: Call) -> dict[str, Any]:
    """Answer DeleteQualificationType: no new HIT can require it. For older HITs it still counts.

    Requests for it are rejected: nobody could decide them any more.
    """
    type_id: str = call.input["QualificationTypeId"]
    if call.tx.execute(_DELETE, {"type": type_id, "moment": call.now}).rowcount == 0:
        if call.tx.execute(_IS_DELETED, {"id": type_id}).first() is not None:
            raise errors.wrong_state("QualificationType", "Active,Inactive")
        raise errors.does_not_exist("QualificationType", type_id)
    call.tx.execute(_REJECT_REQUESTS, {"type": type_id})
    return {}


def find(tx: Connection, type_id: str) -> QualificationType:
    """Return a qualification type of the requester's. Raises QualificationTypeDoesNotExist."""
    row = tx.execute(_BY_ID, {"id": type_id}).first()
    if row is None:
        raise errors.does_not_exist("QualificationType", type_id)
    return QualificationType._make(row)


def check_usable(tx: Connection, requirements: Iterable[dict[str, Any]]) -> None:
    """Check that a new HIT may have these requirements.

    Raises QualificationTypeDoesNotExist, and InvalidQualificationTypeState for an inactive type.
    """
    type_ids = {requirement["QualificationTypeId"] for requirement in requirements} - eligibility.SYSTEM
    if not type_ids:
        return
    rows = tx.execute(_STATUSES, {"types": sorted(type_ids)})
    statuses: dict[str, str] = {row.id: row.status for row in rows}
    for type_id in sorted(type_ids):
        if type_id not in statuses:
            raise errors.does_not_exist("QualificationType", type_id)
        if statuses[type_id] != "Active":
            raise errors.wrong_state("QualificationType", "Active")


def _matching(query: str) -> Select[Any]:
    statement = _PAGE
    for word in dict.fromkeys(query.split()):
        texts = (
            qualification_types.c.name,
            qualification_types.c.description,
            qualification_types.c.keywords,
        )
        statement = statement.where(
            or_(*(func.coalesce(text, "").icontains(word, autoescape=True) for text in texts))
        )
    return statement


def _changes(members: dict[str, Any], has_test: bool) -> dict[str, Any]:
    """Return the columns that can be changed later, as far as the input has them.

    has_test: whether the type has one already, which it then keeps. Raises ParameterValidationError.
    """
    values: dict[str, Any] = {}
    if "Test" in members:
        values = _test(members)
    elif "AnswerKey" in members or "TestDurationInSeconds" in members:
        raise errors.parameter("AnswerKey and TestDurationInSeconds are for a Test, which is not given.")
    if members.get("AutoGranted"):
        if has_test or values:
            raise errors.parameter("A QualificationType with a Test cannot have AutoGranted: true.")
        values["auto_grant"] = limits.number("AutoGrantedValue", members.get("AutoGrantedValue", 1))
    elif "AutoGranted" in members or values:
        values["auto_grant"] = None
    if "Description" in members:
        values["description"] = limits.required_text(members, "Description")
    if "QualificationTypeStatus" in members:
        values["status"] = members["QualificationTypeStatus"]
    if "RetryDelayInSeconds" in members:
        values["retry_delay"] = limits.number("RetryDelayInSeconds", members["RetryDelayInSeconds"])
    return values


def _test(members: dict[str, Any]) -> dict[str, Any]:
    if "TestDurationInSeconds" not in members:
        raise errors.parameter("A Test needs TestDurationInSeconds.")
    key = members.get("AnswerKey")
    try:
        for name, read in (("Test", question_form.read), ("AnswerKey", answer_key.read)):
            if name in members:
                limits.xml_text(name, members[name])
                read(members[name])
    except BadQuestion as error:
        raise errors.bad_question(str(error)) from error
    seconds = limits.number("TestDurationInSeconds", members["TestDurationInSeconds"])
    return {"test": members["Test"], "answer_key": key, "test_duration": seconds}
