"""What a signed-in browser holds, and the links that only it has.

Its cookie holds the token of a session in the database. Forms and frame links are signed with a key derived
from the requester's secret key and name the session: they end with it, and the web processes keep nothing.
"""

import hashlib
import hmac
from typing import NamedTuple

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

from crowdserver.worker.sessions import SESSION_SECONDS

_MOST_COOKIES = 8  # of one name that are looked at


class FrameKey(NamedTuple):
    """What a frame's link opens: one HIT in one session, as a preview where there is no assignment."""

    session_id: str
    hit_id: str
    assignment_id: str | None


class SessionCookie:
    """The cookie of one crowd server.

    Browsers send a cookie to every port of a host, so that its name is that of this server. Behind TLS it
    begins with `__Host-`: browsers then take it from no other host of the domain, and for no path.
    """

    def __init__(self, server_id: str) -> None:
        self._plain_name = f"crowd_session_{server_id[:8]}"

    def name(self, request: Request) -> str:
        """Return the cookie's name where the site is reached as in this request."""
        return f"__Host-{self._plain_name}" if request.is_secure else self._plain_name

    def tokens(self, request: Request) -> list[str]:
        """Return the tokens that a browser sends; several where another server has set some of this name."""
        return request.cookies.getlist(self.name(request))[:_MOST_COOKIES]

    def set(self, response: Response, token: str, request: Request) -> None:
        """Set the cookie: for this site only, not for scripts or for requests that others start."""
        response.set_cookie(
            self.name(request),
            token,
            max_age=SESSION_SECONDS,
            path=self._path(request),
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )

    def delete(self, response: Response, request: Request) -> None:
        """Let the browser forget the cookie."""
        response.delete_cookie(
            self.name(request),
            path=self._path(request),
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )

    def _path(self, request: Request) -> str:
        return "/" if request.is_secure else request.script_root or "/"


class Signer:
    """Signs form tokens and frame links, each kind with a key of its own."""

    def __init__(self, secret: str) -> None:
        self._form = _serializer(secret, "form")
        self._frame = _serializer(secret, "frame")

    def form_token(self, session_id: str) -> str:
        """Return what every form of this session carries, so that no other site can post in its name."""
        return str(self._form.dumps(session_id))

    def form_is_own(self, request: Request, session_id: str) -> bool:
        """Return whether a posted form was made by this site for this session."""
        return hmac.compare_digest(
            request.form.get("form_token", "").encode(), self.form_token(session_id).encode()
        )

    def frame_key(self, key: FrameKey) -> str:
        """Return the unguessable part of a frame's address."""
        return str(self._frame.dumps(list(key)))

    def read_frame_key(self, text: str) -> FrameKey | None:
        """Return what a frame's address opens, or None for an address that was not made here."""
        try:
            return FrameKey(*self._frame.loads(text))
        except (BadSignature, TypeError):  # also one that an older version made
            return None


def _serializer(secret: str, purpose: str) -> URLSafeSerializer:
    signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret, salt=f"crowdserver.{purpose}", signer_kwargs=signing)
