"""Putting work on offer: new HITs and more assignments for those there are. Both hold the money they may cost."""

from typing import Any

from sqlalchemy import bindparam, insert, update

from crowdserver.operations import eligibility, hit_types, hits, limits, request_tokens
from crowdserver.operations.hit_types import HitType
from crowdserver.operations.hits import Hit
from crowdserver.protocol import errors, question_xml
from crowdserver.protocol.call import Call
from crowdserver.protocol.identifiers import new_id
from crowdserver.storage import account
from crowdserver.storage.schema import hits as hits_table

# A HIT made with fewer assignments than this never gets as many: the fee is another one from here on.
_MANY = 10

# The database gives the serial.
_COLUMNS = [column.name for column in hits_table.c if column.name != "serial"]
_INSERT = insert(hits_table)
_ADD = (
    update(hits_table)
    .where(hits_table.c.id == bindparam("key"))
    .values(
        max_assignments=hits_table.c.max_assignments + bindparam("more"),
        available=hits_table.c.available + bindparam("more"),
        reviewing=bindparam("still_reviewing"),
    )
)


def create_hit(call: Call) -> dict[str, Any]:
    """CreateHIT: finds or makes the HIT type, then as create_hit_with_hit_type."""
    return _create(call, hit_types.find_or_create(call.tx, call.input))


def create_hit_with_hit_type(call: Call) -> dict[str, Any]:
    """CreateHITWithHITType. Repeated without a token it makes another HIT."""
    return _create(call, hit_types.find(call.tx, call.input["HITTypeId"]))


def add_assignments(call: Call) -> dict[str, Any]:
    """CreateAdditionalAssignmentsForHIT. On an expired HIT it does not bring the HIT back."""
    more = limits.number("NumberOfAdditionalAssignments", call.input["NumberOfAdditionalAssignments"])
    hit = hits.lock(call.tx, call.input["HITId"])
    request_tokens.claim_request(
        call.tx, call.now, call.input.get("UniqueRequestToken"), call.request_id, hit.id
    )
    if hit.max_assignments < _MANY <= hit.max_assignments + more:
        raise errors.invalid_increase(
            f"A HIT created with fewer than {_MANY} assignments cannot be extended to {_MANY} or more."
        )
    limits.number("MaxAssignments", hit.max_assignments + more)
    still_reviewing = hit.reviewing and hit.expiration <= call.now
    call.tx.execute(_ADD, {"key": hit.id, "more": more, "still_reviewing": still_reviewing})
    # What an expired HIT held for work that nobody can take any more is given back; it is held again when the HIT is
    # extended.
    if hit.release_at is not None:
        account.hold(call.tx, more * hit.cost)
    return {}


def _create(call: Call, kind: HitType) -> dict[str, Any]:
    hit = _new_hit(call, kind)
    request_tokens.claim_creation(
        call.tx, call.now, call.input.get("UniqueRequestToken"), call.request_id, hit.id
    )
    columns = hit._asdict()
    call.tx.execute(_INSERT, {name: columns[name] for name in _COLUMNS})
    # Last, because every creation wants the account's row and keeps it until the end.
    account.hold(call.tx, hit.max_assignments * hit.cost)
    return {"HIT": hit.wire(call.now)}


def _new_hit(call: Call, kind: HitType) -> Hit:
    given = call.input
    number = limits.number("MaxAssignments", given.get("MaxAssignments", 1))
    expiration = call.now + limits.number("LifetimeInSeconds", given["LifetimeInSeconds"])
    return Hit(
        serial=0,
        id=new_id(),
        hit_type_id=kind.id,
        created_at=call.now,
        expiration=expiration,
        question=_question(given),
        annotation=limits.text("RequesterAnnotation", given.get("RequesterAnnotation")),
        fee=account.fee(kind.reward, number, eligibility.asks_for_masters(kind.requirements)),
        max_assignments=number,
        available=number,
        pending=0,
        submitted=0,
        completed=0,
        reviewing=False,
        release_at=expiration,
        disposed_at=None,
        **{name: value for name, value in kind._asdict().items() if name != "id"},
    )


def _question(given: dict[str, Any]) -> str:
    if "HITLayoutId" in given:
        # Layouts are made on Amazon's web site; there is none here.
        raise errors.layout_does_not_exist(given["HITLayoutId"])
    if "Question" not in given:
        raise errors.parameter("A HIT needs a Question.")
    question: str = given["Question"]
    size = len(question.encode())
    if size > question_xml.MAX_BYTES:
        raise errors.bad_question(f"the question has {size} bytes, {question_xml.MAX_BYTES} are allowed")
    try:
        question_xml.read(question)
    except question_xml.BadQuestion as error:
        raise errors.bad_question(str(error)) from error
    except question_xml.NotShown as error:
        raise errors.parameter(str(error)) from error
    return question
