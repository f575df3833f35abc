"""The web application: what each address answers. The package's docstring lists them."""

import re
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as BaseResponse

from taskserver.errors import BadLink, DatabaseError, PageError
from taskserver.leases import Holder, Leases
from taskserver.responses import PageResponse, PageResponses
from taskserver.run import Run
from taskserver.signing import Signer
from taskserver.sites import MOST, Sites, is_site
from taskserver.units import Units
from taskserver.visit import SUBMIT_PATH

# The bytes that a request's body may have: a button's form, and what the run's process sends.
_MOST_BYTES = 16 << 10
_MOST_BYTES_OF_RUN = 1 << 20

_UNIT = re.compile(r"/unit/([0-9]+)")


class UnitsFirst:
    """WSGI middleware that answers GET /unit/<index> itself and leaves all else to Flask.

    Nearly every request is for a unit, and what Flask does around a view takes as long as the page with its
    lease.
    """

    def __init__(self, units: Units, responses: PageResponses, rest: WSGIApplication) -> None:
        self._units = units
        self._responses = responses
        self._rest = rest

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match = _UNIT.fullmatch(environ["PATH_INFO"])
        if not match or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._rest(environ, start_response)
        response = self._show(int(match[1]), environ)
        body = response.page.encode()
        start_response(response.status, [*response.headers, ("Content-Length", str(len(body)))])
        return [body] if environ["REQUEST_METHOD"] == "GET" else []

    def _show(self, index: int, environ: WSGIEnvironment) -> PageResponse:
        # Of a parameter that comes twice the first counts, as in Flask.
        query = dict(reversed(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)))
        try:
            return self._units.show(index, query)
        except BadLink as error:
            return self._responses.bad_link(error)
        except DatabaseError as error:
            _log(environ, error)
            return self._responses.database_down()
        except PageError as error:
            environ["wsgi.errors"].write(f"unit {index} cannot be shown:\n")
            traceback.print_exception(error, file=environ["wsgi.errors"])
            return self._responses.faulty()


