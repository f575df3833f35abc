"""The paths beside the API: the blob store, build output, log streams, and the control of the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from flask import Response, request

from . import refusals
from .api import Api, answer, body
from .logs import Line


def install(api: Api) -> None:
    """Give the API the paths that need no token."""
    for part in (_blobs, _streams, _control):
        part(api)


def _blobs(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/blobs/<name>", methods=["PUT"])
    def put_blob(name: str) -> Response:
        """Store what is sent. As at S3, a signed URL takes no other authorization and no other type."""
        if request.headers.get("Authorization"):
            return _s3_error(400, "InvalidArgument", "Only one auth mechanism allowed")
        if request.headers.get("Content-Type"):
            return _s3_error(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the"
                " signature you provided. Check your key and signing method.",
            )
        (platform.blobs / name).write_bytes(request.get_data())
        return Response(status=200)

    @route("/blobs/<name>")
    def get_blob(name: str) -> Response:
        blob = platform.blobs / name
        if not blob.is_file():
            return _s3_error(404, "NoSuchKey", "The specified key does not exist.")
        return Response(blob.read_bytes(), mimetype="application/gzip")


def _s3_error(status: int, code: str, message: str) -> Response:
    return Response(
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status, mimetype="application/xml"
    )


def _streams(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/streams/<build>")
    def build_output(build: str) -> Response:
        if output := platform.deployments.outputs.get(build):
            return Response(output.follow(), mimetype="text/plain")
        for app in platform.world.apps.values():
            if build in app.outputs:
                return Response(app.outputs[build], mimetype="text/plain")
        raise refusals.not_found("build", "build")

    @route("/logplex/<session>")
    def log_stream(session: str) -> Response:
        """Return the lines of a log session: events for who asks, as the official CLI does, else plain."""
        app_id, selection, tail = api.log_sessions.get(session, ("", None, False))
        logs = platform.logs.get(app_id)
        if logs is None or selection is None:
            raise refusals.not_found("log_session", "log session")
        events = "text/event-stream" in request.headers.get("Accept", "")
        lines = logs.follow(selection) if tail else iter(logs.last(selection))
        if events:
            return Response(_as_events(lines, tail), mimetype="text/event-stream")
        # Plain readers get nothing while nothing happens.
        return Response(("" if line is None else f"{line}\n" for line in lines), mimetype="text/plain")


def _as_events(lines: Iterator[Line | None], tail: bool) -> Iterator[str]:
    if not tail:
        # The CLI's event source lingers this many milliseconds after the end, 3,000 if not told.
        yield "retry: 50\n\n"
    for line in lines:
        # A comment keeps the stream open.
        yield ":\n\n" if line is None else f"data: {line}\n\n"


def _control(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/_control/accounts", methods=["POST"])
    def add_account() -> Response:
        """`{"email", "token", "verified": true}`"""
        with api.change():
            return answer(platform.world.add_account(**body()), 201)

    @route("/_control/teams", methods=["POST"])
    def add_team() -> Response:
        """`{"name", "members": [email, …]}`"""
        with api.change():
            return answer(platform.world.add_team(**body()), 201)

    @route("/_control/apps", methods=["DELETE"])
    def delete_all_apps() -> Response:
        """Everybody's apps; the accounts get all their calls back."""
        with api.change():
            for app in list(platform.world.apps.values()):
                platform.delete_app(app)
            api.buckets.clear()
        return answer({})

    @route("/_control/databases", methods=["POST"])
    def add_database() -> Response:
        """`{"url"}` of an empty database, for the next Postgres add-on"""
        with api.change():
            platform.world.databases.append(body()["url"])
        return answer({}, 201)

    @route("/_control/faults", methods=["POST"])
    def order_fault() -> Response:
        return answer(asdict(platform.faults.order(body())), 201)

    @route("/_control/faults", methods=["DELETE"])
    def clear_faults() -> Response:
        platform.faults.clear()
        return answer({})

    @route("/_control/calls")
    def calls() -> Response:
        return answer(platform.faults.calls())

    @route("/_control/held")
    def held() -> Response:
        """How many calls a hold fault keeps waiting now."""
        return answer({"held": platform.faults.held})
