"""The crowd server as a WSGI application. Every answer says which server it comes from."""

from collections.abc import Sequence

from flask import Flask, Response, jsonify, request

from crowdserver import api, failures
from crowdserver.api import Conditions
from crowdserver.control import endpoint
from crowdserver.protocol.public_address import AtPublicAddress, Network, PublicUrl
from crowdserver.site import submissions, views
from crowdserver.site.lab import NOBODY, Lab
from crowdserver.site.sessions import SessionCookie, Signer
from crowdserver.storage.transactions import Crowd

# Of answers that are for programs: a browser that shows one loads nothing by it.
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
# The bytes that a request's body may have, by what answers it: more is refused before any of it is read.
_MOST_BYTES = 16 << 10
_MOST_BYTES_OF = {
    # A qualification test and its answers have 65,535 bytes each, before they are JSON.
    "api.answer": 1 << 20,
    "api.invites": 1 << 20,  # the names of a thousand workers
    "api.attributes": 1 << 20,
    "api.qualified": 1 << 20,
    "api.returns": 128 << 10,
    "api.removals": 128 << 10,
    "site.messages.write": 64 << 10,  # 4,096 characters, each as up to nine in a form
    "site.external_submit": submissions.MOST_BYTES,
    "site.qualifications.submit": submissions.MOST_BYTES,
}


def create_app(
    crowd: Crowd,
    conditions: Conditions,
    public: PublicUrl | None = None,
    trusted: Sequence[Network] = (),
    lab: Lab = NOBODY,
) -> Flask:
    """Return the application over a prepared database, with the control API if conditions.calls.

    `public` is its address outside, behind a web server; `trusted` are the web servers that may tell it;
    `lab` says whose site it is.
    """
    app = Flask("crowdserver")
    app.extensions["crowd"] = crowd
    app.extensions["conditions"] = conditions
    app.extensions["lab"] = lab
    app.extensions["signer"] = Signer(crowd.credentials.secret_access_key)
    app.before_request(_limit_body)
    failures.register(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(views.blueprint)
    if conditions.calls:
        app.register_blueprint(endpoint.blueprint)
    server_id = crowd.database.server_id()
    app.extensions["server_id"] = server_id
    app.extensions["session_cookie"] = SessionCookie(server_id)

    def health() -> Response:
        address = {"public_url": str(public)} if public else {}
        return jsonify(status="ok", server_id=server_id, **address)

    def identify(response: Response) -> Response:
        response.headers[api.SERVER_ID_HEADER] = server_id
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Content-Security-Policy", _NO_PAGE)
        return response

    app.add_url_rule("/health", view_func=health)
    app.after_request(identify)
    app.wsgi_app = AtPublicAddress(app.wsgi_app, public, trusted)  # type: ignore[method-assign]
    return app


def _limit_body() -> None:
    most = _MOST_BYTES_OF.get(request.endpoint or "", _MOST_BYTES)
    request.max_content_length = request.max_form_memory_size = most
