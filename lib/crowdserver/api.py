"""The requester's API over HTTP: one address, the operation in a header, JSON in and out; and some more.

What Amazon's API has no word for, such as the invitation of a worker, has addresses of its own, signed like a
call. Each key pair of the account may do all of it, but only the first makes others.
"""

import contextlib
import json
import socket
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.control import call_log, faults
from crowdserver.control.call_counts import CallCounts
from crowdserver.control.faults import Orders
from crowdserver.control.rate_limit import TokenBucket
from crowdserver.operations import attributes, inbox, keys, people, returns, workers
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.operations.workers import Invitation
from crowdserver.protocol import errors, signature, validation
from crowdserver.protocol.call import Call, InvalidRequest
from crowdserver.protocol.errors import ApiError
from crowdserver.protocol.public_address import signed_addresses
from crowdserver.storage.transactions import Crowd
from crowdserver.worker import panels, removal
from webworker.server import SOCKET

blueprint = Blueprint("api", __name__)

_CONTENT_TYPE = "application/x-amz-json-1.1"
# In an answer: which server gives it. In a request: which server it is meant for.
SERVER_ID_HEADER = "X-Crowd-Server-Id"


class Conditions(NamedTuple):
    """The conditions under which requests are answered.

    latency: seconds that each call waits. calls: their counts, with which faults and lags work, too.
    """

    latency: float = 0.0
    bucket: TokenBucket | None = None
    calls: CallCounts | None = None


@blueprint.post("/")
def answer() -> Response:
    """Answer one request to the API."""
    conditions: Conditions = current_app.extensions["conditions"]
    request_id = str(uuid.uuid4())
    # Each request waits for itself, while the others are answered.
    if conditions.latency:
        time.sleep(conditions.latency)
    version, _, operation = request.headers.get("X-Amz-Target", "").rpartition(".")
    if version != validation.VERSION:
        operation = ""
    try:
        _check_recipient()
        orders = _admit(conditions, operation)
        result = _run(operation, request_id, orders)
        if orders.befalls("error-after"):
            raise errors.service_fault()
    except ApiError as error:
        if conditions.calls and operation in validation.known_operations():
            conditions.calls.count(operation, succeeded=False)
        return refuse(error, request_id)
    is_dropped = orders.befalls("drop-after")
    if conditions.calls:
        conditions.calls.count(operation, succeeded=not is_dropped)
    if is_dropped:
        # What is written to it from now on goes nowhere.
        connection: socket.socket = request.environ[SOCKET]
        connection.shutdown(socket.SHUT_RDWR)
    return _response(200, result, request_id)


class _Beside(NamedTuple):
    """A request beside Amazon's API: JSON in, JSON out. writes: whether it needs a transaction for that."""

    run: Callable[[Connection, float, Any], dict[str, Any]]
    writes: bool
    only_first_key: bool = False


def _change_keys(tx: Connection, now: float, body: Any) -> dict[str, Any]:
    return keys.change(tx, now, body, _crowd().credentials)


def _invite(tx: Connection, now: float, body: object) -> dict[str, Any]:
    """Make sign-in links, for one worker or for a list. Each repetition makes new ones, those before end."""
    if isinstance(body, dict) and "workers" in body:
        answer = workers.invite_all(tx, now, body)
        return answer | {"workers": list(map(_link, answer["workers"]))}
    return _link(workers.invite_all(tx, now, {"workers": [body]})["workers"][0])


