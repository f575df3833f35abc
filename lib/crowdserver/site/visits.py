"""A panel's participants on the site: in by the panel's link, one unit after the other, and back again."""

from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.site import responses, signin
from crowdserver.site.responses import Visit
from crowdserver.site.signin import NotSignedIn, crowd
from crowdserver.worker import panels

blueprint = Blueprint("visits", __name__)


@blueprint.get("/panel/<token>")
def enter(token: str) -> ResponseReturnValue:
    """Begin a visit or go on with it. Safe to repeat; over another worker's session nothing begins."""
    panel_id, panel = signin.found(lambda tx, now: panels.by_token(tx, token))
    given = request.args.to_dict(flat=False)
    worker = panels.participant(panel, given)
    here = _here()
    if here and here.worker.worker_id != worker.worker_id:
        text = "Somebody else is signed in with this browser. Sign out above, and open the link again."
        return responses.show("message.html", here, heading="This did not work", text=text)
    crowd().write(lambda tx, now: panels.enter(tx, now, panel_id, panel, worker, given))
    return responses.go_to("/visit") if here else signin.begin(worker)


def address() -> str:
    """Return the address of a visit, with the note that this request asks for."""
    note = quote(request.args.get("note", ""))
    return f"/visit?note={note}" if note else "/visit"


def _here() -> Visit | None:
    try:
        with crowd().reading() as (tx, now):
            return signin.present(tx, now)
    except NotSignedIn:
        return None


@blueprint.get("/visit")
def show() -> ResponseReturnValue:
    """Show how far a visit is; at its end with the code, and on to the panel."""
    with crowd().reading() as (tx, now):
        here = signin.visit(tx, now)
        progress = panels.visit_of(tx, now, here.worker.worker_id)
    return responses.show("visit.html", here, progress=progress) if progress else responses.go_to("/")


@blueprint.post("/visit")
def go_on() -> ResponseReturnValue:
    """Go on with the next unit; to the end of the visit where there is none."""
    return responses.go_to(crowd().write(lambda tx, now: next_address(tx, now, signin.visit(tx, now))))


def next_address(tx: Connection, now: float, here: Visit) -> str:
    """Return where a participant goes on: to the next unit, which is accepted, or to the end of the visit."""
    unit = panels.go_on(tx, now, here.worker.worker_id)
    return f"/tasks/{unit.assignment_id}" if unit else "/visit"
