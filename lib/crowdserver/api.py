"""The requester's API over HTTP: one address, the operation in a header, JSON in and out; and some more.

What Amazon's API has no word for, such as the invitation of a worker, has addresses of its own, signed like a
call. Each key pair of the account may do all of it, but only the first makes others.
"""

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

from crowdserver.control import call_log
from crowdserver.control.call_counts import CallCounts
from crowdserver.control.faults import Fault
from crowdserver.control.orders import Orders, take_orders
from crowdserver.control.rate_limit import TokenBucket
from crowdserver.operations import attributes, keys, people, returns, workers
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.operations.workers import Invitation
from crowdserver.protocol import errors, signature, validation
from crowdserver.protocol.call import Call, InvalidRequest
from crowdserver.protocol.credentials import Credentials
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
    crowd: Crowd = current_app.extensions["crowd"]
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
        orders = _admit(crowd, conditions, operation)
        result = _run(crowd, operation, request_id, orders)
    except ApiError as error:
        if conditions.calls and operation in validation.known_operations():
            conditions.calls.count(operation, succeeded=False)
        return _response(error.status, error.as_json(), request_id)
    if conditions.calls:
        is_hidden = orders.fault is not None and orders.fault.hides_success
        conditions.calls.count(operation, succeeded=not is_hidden)
    return _finish(orders.fault, result, request_id)


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
    "removals": _Beside(removal.remove, True),
    "panels": _Beside(_define_panel, True),
    "keys": _Beside(_change_keys, True, only_first_key=True),
}


def _answer_beside(name: str) -> ResponseReturnValue:
    """Answer a request that Amazon's API does not know; what it may not do, in words."""
    try:
        key_name = _check_signature(_crowd())
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
        return _crowd().write(lambda tx, now: what.run(tx, now, body)) if what.writes else _read(
            what, body
        ), 200
    except ApiError as error:
        return error.as_json(), error.status
    except InvalidRequest as error:
        return {"message": str(error)}, 400


for path in BESIDE:
    blueprint.add_url_rule(f"/{path}", path, _answer_beside, methods=["POST"], defaults={"name": path})


def _read(what: _Beside, body: object) -> dict[str, Any]:
    with _crowd().reading() as (tx, now):
        return what.run(tx, now, body)


def _crowd() -> Crowd:
    crowd: Crowd = current_app.extensions["crowd"]
    return crowd


def _check_signature(crowd: Crowd) -> str:
    """Return the name of the key that a request is signed with. Raises an ApiError as verify() does."""
    query = f"?{request.query_string.decode(errors='replace')}" if request.query_string else ""
    key_id = signature.key_id(request.headers.get("Authorization", ""))
    name, pair = keys.FIRST, crowd.credentials
    if key_id != pair.access_key_id:
        with crowd.database.read() as tx:
            name, pair = keys.find(tx, pair, key_id)
    *public, received = signed_addresses(request.environ)
    if not any(_is_signed_for(pair, host, path + query) for host, path in public):
        _verify(pair, received[0], received[1] + query)
    return name


def _is_signed_for(pair: Credentials, host: str, target: str) -> bool:
    try:
        _verify(pair, host, target)
    except ApiError:
        return False
    return True


def _verify(pair: Credentials, host: str, target: str) -> None:
    headers = signature.headers_of(request.environ) | {"host": host}
    signature.verify(pair, request.method, target, headers, request.get_data())


def _check_recipient() -> None:
    """Refuse a request that is meant for another server, which may have had this address before."""
    server_id = current_app.extensions["server_id"]
    meant_for = request.headers.get(SERVER_ID_HEADER, server_id)
    if meant_for != server_id:
        raise errors.other_server(server_id, meant_for)


def _admit(crowd: Crowd, conditions: Conditions, operation: str) -> Orders:
    """Let a request in, unless it is one too many or a fault befalls it; return its orders."""
    if conditions.bucket is not None and not conditions.bucket.take():
        raise errors.throttled()
    if not conditions.calls:
        return Orders()
    orders = take_orders(crowd.database, operation)
    fault = orders.fault
    if fault is not None and fault.kind == "throttle":
        raise errors.throttled()
    if fault is not None and fault.kind == "error-before":
        raise errors.service_fault()
    if fault is not None and fault.kind == "slow":
        time.sleep(fault.seconds)
    return orders


def _run(crowd: Crowd, operation_name: str, request_id: str, orders: Orders) -> dict[str, Any]:
    key_name = _check_signature(crowd)
    shown = operation_name if operation_name in OPERATIONS else "?"  # not what a header says, whatever it is
    try:
        result = _run_signed(crowd, operation_name, request_id, orders)
    except ApiError as error:
        call_log.note(key_name, shown, error.turk_code or error.kind)
        raise
    call_log.note(key_name, shown, "ok")
    return result


def _run_signed(crowd: Crowd, operation_name: str, request_id: str, orders: Orders) -> dict[str, Any]:
    operation = OPERATIONS.get(operation_name)
    if operation is None:
        raise errors.unknown_operation(request.headers.get("X-Amz-Target", ""))
    members = validation.read_input(operation_name, request.get_data())

    def run(tx: Connection, now: float) -> dict[str, Any]:
        call = Call(
            tx=tx,
            now=now,
            input=members,
            request_id=request_id,
            page_tokens=crowd.page_tokens,
            list_lag=orders.list_lag,
            counter_lag=orders.counter_lag,
        )
        return operation.run(call)

    if operation.writes:
        return crowd.write(run)
    with crowd.reading() as (tx, now):
        return run(tx, now)


def _finish(fault: Fault | None, result: dict[str, Any], request_id: str) -> Response:
    """Answer a request that worked, unless a fault befalls it now."""
    if fault is not None and fault.kind == "error-after":
        error = errors.service_fault()
        return _response(error.status, error.as_json(), request_id)
    if fault is not None and fault.kind == "drop-after":
        # What is written to it from now on goes nowhere.
        connection: socket.socket = request.environ[SOCKET]
        connection.shutdown(socket.SHUT_RDWR)
    return _response(200, result, request_id)


def refuse(error: ApiError) -> Response:
    """Return an error as clients of the API read it."""
    return _response(error.status, error.as_json(), str(uuid.uuid4()))


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
