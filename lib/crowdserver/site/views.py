"""The worker site: sign in by link, choose a HIT, do it in a frame, submit or return it.

Plain HTML that works without JavaScript. What changes something is a form with a token of the session.
The frame's page is not this site's own and has no cookie: what it submits counts by the assignment's id.
"""

from typing import Any
from urllib.parse import quote

from flask import Blueprint, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.protocol import question_form
from crowdserver.protocol.question_xml import Question
from crowdserver.site import (
    filters,
    frames,
    history,
    messages,
    qualifications,
    responses,
    signin,
    submissions,
    visits,
    work,
)
from crowdserver.site.lab import lab
from crowdserver.site.sessions import FrameKey
from crowdserver.site.signin import NotSignedIn, TooManyAttempts, crowd, signer
from crowdserver.storage.transactions import Contended
from crowdserver.worker import assignments, groups, panels, sessions
from crowdserver.worker.refusals import Refused
from crowdserver.worker.sign_in_limits import PERIOD_SECONDS

blueprint = Blueprint("site", __name__)
for part in (signin, work, history, messages, qualifications, visits):
    blueprint.register_blueprint(part.blueprint)
filters.register(blueprint)
# The root stands before every address on a page.
blueprint.app_context_processor(lambda: {"root": request.script_root, "lab": lab()})

_STATUS = {
    "preview": 400,
    "empty": 400,
    "by_get": 405,
    "unreadable": 415,
    "files": 415,
    "not_yours": 403,
    "not_qualified": 403,
    "not_now": 409,
    "blocked": 403,
    "unknown": 404,
    "already_done": 409,
    "in_progress": 409,
    "hands_full": 409,
    "over": 409,
    "gone": 410,
    "late": 410,
    "too_large": 413,
    "signed_out": 403,
    "foreign_form": 403,
    "not_a_page": 403,
}


@blueprint.get("/groups/<hit_type_id>")
def preview(hit_type_id: str) -> ResponseReturnValue:
    """Show a HIT of a group before it is accepted."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        hit = groups.preview(tx, now, visit.worker.worker_id, hit_type_id)
    frame = _frame(hit.question, visit, FrameKey(visit.session_id, hit.hit_id, None))
    return responses.show("preview.html", visit, responses.TASK_POLICY, hit=hit, frame=frame)


@blueprint.get("/mturk/preview")
@blueprint.get("/mturk/previewandaccept")
@blueprint.get("/projects/<group_id>/tasks")
def by_client_link(group_id: str = "") -> ResponseReturnValue:
    """Lead from the addresses that clients print, which are those of Amazon's site, to the work."""
    with crowd().reading() as (tx, _):
        hit_type_id = groups.of_link(tx, group_id or request.args.get("groupId", ""))
    return responses.go_to(f"/groups/{quote(hit_type_id, safe='')}")


@blueprint.post("/groups/<hit_type_id>/accept")
def accept(hit_type_id: str) -> ResponseReturnValue:
    """Accept the HIT that was previewed or, when it is gone, another one of the group."""
    hit_id = request.form.get("hit_id")
    assignment = _accept_previewed(hit_id) if hit_id else None
    if assignment is None:
        assignment = crowd().write(lambda tx, now: _accept_next(tx, signin.visit(tx, now), hit_type_id))
    return responses.go_to(f"/tasks/{assignment.assignment_id}")


@blueprint.get("/tasks/<assignment_id>")
def task(assignment_id: str) -> ResponseReturnValue:
    """Show an accepted assignment and its frame."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        assignment = assignments.assignment(tx, now, visit.worker.worker_id, assignment_id)
        progress = panels.visit_of(tx, now, visit.worker.worker_id)
    hit = assignment.hit
    frame = _frame(hit.question, visit, FrameKey(visit.session_id, hit.hit_id, assignment_id))
    values: dict[str, Any] = {"assignment": assignment, "frame": frame, "progress": progress}
    return responses.show("task.html", visit, responses.TASK_POLICY, **values)


@blueprint.get("/tasks/<assignment_id>/state")
def state(assignment_id: str) -> ResponseReturnValue:
    """Say whether an assignment is still in progress; the task page asks when its frame has loaded."""
    with crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
        in_progress = assignments.in_progress(tx, now, visit.worker.worker_id)
    is_working = any(assignment.assignment_id == assignment_id for assignment in in_progress)
    return responses.private(jsonify(state="working" if is_working else "ended"), responses.PAGE_POLICY)


@blueprint.post("/tasks/<assignment_id>/return")
def give_back(assignment_id: str) -> ResponseReturnValue:
    """Return an accepted assignment."""

    def return_it(tx: Connection, now: float) -> None:
        assignments.give_back(tx, now, signin.visit(tx, now).worker.worker_id, assignment_id)

    crowd().write(return_it)
    return responses.go_to("/?note=returned")


@blueprint.post("/tasks/<assignment_id>/next")
def accept_next(assignment_id: str) -> ResponseReturnValue:
    """Accept the next HIT of the same group; the list if there is none; back if this one is not done yet."""
    hit_type_id = request.form.get("hit_type_id", "")
    return responses.go_to(crowd().write(lambda tx, now: _next_address(tx, now, assignment_id, hit_type_id)))


@blueprint.get("/frame/<text>")
def frame(text: str) -> ResponseReturnValue:
    """Serve an HTMLQuestion's page to the worker who has the link, as a page that is not of this site."""
    key = signer().read_frame_key(text)
    if key is None:
        raise Refused(
            "unknown", "This address was not made by this site, or the requester's key has changed."
        )
    with crowd().reading() as (tx, now):
        session = sessions.by_id(tx, now, key.session_id)
        if session is None:
            text = "You are not signed in any more. Sign in by your link, and open the task from the list."
            raise Refused("signed_out", text)
        if key.assignment_id:
            assignments.assignment(tx, now, session.worker.worker_id, key.assignment_id)
        else:
            groups.check_preview(tx, session.worker.worker_id, key.hit_id)
        question = frames.question_of(tx, key.hit_id)
    if question.kind == "external":
        raise Refused("unknown", "The page of this task is on another site.")
    assignment_id = key.assignment_id or assignments.PREVIEW_ID
    if question.form is not None:
        return responses.frame_form(question.form, assignment_id)
    page = frames.fill(question.content, assignment_id, request.script_root)
    return responses.private(make_response(page), responses.FRAME_POLICY)


