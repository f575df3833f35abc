"""The control API, for tests and rehearsals: moves the clock, orders faults and lags, counts calls.

Everything it sets lies in the database, is shared by all processes and outlives a restart; calls are counted
from the server's start. It answers only programs on this machine, which come to it directly: not through a
web server, and not from a page elsewhere.
"""

from typing import Any, NoReturn

from flask import Blueprint, Response, abort, current_app, jsonify, make_response, request
from sqlalchemy import select, update

from crowdserver.control import faults
from crowdserver.control.call_counts import CallCounts
from crowdserver.control.faults import ANY, KINDS, Fault
from crowdserver.protocol.public_address import comes_directly
from crowdserver.protocol.validation import known_operations
from crowdserver.storage import clock
from crowdserver.storage.schema import server
from crowdserver.storage.transactions import Crowd

blueprint = Blueprint("control", __name__, url_prefix="/_control")

_DEFAULT_SLOWNESS = 5.0
# The members of a body, and the columns that they set.
_LAGS = {"list_seconds": "list_lag", "counter_seconds": "counter_lag"}
_PLAIN_DUPLICATES = {"hit-id": False, "plain": True}


@blueprint.before_request
def check_sender() -> None:
    """Refuse whoever is not a program on this machine."""
    if not comes_directly(request.environ):
        _refuse(
            "the control API answers only programs on this machine that ask http://127.0.0.1:PORT directly,"
            " not through a web server",
            403,
        )


@blueprint.post("/clock")
def advance_clock() -> Response:
    """Move the clock forward: {"advance_seconds": n} → {"now": seconds since the epoch}."""
    seconds = _number(_body(), "advance_seconds")
    with _crowd().database.write() as tx:
        return jsonify(now=clock.advance(tx, seconds))


@blueprint.get("/clock")
def show_clock() -> Response:
    """Return the time: {"now": seconds since the epoch}."""
    with _crowd().database.read() as tx:
        return jsonify(now=clock.now(tx))


@blueprint.post("/faults")
def order_fault() -> tuple[Response, int]:
    """Order a fault: {"operation", "kind", "count" or "probability", "seconds" of a slow one}."""
    fault = _fault(_body())
    with _crowd().database.write() as tx:
        faults.order(tx, fault)
    return jsonify({}), 201


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Cancel all faults."""
    with _crowd().database.write() as tx:
        faults.clear(tx)
    return jsonify({})


@blueprint.get("/calls")
def show_calls() -> Response:
    """Return the calls so far: {"CreateHIT": {"ok": n, "failed": n}, …}."""
    return jsonify(_counts().totals())


@blueprint.delete("/calls")
def reset_calls() -> Response:
    """Count calls from zero again."""
    _counts().reset()
    return jsonify({})


@blueprint.post("/lag")
def set_lag() -> Response:
    """Keep lists and counters behind: {"list_seconds": n, "counter_seconds": n} or one of them; 0 ends it."""
    body = _body()
    if not body or set(body) - set(_LAGS):
        _refuse(f"give one or both of {', '.join(_LAGS)}")
    values = {_LAGS[name]: _number(body, name) for name in body}
    with _crowd().database.write() as tx:
        tx.execute(update(server).values(**values))
        row = tx.execute(select(server)).one()
        return jsonify(list_seconds=row.list_lag, counter_seconds=row.counter_lag)


@blueprint.post("/wording")
def set_wording() -> Response:
    """Choose how a reused token is answered: {"duplicate_token": "hit-id"} names the HIT, "plain" no HIT."""
    wording = _body().get("duplicate_token")
    if wording not in _PLAIN_DUPLICATES:
        _refuse(f"duplicate_token is one of {', '.join(_PLAIN_DUPLICATES)}")
    with _crowd().database.write() as tx:
        tx.execute(update(server).values(plain_duplicates=_PLAIN_DUPLICATES[wording]))
    return jsonify(duplicate_token=wording)


def _crowd() -> Crowd:
    crowd: Crowd = current_app.extensions["crowd"]
    return crowd


def _counts() -> CallCounts:
    counts: CallCounts = current_app.extensions["conditions"].calls
    return counts


def _body() -> dict[str, Any]:
    # Only what calls itself JSON: a page in a browser cannot send that to another origin unasked.
    body = request.get_json()
    if not isinstance(body, dict):
        _refuse("the body must be a JSON object")
    return body


def _fault(body: dict[str, Any]) -> Fault:
    operation, kind = body.get("operation"), body.get("kind")
    if operation != ANY and operation not in known_operations():
        _refuse(f"operation is the name of an operation or {ANY}, not {operation!r}")
    if kind not in KINDS:
        _refuse(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
    if ("count" in body) == ("probability" in body):
        _refuse("give either count or probability")
    times = int(_number(body, "count")) if "count" in body else None
    probability = _number(body, "probability") if "probability" in body else None
    seconds = _number(body, "seconds") if "seconds" in body else _DEFAULT_SLOWNESS
    return Fault(operation, kind, times, probability, seconds)


def _number(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e10:
        _refuse(f"{name} must be a number that is not negative")
    return value


def _refuse(message: str, status: int = 400) -> NoReturn:
    abort(make_response(jsonify(error=message), status))
