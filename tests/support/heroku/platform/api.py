"""The HTTP face of the emulator: the Platform API's paths and protocol, and control paths of its own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from . import faults, paging, refusals, shapes
from .logs import Selection
from .platform import Platform
from .shapes import Resource
from .world import BUCKET_SIZE, REFILL_PER_SECOND, App

# What is not the API: open by a secret in the URL, as at S3, Logplex and the build output, or the emulator's
# own.
OUTSIDE = ("blobs", "streams", "logplex", "control")
_ACCEPTED = re.compile(r"application/vnd\.heroku\+json; *version=3(\..+)?|\*/\*|application/json")


class Bucket:
    """The calls an account has left: 4,500, refilled by 75 a minute."""

    def __init__(self) -> None:
        self._left, self._seen = float(BUCKET_SIZE), time.monotonic()

    @property
    def left(self) -> int:
        now = time.monotonic()
        self._left = min(BUCKET_SIZE, self._left + (now - self._seen) * REFILL_PER_SECOND)
        self._seen = now
        return int(self._left)

    def take(self) -> None:
        if self.left < 1:
            raise refusals.rate_limited()
        self._left -= 1


class Api:
    """The WSGI application over one platform."""

    def __init__(self, platform: Platform, page_size: int) -> None:
        self.platform = platform
        self.page_size = page_size
        self.buckets: dict[str, Bucket] = {}
        self.log_sessions: dict[str, tuple[str, Selection, bool]] = {}
        self.flask = Flask(__name__)
        self.flask.before_request(self._enter)
        self.flask.after_request(self._leave)
        self.flask.register_error_handler(refusals.Refusal, _refuse)
        self.flask.register_error_handler(HTTPException, _refuse_path)

    def operation(self) -> str:
        rule = request.url_rule
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) if isinstance(rule, Rule) else request.path
        return f"{request.method} {path}"

    def _enter(self) -> Response | None:
        g.outside = request.path.split("/")[1].removeprefix("_") in OUTSIDE
        if g.outside:
            return None
        g.operation = self.operation()
        request.get_data()  # a call that is struck has come in whole, whatever becomes of its client
        self._strike_before()
        accept = request.headers.get("Accept", "*/*")
        if not any(_ACCEPTED.fullmatch(part.strip()) for part in accept.split(",")):
            raise refusals.not_acceptable()
        with self.platform.lock:
            g.account = self.platform.world.account_of(_token())
            bucket = self.buckets.setdefault(g.account["email"], Bucket())
            if request.path != "/account/rate-limits":
                bucket.take()
            g.left = bucket.left
        return None

    def _strike_before(self) -> None:
        fault = self.platform.faults.take(faults.BEFORE, g.operation)
        if fault is None:
            return
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        elif fault.kind == "hold-before":
            self.platform.faults.hold()
        elif fault.kind == "throttle":
            raise refusals.rate_limited()
        elif fault.kind == "drop-before":
            _drop_connection()
            raise refusals.Refusal(500, "dropped", "")
        else:
            raise refusals.Refusal(fault.status, fault.id, fault.message)

    def _leave(self, response: Response) -> Response:
        if g.get("outside", True):
            return response
        response = self._strike_after(response)
        response.headers["Request-Id"] = shapes.new_id()
        if "left" in g:
            response.headers["RateLimit-Remaining"] = str(g.left)
        response.headers["ETag"] = f'"{hashlib.md5(response.get_data(), usedforsecurity=False).hexdigest()}"'
        if request.method == "GET" and response.status_code < 300:
            response.make_conditional(request)
        self.platform.faults.count(g.operation, ok=response.status_code < 400)
        return response

    def _strike_after(self, response: Response) -> Response:
        fault = self.platform.faults.take(faults.AFTER, g.operation)
        if fault is None:
            return response
        if fault.kind == "hold-after":
            self.platform.faults.hold()
        elif fault.kind == "drop-after":
            _drop_connection()
        elif fault.kind == "rename-app":
            with self.platform.lock:
                renamed = next(
                    app for app in self.platform.world.apps.values() if fault.app in (app.id, app.name)
                )
                self.platform.rename(renamed, fault.name)
        else:
            return _refuse(refusals.Refusal(fault.status, fault.id, fault.message))
        return response

    def app(self, identity: str) -> App:
        return self.platform.world.find(g.account, identity)

    def listing(self, items: list[Resource]) -> Response:
        page = paging.cut(items, request.headers.get("Range"), self.page_size)
        return answer(page.items, page.status, page.headers())

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """A change to the world: alone, and on disk before its answer leaves."""
        with self.platform.lock:
            yield
            self.platform.world.save()


def answer(body: Any, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(
        json.dumps(body),
        status,
        {"Accept-Ranges": "id, name, updated_at", **(headers or {})},
        mimetype="application/json",
    )


def body() -> dict[str, Any]:
    """The JSON object that was sent; nothing sent is an empty one."""
    raw = request.get_data()
    try:
        sent = json.loads(raw) if raw else {}
    except ValueError:
        raise refusals.Refusal(400, "bad_request", "Unable to parse the JSON request body.") from None
    if not isinstance(sent, dict):
        raise refusals.Refusal(400, "bad_request", "The request body must be a JSON object.")
    return sent


def _token() -> str:
    """The token of a Bearer header or the password of a Basic one, whatever its user."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[2]
        except ValueError:
            raise refusals.unauthorized() from None
    return value.strip()


def _drop_connection() -> None:
    connection = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _refuse(refusal: refusals.Refusal) -> Response:
    return answer(refusal.body, refusal.status)


def _refuse_path(error: HTTPException) -> Response:
    return _refuse(refusals.unknown_endpoint())