@blueprint.route("/mturk/externalSubmit", methods=["GET", "POST"])
def external_submit() -> ResponseReturnValue:
    """Record a submission. It comes without a cookie: the assignment's id is the proof."""
    submissions.check(request)
    if claims := submissions.claims(request):
        with crowd().reading() as (tx, now):
            assignments.check_submittable(tx, now, claims)
    fields = submissions.fields(request)
    assignment_id, worker_id = request.form.get("assignmentId", ""), request.form.get("workerId")
    crowd().write(lambda tx, now: assignments.submit(tx, now, assignment_id, worker_id or None, fields))
    text = "Thank you. Go on by the button above."
    return responses.frame_message("Your work was submitted", text, 200)


@blueprint.errorhandler(question_form.NotAnswered)
def not_answered(refusal: question_form.NotAnswered) -> ResponseReturnValue:
    """Show a QuestionForm again, filled in as it was sent, with what is to be mended."""
    sent = {"given": refusal.given, "problems": refusal.problems}
    return responses.frame_form(refusal.form, request.form["assignmentId"], **sent)


@blueprint.errorhandler(Refused)
def refused(refusal: Refused) -> ResponseReturnValue:
    """Tell a worker in plain words why something was not done; in the frame, on a page that fits there."""
    return responses.failure(refusal.message, _STATUS[refusal.code])


@blueprint.errorhandler(Contended)
def contended(_: Contended) -> ResponseReturnValue:
    """Ask for another try where others were faster again and again."""
    text = "Many people are taking this work at this moment, and others were faster. Please try again."
    return responses.failure(text, 503)


@blueprint.errorhandler(NotSignedIn)
def not_signed_in(_: NotSignedIn) -> ResponseReturnValue:
    """Ask for the sign-in link."""
    text = (
        "Open the link that you were given, or your panel's. If it does not work any more, its time is over"
        " or there is a newer one: ask the person who invited you."
    )
    return responses.message("Please sign in", text, 403, is_outside=True)


@blueprint.errorhandler(TooManyAttempts)
def too_many_attempts(_: TooManyAttempts) -> ResponseReturnValue:
    """Ask to wait where many links have failed."""
    text = (
        "Too many sign-in links that do not work were opened here. Wait ten minutes, then open the newest"
        " link that you were given. Whoever is signed in stays so."
    )
    return responses.message("Please wait", text, 429), {"Retry-After": str(PERIOD_SECONDS)}


def _accept_previewed(hit_id: str) -> assignments.Assignment | None:
    """Accept a HIT, or return it if it is in the worker's hands already. None if it is gone.

    In a transaction of its own: one that was waited for and is gone stays locked until the transaction ends.
    """

    def accept_it(tx: Connection, now: float) -> assignments.Assignment:
        worker_id = signin.visit(tx, now).worker.worker_id
        try:
            return assignments.accept(tx, now, worker_id, hit_id)
        except Refused as refusal:
            if refusal.code != "in_progress":
                raise
            # A second click on the button.
            in_progress = assignments.in_progress(tx, now, worker_id)
            return next(assignment for assignment in in_progress if assignment.hit.hit_id == hit_id)

    try:
        return crowd().write(accept_it)
    except Refused as refusal:
        if refusal.code != "gone":
            raise
        return None


def _accept_next(tx: Connection, visit: responses.Visit, hit_type_id: str) -> assignments.Assignment:
    return assignments.accept_next(tx, visit.now, visit.worker.worker_id, hit_type_id)


def _next_address(tx: Connection, now: float, assignment_id: str, hit_type_id: str) -> str:
    """Return where a worker goes after an assignment: to the next one of its group, which is accepted."""
    visit = signin.visit(tx, now)
    in_progress = assignments.in_progress(tx, now, visit.worker.worker_id)
    if any(assignment.assignment_id == assignment_id for assignment in in_progress):
        return f"/tasks/{assignment_id}?note=working"
    # What is accepted already comes first: a second click on the button must not accept a second HIT.
    if panels.is_participant(visit.worker.worker_id):
        return visits.next_address(tx, now, visit)
    of_group = [other for other in in_progress if other.hit.hit_type_id == hit_type_id]
    try:
        assignment = of_group[0] if of_group else _accept_next(tx, visit, hit_type_id)
    except Refused as refusal:
        if refusal.code == "hands_full":
            raise
        return "/?note=submitted"
    return f"/tasks/{assignment.assignment_id}"


def _frame(question: Question, visit: responses.Visit, key: FrameKey) -> dict[str, Any]:
    site = request.url_root.rstrip("/")
    values = frames.parameters(key.assignment_id, key.hit_id, visit.worker.worker_id, site)
    root = request.script_root
    own_url = f"{root}/frame/{signer().frame_key(key)}"
    url = frames.apart(question.content, site) if question.kind == "external" else own_url
    return {
        "src": frames.with_parameters(url, values),
        "sandbox": frames.sandbox_for(url, site),
        "height": question.frame_height,
        "state": f"{root}/tasks/{key.assignment_id}/state" if key.assignment_id else None,
    }
