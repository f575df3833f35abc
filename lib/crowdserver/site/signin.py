"""Sign-in by link, and the session that every page of the site asks for."""

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.operations import workers
from crowdserver.operations.workers import Worker
from crowdserver.protocol.public_address import client_address
from crowdserver.site import responses
from crowdserver.site.lab import lab
from crowdserver.site.sessions import SessionCookie, Signer
from crowdserver.storage.transactions import Crowd
from crowdserver.worker import sessions, sign_in_limits
from crowdserver.worker.refusals import Refused

Result = TypeVar("Result")

blueprint = Blueprint("signin", __name__)

# What browsers say of a request for a page of its own, and those that say nothing.
_PAGES = (None, "document")


class NotSignedIn(Exception):
    """There is no session, or one that is over; or a link that signs nobody in."""


class TooManyAttempts(Exception):
    """Too many links that sign nobody in were tried."""


class NotAgreed(Exception):
    """The worker has not agreed to the lab's consent text; `here` is the visit."""

    def __init__(self, here: responses.Visit) -> None:
        super().__init__()
        self.here = here


def crowd() -> Crowd:
    """Return the server's state."""
    state: Crowd = current_app.extensions["crowd"]
    return state


def signer() -> Signer:
    """Return what signs this server's forms and links."""
    signs: Signer = current_app.extensions["signer"]
    return signs


def visit(tx: Connection, now: float) -> responses.Visit:
    """Return the signed-in worker of the request, who has agreed to the consent text if there is one.

    Raises NotSignedIn, NotAgreed. Refused: foreign_form for a posted form that is not of this session.
    """
    here, has_agreed = _present(tx, now)
    if not has_agreed:
        raise NotAgreed(here)
    return here


def present(tx: Connection, now: float) -> responses.Visit:
    """Return the signed-in worker of the request as visit() does, also one who has not agreed yet."""
    return _present(tx, now)[0]


def _present(tx: Connection, now: float) -> tuple[responses.Visit, bool]:
    consent = lab().digest
    session = sessions.of_tokens(tx, now, _cookie().tokens(request), consent)
    if session is None:
        raise NotSignedIn
    if request.method == "POST" and not signer().form_is_own(request, session.session_id):
        # Another site posted it, or it was on an old page of this one.
        raise Refused("foreign_form", "The page was out of date. Nothing was changed; please try again.")
    form_token = signer().form_token(session.session_id)
    here = responses.Visit(session.worker, session.session_id, form_token, now, session.unread)
    return here, session.has_agreed or not consent


@blueprint.get("/sign-in/<token>")
def sign_in(token: str) -> ResponseReturnValue:
    """Begin a session; over another worker's, ask first. Safe to repeat: the link works until it ends."""
    worker = _worker_of(token)
    try:
        with crowd().reading() as (tx, now):
            here = present(tx, now)
    except NotSignedIn:
        return begin(worker)
    if here.worker.worker_id == worker.worker_id:
        return _go_home()
    return responses.show("another_worker.html", here, other=worker, token=token)


@blueprint.post("/sign-in/<token>")
def change_worker(token: str) -> ResponseReturnValue:
    """Begin a session in place of another worker's, who has been asked."""
    with crowd().reading() as (tx, now):
        here = present(tx, now)
    return begin(_worker_of(token), in_place_of=here.session_id)


@blueprint.post("/consent")
def consent() -> ResponseReturnValue:
    """Keep that the worker agrees to the text that was shown; another one by now is shown first."""

    def agree_to_it(tx: Connection, now: float) -> None:
        worker_id = present(tx, now).worker.worker_id
        if request.form.get("digest") == lab().digest:
            sessions.agree(tx, now, worker_id, lab().digest)

    crowd().write(agree_to_it)
    return _go_home()


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session, here and for whoever has a copy of its cookie."""

    def end_it(tx: Connection, now: float) -> None:
        sessions.end(tx, present(tx, now).session_id)

    crowd().write(end_it)
    response = _go_home()
    _cookie().delete(response, request)
    return response


@blueprint.app_errorhandler(NotAgreed)
def not_agreed(refusal: NotAgreed) -> ResponseReturnValue:
    """Ask for the worker's consent, whatever page was asked for."""
    page = responses.show("consent.html", refusal.here, consent=lab().consent, digest=lab().digest)
    page.status_code = 200 if request.method == "GET" else 403
    return page


def found(find: Callable[[Connection, float], Result | None]) -> Result:
    """Return what a secret link is for. Raises NotSignedIn, counted, TooManyAttempts. Refused: not_a_page."""
    if request.method == "HEAD" or request.headers.get("Sec-Fetch-Dest") not in _PAGES:
        # Another page opened it, as a picture or in a frame, or a checker of links did.
        raise Refused("not_a_page", "Open the sign-in link in a tab of its own.")
    address = client_address(request.environ)
    with crowd().reading() as (tx, now):
        if sign_in_limits.is_reached(tx, now, address):
            raise TooManyAttempts
        result = find(tx, now)
    if result is None:
        crowd().write(lambda tx, now: sign_in_limits.count(tx, now, address))
        raise NotSignedIn
    return result


def _worker_of(token: str) -> Worker:
    return found(lambda tx, now: workers.by_token(tx, now, token))


def begin(worker: Worker, in_place_of: str | None = None) -> ResponseReturnValue:
    """Begin a session, and go home."""

    def begin_it(tx: Connection, now: float) -> str:
        if in_place_of:
            sessions.end(tx, in_place_of)
        return sessions.begin(tx, now, worker)

    token = crowd().write(begin_it)
    response = _go_home()
    _cookie().set(response, token, request)
    return response


def _cookie() -> SessionCookie:
    cookie: SessionCookie = current_app.extensions["session_cookie"]
    return cookie


def _go_home() -> Response:
    return responses.private(make_response(responses.go_to("/")), responses.PAGE_POLICY)
