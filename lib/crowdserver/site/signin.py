"""Who is there: invitations, sign-in by link, and the session that every page of the site asks for."""

from __future__ import annotations

from flask import Blueprint, current_app, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.api import check_signature
from crowdserver.operations import workers
from crowdserver.protocol.errors import ApiError
from crowdserver.site import responses
from crowdserver.site.sessions import COOKIE, Session, Signer
from crowdserver.storage.transactions import Crowd

blueprint = Blueprint("signin", __name__)


class NotSignedIn(Exception):
    """There is no session, or a forged one, or one that a newer link has ended."""


class ForeignForm(Exception):
    """A form was posted that this site did not make for this session."""


def crowd() -> Crowd:
    """Return the server's state."""
    found: Crowd = current_app.extensions["crowd"]
    return found


def signer() -> Signer:
    """Return what signs this server's sessions and links."""
    return Signer(crowd().credentials.secret_access_key)


def visit(tx: Connection, now: float) -> responses.Visit:
    """Return the signed-in worker of the request.

    Raises NotSignedIn, and ForeignForm for a posted form that was not made for this session.
    """
    keys = signer()
    session = keys.session(request)
    worker = workers.by_id(tx, session.worker_id) if session else None
    if session is None or worker is None or worker.invitation != session.invitation:
        raise NotSignedIn
    if request.method == "POST" and not keys.form_is_own(request, session):
        raise ForeignForm
    return responses.Visit(worker, keys.form_token(session), now)


@blueprint.post("/invites")
def invite() -> ResponseReturnValue:
    """Make a worker's sign-in link, for the requester: JSON with a name, a worker_id, both or neither.

    Signed like a call of the API. Each repetition makes a new link, and the one before ends.
    """
    try:
        check_signature(crowd(), request)
        name, worker_id = _invited(request.get_json(force=True, silent=True))
        with crowd().writing() as (tx, now):
            made = workers.invite(tx, now, name, worker_id)
    except ApiError as error:
        return error.body(), error.status
    except workers.InvalidInvitation as error:
        return {"message": str(error)}, 400
    url = f"{request.url_root}sign-in/{made.token}"
    return {"worker_id": made.worker_id, "name": made.name, "url": url}, 200, {"Cache-Control": "no-store"}


@blueprint.get("/sign-in/<token>")
def sign_in(token: str) -> ResponseReturnValue:
    """Begin a session. Safe to repeat: the link works until a newer one is made."""
    with crowd().reading() as (tx, _):
        worker = workers.by_token(tx, token)
    if worker is None:
        raise NotSignedIn
    response = responses.private(make_response(redirect("/", 303)), responses.PAGE_POLICY)
    session = Session(worker.worker_id, worker.invitation)
    signer().open_session(response, session, secure=request.is_secure)
    return response


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session in this browser."""
    with crowd().reading() as (tx, now):
        visit(tx, now)
    response = responses.private(make_response(redirect("/", 303)), responses.PAGE_POLICY)
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def _invited(given: object) -> tuple[str | None, str | None]:
    if not isinstance(given, dict) or not {"name", "worker_id"}.issuperset(given):
        raise workers.InvalidInvitation("Send a JSON object with at most a name and a worker_id.")
    values = given.get("name"), given.get("worker_id")
    if not all(value is None or isinstance(value, str) for value in values):
        raise workers.InvalidInvitation("A name and a worker_id are text.")
    return values
