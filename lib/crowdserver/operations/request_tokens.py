"""Request tokens: within a day a token is used once, so that a repeated request does nothing.

A token is claimed before anything that can change is looked at, such as whether a qualification type is still
there: whoever repeats a call that was answered, and did not get the answer, is told so. A call that fails
uses up no token.
"""

from sqlalchemy import bindparam, select

from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.protocol.errors import ApiError
from crowdserver.protocol.identifiers import new_id
from crowdserver.storage.schema import AnyRow, server, tokens
from crowdserver.storage.upsert import Upsert

_LIFETIME_SECONDS = 86_400

_FIND = select(tokens.c.request_id, tokens.c.hit_id).where(tokens.c.token == bindparam("token"))
# Whether the control API wants the text that names nothing but the token.
_IS_PLAIN = select(server.c.plain_duplicates)
# Records a token and returns it, or returns nothing when it is in use.
_CLAIM = Upsert(
    tokens,
    replace=["created_at", "request_id", "hit_id"],
    where=lambda new: tokens.c.created_at <= new.created_at - _LIFETIME_SECONDS,
    returning=[tokens.c.token],
)


def claim_creation(call: Call) -> str:
    """Use up the call's token, if it has one, for making a HIT. Returns the id that this HIT is to have.

    Raises HitAlreadyExists with the id of the HIT it was used for.
    """
    hit_id = new_id()
    text = "A HIT was already created with this UniqueRequestToken. HITId: {.hit_id}"
    _claim_request_token(call, hit_id, "HitAlreadyExists", text)
    return hit_id


def claim_request(call: Call, hit_id: str) -> None:
    """Use up the call's token, if it has one, for adding assignments or paying a bonus.

    Raises DuplicateCall with the id of the request that used it.
    """
    text = "A request with this UniqueRequestToken was already processed. Request ID: {.request_id}"
    _claim_request_token(call, hit_id, "DuplicateCall", text)


def claim_expiration(call: Call, token: str, hit_id: str) -> None:
    """Use up the token that the service itself makes for a new expiration date. Raises DuplicateCall."""
    if _claim(call, token, hit_id) is not None:
        raise _processed(token, "DuplicateCall")


def _claim_request_token(call: Call, hit_id: str, code: str, text: str) -> None:
    """Use up the call's token, if it has one. text: of the error, with a place for the earlier use's row."""
    token: str | None = call.input.get("UniqueRequestToken")
    earlier_use = _claim(call, token, hit_id) if token is not None else None
    if token is not None and earlier_use is not None:
        is_plain = call.tx.execute(_IS_PLAIN).scalar_one()
        raise _processed(token, code) if is_plain else errors.request(code, text.format(earlier_use))


def _processed(token: str, code: str) -> ApiError:
    """Return the error for a token that was used; the text names nothing but the token."""
    return errors.request(code, f'The idempotency token "{token}" has already been processed.')


def _claim(call: Call, token: str, hit_id: str) -> AnyRow | None:
    """Record a token; return its earlier use if there was one.

    The record is undone with the transaction.
    """
    values = {"token": token, "created_at": call.now, "request_id": call.request_id, "hit_id": hit_id}
    if _CLAIM.execute(call.tx, values).first() is not None:
        return None
    return call.tx.execute(_FIND, {"token": token}).one()
