"""The requester's API over HTTP: one address, the operation in a header, JSON in and out; and two more.

Workers cannot be invited through Amazon's API, and it does not tell what they returned, so these have
addresses of their own, signed like a call.
"""

import json
import socket
import time
import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.control.call_counts import CallCounts
from crowdserver.control.faults import Fault
from crowdserver.control.orders import Orders, take_orders
from crowdserver.control.rate_limit import TokenBucket
from crowdserver.operations import returns, workers
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.operations.workers import InvalidInvitation
from crowdserver.protocol import errors, signature, validation
from crowdserver.protocol.call import Call
from crowdserver.protocol.errors import ApiError
from crowdserver.protocol.public_address import signed_addresses
from crowdserver.storage.transactions import Crowd
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


@blueprint.post("/invites")
def invite() -> ResponseReturnValue:
    """Make a worker's sign-in link: JSON with a name, a worker_id, both or neither.

    Each repetition makes a new link, and the one before ends.
    """
    crowd: Crowd = current_app.extensions["crowd"]
    try:
        _check_signature(crowd)
        name, worker_id = _read_invitation(_json_body())
        invitation = crowd.write(lambda tx, now: workers.invite(tx, now, name, worker_id))
    except ApiError as error:
        return error.as_json(), error.status
    except InvalidInvitation as error:
        return {"message": str(error)}, 400
    return (
        {
            "worker_id": invitation.worker_id,
            "name": invitation.name,
            "url": f"{request.url_root}sign-in/{invitation.token}",
            "ends_at": f"{datetime.fromtimestamp(invitation.ends_at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        },
        200,
        {"Cache-Control": "no-store"},
    )


@blueprint.post("/returns")
def tell_returns() -> ResponseReturnValue:
    """Tell what workers returned or abandoned of the HITs in the body."""
    crowd: Crowd = current_app.extensions["crowd"]
    try:
        _check_signature(crowd)
        body = _json_body()
        with crowd.reading() as (tx, _):
            return returns.count(tx, body)
    except ApiError as error:
        return error.as_json(), error.status
    except returns.InvalidRequest as error:
        return {"message": str(error)}, 400


def _check_signature(crowd: Crowd) -> None:
    query = f"?{request.query_string.decode(errors='replace')}" if request.query_string else ""
    *public, received = signed_addresses(request.environ)
    if not any(_is_signed_for(crowd, host, path + query) for host, path in public):
        _verify(crowd, received[0], received[1] + query)


def _is_signed_for(crowd: Crowd, host: str, target: str) -> bool:
    try:
        _verify(crowd, host, target)
    except ApiError:
        return False
    return True


def _verify(crowd: Crowd, host: str, target: str) -> None:
    headers = signature.headers_of(request.environ) | {"host": host}
    signature.verify(crowd.credentials, request.method, target, headers, request.get_data())


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
    _check_signature(crowd)
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


def _read_invitation(body: object) -> tuple[str | None, str | None]:
    """Return the name and the worker id in an invitation's body."""
    if not isinstance(body, dict) or not {"name", "worker_id"}.issuperset(body):
        raise InvalidInvitation("Send a JSON object with at most a name and a worker_id.")
    name, worker_id = body.get("name"), body.get("worker_id")
    if not all(value is None or isinstance(value, str) for value in (name, worker_id)):
        raise InvalidInvitation("A name and a worker_id are text.")
    return name, worker_id
