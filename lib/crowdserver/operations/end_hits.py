"""How a HIT ends: expiration, review status, disposal."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam

from crowdserver.operations import hits, limits, request_tokens
from crowdserver.operations.hits import Hit, Status
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage import account, schema
from crowdserver.storage.schema import UPDATE_HIT

_EXPIRE = UPDATE_HIT.values(expiration=bindparam("moment"), release_at=bindparam("moment"))
_EXPIRE_AND_RELEASE = UPDATE_HIT.values(expiration=bindparam("moment"), release_at=None)
# With assignments available again the HIT is Assignable, and reviewing it is over.
_EXTEND = _EXPIRE.values(reviewing=schema.hits.c.reviewing & (schema.hits.c.available == 0))
_REVIEW = UPDATE_HIT.values(reviewing=bindparam("on"))
_DISPOSE = UPDATE_HIT.values(disposed_at=bindparam("moment"), release_at=None)


def update_expiration(call: Call) -> dict[str, Any]:
    """Answer UpdateExpirationForHIT: a date in the past expires at once, a later one extends.

    A sooner date that is still to come is an error, and so is the very same one a second time within a day.
    """
    hit = hits.lock(call.tx, call.input["HITId"])
    expire_at: float = call.input["ExpireAt"]
    if expire_at < call.now:
        _expire(call, hit)
    else:
        _extend(call, hit, expire_at)
    return {}


def update_review_status(call: Call) -> dict[str, Any]:
    """Answer UpdateHITReviewStatus: from Reviewable to Reviewing, or back with Revert."""
    hit = hits.lock(call.tx, call.input["HITId"])
    revert: bool = call.input.get("Revert", False)
    allowed = Status.REVIEWING if revert else Status.REVIEWABLE
    status = hit.status(call.now)
    if status != allowed:
        raise errors.hit_state(status, [allowed])
    call.tx.execute(_REVIEW, {"hit": hit.id, "on": not revert})
    return {}


def delete(call: Call) -> dict[str, Any]:
    """Answer DeleteHIT: disposes of a HIT whose assignments are all reviewed."""
    hit = hits.lock(call.tx, call.input["HITId"], with_disposed=True)
    status = hit.status(call.now)
    # With assignments left to review, Amazon's text names the HIT's own state as one that would allow it.
    if status not in (Status.REVIEWING, Status.REVIEWABLE) or hit.submitted:
        raise errors.hit_state(status, [Status.REVIEWING, Status.REVIEWABLE])
    call.tx.execute(_DISPOSE, {"hit": hit.id, "moment": call.now})
    if hit.release_at is not None:
        account.release(call.tx, hit.available * hit.cost)
    return {}


def _expire(call: Call, hit: Hit) -> None:
    if hit.expiration <= call.now:
        return
    if hit.pending:
        # What workers have in hand may come back, and is let go with the rest, when it falls due.
        call.tx.execute(_EXPIRE, {"hit": hit.id, "moment": call.now})
        return
    call.tx.execute(_EXPIRE_AND_RELEASE, {"hit": hit.id, "moment": call.now})
    account.release(call.tx, hit.available * hit.cost)


def _extend(call: Call, hit: Hit, expire_at: float) -> None:
    increment = int(expire_at - max(hit.expiration, call.now))
    if increment:
        limits.number("ExpirationIncrementInSeconds", increment)
    # The service makes a token of its own from the new date, so asking for the same date twice is an error
    # although the first time worked.
    date = datetime.fromtimestamp(expire_at, UTC)
    request_tokens.claim_expiration(call, f"{hit.id}{date:%a %b %d %H:%M:%S UTC %Y}", hit.id)
    limits.number("ExpirationIncrementInSeconds", increment)
    call.tx.execute(_EXTEND, {"hit": hit.id, "moment": expire_at})
    if hit.release_at is None:
        account.hold(call.tx, hit.available * hit.cost)
