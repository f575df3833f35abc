"""What a worker did, page by page and as CSV, and the page that explains the site."""

import csv
import io
from math import inf

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from crowdserver.site import filters, responses, signin
from crowdserver.worker import earnings, panels
from crowdserver.worker.refusals import Refused

blueprint = Blueprint("history", __name__)

_PER_PAGE = 50
_MOST = 100_000
_FORMULA = ("=", "+", "-", "@")  # what spreadsheets would run


@blueprint.get("/history")
def history() -> ResponseReturnValue:
    """Show what a worker earned and submitted, the newest first; `before`: the time of a page's last one."""
    with signin.crowd().reading() as (tx, now):
        visit = _visit(tx, now)
        worker_id = visit.worker.worker_id
        before = request.args.get("before", inf, float)
        submissions = earnings.history(tx, worker_id, before, _PER_PAGE)
        earned = earnings.earnings(tx, worker_id)
    return responses.show("history.html", visit, earnings=earned, submissions=submissions, per_page=_PER_PAGE)


@blueprint.get("/history.csv")
def history_as_csv() -> ResponseReturnValue:
    """Send what a worker submitted as a file."""
    with signin.crowd().reading() as (tx, now):
        submissions = earnings.history(tx, _visit(tx, now).worker.worker_id, inf, _MOST)
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(
        ["assignment_id", "title", "status", "reward", "submitted_at", "feedback", "auto_approval_at"]
    )
    for item in submissions:
        given = (item.title, item.feedback or "")
        texts = [f"'{text}" if text.startswith(_FORMULA) else text for text in given]
        submitted_at = filters.iso(item.submitted_at)
        approved_at = filters.iso(item.auto_approval_at) if item.status == "Submitted" else ""
        row = [item.assignment_id, texts[0], item.status, item.reward, submitted_at, texts[1], approved_at]
        table.writerow(row)
    response = make_response(file.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="history.csv"'
    return responses.private(response, responses.PAGE_POLICY)


def _visit(tx: Connection, now: float) -> responses.Visit:
    """Return who is signed in. Refused: a panel's participant, whose id others may know or guess."""
    visit = signin.visit(tx, now)
    if panels.is_participant(visit.worker.worker_id):
        raise Refused("not_yours", "You came by a panel's link; it keeps your history.")
    return visit


@blueprint.get("/help")
def help_page() -> ResponseReturnValue:
    """Explain the site."""
    with signin.crowd().reading() as (tx, now):
        visit = signin.visit(tx, now)
    return responses.show("help.html", visit)