class TaskServer:
    """What Flask answers: all but the pages of units."""

    def __init__(
        self,
        run: Run,
        signer: Signer,
        units: Units,
        leases: Leases,
        sites: Sites,
        responses: PageResponses,
    ) -> None:
        self._run = run
        self._signer = signer
        self._units = units
        self._leases = leases
        self._sites = sites
        self._responses = responses

    def end_from_refusal(self, index: int) -> BaseResponse:
        """End a lease by the refusal page's button: the worker gives up another lease, then tries again."""
        if refusal := self._units.why_closed(index, request.args):
            return _response(refusal)
        visit = self._units.visit(request.args)
        if not self._end(request.form.get("assignment_id", ""), visit.worker_id):
            return _response(self._responses.forbidden())
        return redirect(request.full_path, 303)

    def end_from_page(self) -> Response:
        """End a lease by the task page's script: submitted just now."""
        if not self._end(request.form.get("assignment_id", ""), request.form.get("worker_id", "")):
            return _response(self._responses.forbidden())
        return Response(status=204)

    def end_from_run(self) -> Response:
        """End leases by the run's process: these assignments are submitted or over."""
        if not self._is_run():
            return _needs_token()
        request.max_content_length = _MOST_BYTES_OF_RUN
        try:
            body: Any = request.get_json(silent=True)
            holders = [Holder(str(item["assignment_id"]), str(item["worker_id"])) for item in body["leases"]]
        except (KeyError, TypeError):
            return _json(
                {"error": 'the body must be {"leases": [{"assignment_id": …, "worker_id": …}, …]}'}, 400
            )
        return _json({"ended": self._leases.end(holders)})

    def add_sites(self) -> Response:
        """Learn from the run's process where its crowd server is seen by now."""
        if not self._is_run():
            return _needs_token()
        body: Any = request.get_json(silent=True)
        sites = body.get("submit_origins") if isinstance(body, dict) else None
        if not isinstance(sites, list) or len(sites) > MOST or not all(map(is_site, sites)):
            return _json(
                {"error": 'the body must be {"submit_origins": ["https://crowd.example.org", …]}'}, 400
            )
        self._sites.add(sites)
        return _json({"submit_origins": self._sites.known})

    def drain(self) -> Response:
        """Give no new units from now on, as the run's process asks."""
        if not self._is_run():
            return _needs_token()
        self._leases.drain()
        return self.health()

    def health(self) -> Response:
        """Say whether this server works, for which run, and its leases."""
        return _json(
            {
                "status": "ok",
                "run_id": self._run.run_id,
                "task_name": self._run.task_name,
                **self._leases.counts()._asdict(),
            }
        )

    def refuse_submission(self) -> Response:
        """Refuse a form that came here: from a preview, or from a template that does not use submit_url."""
        refusal = self._responses.say(
            "400 BAD REQUEST",
            "Nothing was submitted",
            "This was a preview: please accept the task on the worker site first.",
            "If you have accepted it, this page is faulty: please tell the requester, and return the task.",
        )
        return _response(refusal)

    def on_bad_link(self, error: BadLink) -> Response:
        """Tell the worker what is wrong with the link."""
        return _response(self._responses.bad_link(error))

    def on_database_error(self, error: DatabaseError) -> Response:
        """Log that the database failed, and ask the worker to try again."""
        _log(request.environ, error)
        return _response(self._responses.database_down())

    def on_http_error(self, error: HTTPException) -> Response:
        """Say what Flask found wrong, or that this server has a bug."""
        if isinstance(error, InternalServerError):
            return _response(self._responses.faulty())
        status = HTTPStatus(error.code or 500)
        title = "More was sent than this server takes" if status == 413 else "There is nothing here"
        return _response(self._responses.say(f"{status} {status.phrase}", title, error.name))

    def protect(self, response: Response) -> Response:
        """Give the headers of a page to every other response, too."""
        if "Content-Security-Policy" not in response.headers:
            for name, value in self._responses.own_headers:
                response.headers.setdefault(name, value)
        return response

    def _end(self, assignment_id: str, worker_id: str) -> bool:
        """End a lease if the request's signature is for it; return whether it is."""
        if not self._signer.ends_lease(request.form.get("signature", ""), assignment_id, worker_id):
            return False
        self._leases.end([Holder(assignment_id, worker_id)])
        return True

    def _is_run(self) -> bool:
        return self._signer.is_run(request.headers.get("Authorization", ""))


def create_app(server: TaskServer, units: Units, responses: PageResponses) -> Flask:
    """Return the WSGI application."""
    app = Flask("taskserver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    for rule, method, view in (
        ("/unit/<int:index>", "POST", server.end_from_refusal),
        ("/release", "POST", server.end_from_page),
        ("/leases/release", "POST", server.end_from_run),
        ("/sites", "POST", server.add_sites),
        ("/drain", "POST", server.drain),
        ("/health", "GET", server.health),
        (SUBMIT_PATH, "POST", server.refuse_submission),
    ):
        app.add_url_rule(rule, view.__name__, view, methods=[method])
    app.register_error_handler(BadLink, server.on_bad_link)
    app.register_error_handler(DatabaseError, server.on_database_error)
    app.register_error_handler(HTTPException, server.on_http_error)
    app.after_request(server.protect)
    app.wsgi_app = UnitsFirst(units, responses, app.wsgi_app)  # type: ignore[method-assign]
    return app


def _response(response: PageResponse) -> Response:
    return Response(response.page, response.status, response.headers)


def _json(data: dict[str, object], status: int = 200) -> Response:
    response = jsonify(data)
    response.status_code = status
    return response


def _needs_token() -> Response:
    return _json({"error": "this needs the run's token"}, 403)


def _log(environ: WSGIEnvironment, error: DatabaseError) -> None:
    environ["wsgi.errors"].write(f"the leases' database failed: {error}\n")
