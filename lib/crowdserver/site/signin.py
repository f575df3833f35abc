"""Sign-in by link, and the session that every page of the site asks for."""

from __future__ import annotations

from flask import Blueprint, current_app, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.operations import workers
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
    state: Crowd = current_app.extensions["crowd"]
    return state


def signer() -> Signer:
    """Return what signs this server's sessions and links."""
    signs: Signer = current_app.extensions["signer"]
    return signs


def visit(tx: Connection, now: float) -> responses.Visit:
    """Return the signed-in worker of the request.

    Raises NotSignedIn, and ForeignForm for a posted form that was not made for this session.
    """
    session = signer().session(request)
    worker = workers.by_id(tx, session.worker_id) if session else None
    if session is None or worker is None or worker.invitation != session.invitation:
        raise NotSignedIn
    if request.method == "POST" and not signer().form_is_own(request, session):
        raise ForeignForm
    return responses.Visit(worker, signer().form_token(session), now)


@blueprint.get("/sign-in/<token>")
def sign_in(token: str) -> ResponseReturnValue:
    """Begin a session. Safe to repeat: the link works until a newer one is made."""
    with crowd().reading() as (tx, _):
        worker = workers.by_token(tx, token)
    if worker is None:
        raise NotSignedIn
    response = responses.private(make_response(responses.go_to("/")), responses.PAGE_POLICY)
    session = Session(worker.worker_id, worker.invitation)
    signer().open_session(response, session, request)
    return response


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session in this browser."""
    with crowd().reading() as (tx, now):
        visit(tx, now)
    response = responses.private(make_response(responses.go_to("/")), responses.PAGE_POLICY)
    path = request.script_root or "/"
    response.delete_cookie(COOKIE, path, httponly=True, samesite="Lax", secure=request.is_secure)
    return response