def _link(invitation: Invitation) -> dict[str, Any]:
    return {
        "worker_id": invitation.worker_id,
        "name": invitation.name,
        "url": f"{request.url_root}sign-in/{invitation.token}",
        "ends_at": f"{datetime.fromtimestamp(invitation.ends_at, UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def _define_panel(tx: Connection, _now: float, body: object) -> dict[str, Any]:
    panel = panels.define(tx, body, _crowd().credentials.secret_access_key)
    return {**panel, "url": f"{request.url_root}panel/{panel.pop('token')}"} if panel else {}


BESIDE = {
    "invites": _Beside(_invite, True),
    "returns": _Beside(returns.count, False),
    "workers": _Beside(people.list_workers, False),
    "attributes": _Beside(attributes.put_all, True),
    "qualified": _Beside(attributes.find_qualified, False),
    "inbox": _Beside(inbox.list_all, False),
    "removals": _Beside(removal.remove, True),
    "panels": _Beside(_define_panel, True),
    "keys": _Beside(_change_keys, True, only_first_key=True),
}


def _answer_beside(name: str) -> ResponseReturnValue:
    """Answer a request that Amazon's API does not know; what it may not do, in words."""
    try:
        key_name = _check_signature()
    except ApiError as error:
        return error.as_json(), error.status
    answer, status = _run_beside(BESIDE[name], key_name)
    call_log.note(key_name, name, "ok" if status == 200 else "refused")
    return answer, status, {"Cache-Control": "no-store"}


def _run_beside(what: _Beside, key_name: str) -> tuple[dict[str, Any], int]:
    if what.only_first_key and key_name != keys.FIRST:
        return {"message": f"The key {key_name} may not do this, only the first key."}, 403
    body = _json_body()
    try:
        return _crowd().run(lambda tx, now: what.run(tx, now, body), writes=what.writes), 200
    except ApiError as error:
        return error.as_json(), error.status
    except InvalidRequest as error:
        return {"message": str(error)}, 400


for path in BESIDE:
    blueprint.add_url_rule(f"/{path}", path, _answer_beside, methods=["POST"], defaults={"name": path})


def _crowd() -> Crowd:
    crowd: Crowd = current_app.extensions["crowd"]
    return crowd


def _check_signature() -> str:
    """Return the name of the key that a request is signed with. Raises an ApiError as verify() does."""
    query = f"?{request.query_string.decode(errors='replace')}" if request.query_string else ""
    headers = signature.headers_of(request.environ)
    key_id = signature.key_id(headers.get("authorization", ""))
    name, pair = keys.FIRST, _crowd().credentials
    if key_id != pair.access_key_id:
        with _crowd().database.read() as tx:
            name, pair = keys.find(tx, pair, key_id)
    *others, received = signed_addresses(request.environ)
    for host, path in others:
        with contextlib.suppress(ApiError):
            signature.verify(pair, request.method, path + query, headers | {"host": host}, request.get_data())
            return name
    host, path = received
    signature.verify(pair, request.method, path + query, headers | {"host": host}, request.get_data())
    return name


def _check_recipient() -> None:
    """Refuse a request that is meant for another server, which may have had this address before."""
    server_id = current_app.extensions["server_id"]
    meant_for = request.headers.get(SERVER_ID_HEADER, server_id)
    if meant_for != server_id:
        text = f"This is the crowd server {server_id}, not {meant_for}."
        raise ApiError("OtherServerException", text, status=409)


def _admit(conditions: Conditions, operation: str) -> Orders:
    """Let a request in, unless it is one too many or a fault befalls it; return its orders."""
    if conditions.bucket is not None and not conditions.bucket.take():
        raise errors.throttled()
    if not conditions.calls:
        return Orders()
    orders = faults.take(_crowd().database, operation)
    if orders.befalls("throttle"):
        raise errors.throttled()
    if orders.befalls("error-before"):
        raise errors.service_fault()
    if orders.fault and orders.befalls("slow"):
        time.sleep(orders.fault.seconds)
    return orders


def _run(operation_name: str, request_id: str, orders: Orders) -> dict[str, Any]:
    key_name = _check_signature()
    shown = operation_name if operation_name in OPERATIONS else "?"  # not what a header says, whatever it is
    try:
        result = _run_signed(operation_name, request_id, orders)
    except ApiError as error:
        call_log.note(key_name, shown, error.turk_code or error.kind)
        raise
    call_log.note(key_name, shown, "ok")
    return result


def _run_signed(operation_name: str, request_id: str, orders: Orders) -> dict[str, Any]:
    operation = OPERATIONS.get(operation_name)
    if operation is None:
        target = request.headers.get("X-Amz-Target", "")
        raise ApiError("UnknownOperationException", f"{target!r} is not an operation of this crowd server.")
    members = validation.read_input(operation_name, request.get_data())
    page_tokens = _crowd().page_tokens

    def run(tx: Connection, now: float) -> dict[str, Any]:
        call = Call(tx, now, members, request_id, page_tokens, orders.list_lag, orders.counter_lag)
        return operation.run(call)

    return _crowd().run(run, writes=operation.writes)


def refuse(error: ApiError, request_id: str) -> Response:
    """Return an error as clients of the API read it."""
    return _response(error.status, error.as_json(), request_id)


def _response(status: int, members: dict[str, Any], request_id: str) -> Response:
    response = Response(json.dumps(members), status, content_type=_CONTENT_TYPE)
    response.headers["x-amzn-RequestId"] = request_id
    return response


def _json_body() -> object:
    """Return what the body says as JSON; None if it is no JSON, or is nested too deep to be read."""
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None
