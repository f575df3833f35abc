"""New HITs, and more assignments for those there are. Both hold the money that they may cost."""

from typing import Any

from sqlalchemy import bindparam, insert

from crowdserver.operations import eligibility, hit_types, hits, limits, request_tokens, review_policies
from crowdserver.operations.hits import Hit
from crowdserver.protocol import errors, question_xml
from crowdserver.protocol.call import Call
from crowdserver.protocol.xml_documents import BadQuestion
from crowdserver.storage import account, postgresql, schema
from crowdserver.storage.schema import UPDATE_HIT, AnyRow

# A HIT made with fewer assignments than this never gets as many: the fee is another one from here on.
_MANY_ASSIGNMENTS = 10

# The database gives the serial.
_COLUMNS = [column.name for column in schema.hits.c if column.name != "serial"]
_INSERT = insert(schema.hits).returning(schema.hits.c.serial)
_ADD = UPDATE_HIT.values(
    max_assignments=schema.hits.c.max_assignments + bindparam("more"),
    available=schema.hits.c.available + bindparam("more"),
    reviewing=bindparam("still_reviewing"),
)
_CHANGE_TYPE = UPDATE_HIT.values(hit_type_id=bindparam("type"), fee=bindparam("new_fee"))


def create_hit(call: Call) -> dict[str, Any]:
    """Answer CreateHIT: finds or makes the HIT type, then as create_hit_with_hit_type."""
    hit_id = request_tokens.claim_creation(call)
    return _create(call, hit_id, hit_types.find_or_create(call.tx, call.input))


def create_hit_with_hit_type(call: Call) -> dict[str, Any]:
    """Answer CreateHITWithHITType. Repeated without a token it makes another HIT."""
    hit_id = request_tokens.claim_creation(call)
    return _create(call, hit_id, hit_types.find(call.tx, call.input["HITTypeId"]))


def add_assignments(call: Call) -> dict[str, Any]:
    """Answer CreateAdditionalAssignmentsForHIT. On an expired HIT it does not bring the HIT back."""
    more = limits.number("NumberOfAdditionalAssignments", call.input["NumberOfAdditionalAssignments"])
    request_tokens.claim_request(call, call.input["HITId"])
    hit = hits.lock(call.tx, call.input["HITId"])
    if hit.max_assignments < _MANY_ASSIGNMENTS <= hit.max_assignments + more:
        raise errors.request(
            "InvalidMaximumAssignmentsIncrease",
            f"A HIT created with fewer than {_MANY_ASSIGNMENTS} assignments cannot be extended to"
            f" {_MANY_ASSIGNMENTS} or more.",
        )
    limits.number("MaxAssignments", hit.max_assignments + more)
    still_reviewing = hit.reviewing and hit.expiration <= call.now
    call.tx.execute(_ADD, {"hit": hit.id, "more": more, "still_reviewing": still_reviewing})
    # What an expired HIT held for assignments that nobody can accept any more was released; it is held again
    # when the HIT is extended.
    if hit.release_at is not None:
        account.hold(call.tx, more * hit.cost)
    return {}


def change_hit_type(call: Call) -> dict[str, Any]:
    """Answer UpdateHITTypeOfHIT: only before anybody has accepted the HIT. What is held changes with it."""
    hit = hits.lock(call.tx, call.input["HITId"])
    hit_type = hit_types.find(call.tx, call.input["HITTypeId"])
    if hit.available < hit.max_assignments:
        raise errors.request("InvalidHITState", f"An assignment of the HIT {hit.id} has been accepted.")
    changed = hit._replace(reward=hit_type.reward, fee=_fee(hit_type, hit.max_assignments))
    call.tx.execute(_CHANGE_TYPE, {"hit": hit.id, "type": hit_type.id, "new_fee": changed.fee})
    if hit.release_at is not None:
        account.release(call.tx, hit.max_assignments * hit.cost)
        account.hold(call.tx, hit.max_assignments * changed.cost)
    return {}


def _create(call: Call, hit_id: str, hit_type: AnyRow) -> dict[str, Any]:
    hit = _new_hit(call, hit_id, hit_type)
    columns = hit._asdict()
    serial: int = call.tx.execute(_INSERT, {name: columns[name] for name in _COLUMNS}).scalar_one()
    postgresql.analyze_if_doubled(call.tx, serial)
    review_policies.keep(call.tx, hit.id, call.input)
    answer = {"HIT": hit.as_json(call.now)}
    # Last, because every creation wants the account's row and keeps it until the end.
    account.hold(call.tx, hit.max_assignments * hit.cost)
    return answer


def _new_hit(call: Call, hit_id: str, hit_type: AnyRow) -> Hit:
    max_assignments = limits.number("MaxAssignments", call.input.get("MaxAssignments", 1))
    expiration = call.now + limits.number("LifetimeInSeconds", call.input["LifetimeInSeconds"])
    return Hit(
        serial=0,
        id=hit_id,
        hit_type_id=hit_type.id,
        created_at=call.now,
        expiration=expiration,
        question=_question(call.input),
        annotation=limits.text("RequesterAnnotation", call.input.get("RequesterAnnotation")),
        fee=_fee(hit_type, max_assignments),
        max_assignments=max_assignments,
        available=max_assignments,
        pending=0,
        submitted=0,
        completed=0,
        reviewing=False,
        release_at=expiration,
        disposed_at=None,
        **{name: getattr(hit_type, name) for name in hits.OF_TYPE},
    )


def _fee(hit_type: AnyRow, assignments: int) -> int:
    for_masters = eligibility.requires_masters(hit_type.requirements)
    return account.fee(hit_type.reward, assignments, for_masters)


def _question(members: dict[str, Any]) -> str:
    if "HITLayoutId" in members:
        # Layouts are made on Amazon's web site; there is none here.
        raise errors.does_not_exist("HITLayout", members["HITLayoutId"])
    if "Question" not in members:
        raise errors.parameter("A HIT needs a Question.")
    question: str = members["Question"]
    limits.xml_text("the question", question)
    try:
        question_xml.read(question)
    except BadQuestion as error:
        raise errors.bad_question(str(error)) from error
    return question
