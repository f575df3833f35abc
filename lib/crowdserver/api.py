"""The requester's API over HTTP: one address, the operation in a header, JSON in and out."""

import json
import socket
import time
import uuid
from typing import Any, NamedTuple

from flask import Blueprint, Request, Response, current_app, request
from sqlalchemy import select

from crowdserver.control import call_counts, faults
from crowdserver.control.faults import Fault
from crowdserver.control.rate_limit import Bucket
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.protocol import errors, signature, validation
from crowdserver.protocol.call import Call
from crowdserver.protocol.errors import ApiError
from crowdserver.storage.schema import server
from crowdserver.storage.transactions import Crowd

blueprint = Blueprint("api", __name__)

_CONTENT_TYPE = "application/x-amz-json-1.1"
_LAGS = select(server.c.list_lag, server.c.counter_lag)
# Faults that keep the client from seeing that its request worked.
_SPOILERS = ("error-after", "drop-after")


class Conditions(NamedTuple):
    """The conditions under which requests are answered. control: whether faults, lags and the call count work."""

    latency: float = 0.0
    bucket: Bucket | None = None
    control: bool = False


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
        fault = _strike(crowd, conditions, operation)
        result = _run(crowd, conditions, operation, request_id, fault)
    except ApiError as error:
        if conditions.control and operation in validation.known_operations():
            with crowd.database.write() as tx:
                call_counts.count(tx, operation, succeeded=False)
        return _response(error.status, error.body(), request_id)
    return _finish(fault, result, request_id)


def check_signature(crowd: Crowd, sent: Request) -> None:
    """Check that a request carries the requester's signature. Raises an ApiError."""
    target = sent.full_path if sent.query_string else sent.path
    signature.verify(crowd.credentials, sent.method, target, dict(sent.headers), sent.get_data())


def _strike(crowd: Crowd, conditions: Conditions, operation: str) -> Fault | None:
    """Let happen what comes before the request is looked at; the fault that struck, for what comes after it."""
    if conditions.bucket is not None and not conditions.bucket.take():
        raise errors.throttled()
    fault = _ordered_fault(crowd, operation) if conditions.control else None
    if fault is not None and fault.kind == "throttle":
        raise errors.throttled()
    if fault is not None and fault.kind == "error-before":
        raise errors.service_fault()
    if fault is not None and fault.kind == "slow":
        time.sleep(fault.seconds)
    return fault


def _ordered_fault(crowd: Crowd, operation: str) -> Fault | None:
    with crowd.database.read() as tx:
        if not faults.any_left(tx):
            return None
    with crowd.database.write() as tx:
        return faults.strike(tx, operation)


def _run(
    crowd: Crowd, conditions: Conditions, operation: str, request_id: str, fault: Fault | None
) -> dict[str, Any]:
    check_signature(crowd, request)
    known = OPERATIONS.get(operation)
    if known is None:
        raise errors.unknown_operation(request.headers.get("X-Amz-Target", ""))
    given = validation.read_input(operation, request.get_data())
    begin = crowd.writing if known.writes or conditions.control else crowd.reading
    with begin() as (tx, now):
        if not conditions.control:
            return known.run(Call(tx, now, given, request_id, crowd.pages))
        list_lag, counter_lag = tx.execute(_LAGS).one()
        result = known.run(Call(tx, now, given, request_id, crowd.pages, list_lag, counter_lag))
        # In the same transaction: a count of its own would double what a call costs.
        call_counts.count(tx, operation, succeeded=fault is None or fault.kind not in _SPOILERS)
        return result


def _finish(fault: Fault | None, result: dict[str, Any], request_id: str) -> Response:
    """Answer a request that worked, unless a fault spoils it now."""
    if fault is not None and fault.kind == "error-after":
        error = errors.service_fault()
        return _response(error.status, error.body(), request_id)
    if fault is not None and fault.kind == "drop-after":
        # gunicorn hands its socket on; what it writes to it from now on goes nowhere.
        connection: socket.socket = request.environ["gunicorn.socket"]
        connection.shutdown(socket.SHUT_RDWR)
    return _response(200, result, request_id)


def _response(status: int, members: dict[str, Any], request_id: str) -> Response:
    response = Response(json.dumps(members), status, content_type=_CONTENT_TYPE)
    response.headers["x-amzn-RequestId"] = request_id
    return response
