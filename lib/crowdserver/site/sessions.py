"""What a signed-in browser holds, and the links that only its worker has.

Everything is signed with a key derived from the requester's secret key, so the web processes keep
nothing and share nothing but the database. A session names the invitation it came from: a newer link
for the same worker ends it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "crowd_session"
COOKIE_SECONDS = 180 * 86400


class Session(NamedTuple):
    """Who is signed in, and by which invitation (the beginning of its token's hash)."""

    worker_id: str
    invitation: str


class FrameKey(NamedTuple):
    """What a frame's link opens: one HIT for one worker, as a preview where there is no assignment."""

    worker_id: str
    hit_id: str
    assignment_id: str | None


class Signer:
    """Signs sessions, form tokens and frame links; each kind with a key of its own."""

    def __init__(self, secret: str) -> None:
        self._session = _serializer(secret, "session")
        self._form = _serializer(secret, "form")
        self._frame = _serializer(secret, "frame")

    def open_session(self, response: Response, session: Session, request: Request) -> None:
        """Set the session cookie: for this site only, not for scripts or for requests that others start."""
        response.set_cookie(
            COOKIE,
            str(self._session.dumps(list(session))),
            max_age=COOKIE_SECONDS,
            path=request.script_root or "/",
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )

    def session(self, request: Request) -> Session | None:
        """Return the session of a request, or None where there is no cookie or a forged one."""
        try:
            return Session(*self._session.loads(request.cookies.get(COOKIE, "")))
        except BadSignature:
            return None

    def form_token(self, session: Session) -> str:
        """Return what every form of this session carries, so that no other site can post in its name."""
        return str(self._form.dumps(list(session)))

    def form_is_own(self, request: Request, session: Session) -> bool:
        """Return whether a posted form was made by this site for this session."""
        return hmac.compare_digest(
            request.form.get("form_token", "").encode(), self.form_token(session).encode()
        )

    def frame_key(self, key: FrameKey) -> str:
        """Return the unguessable part of a frame's address."""
        return str(self._frame.dumps(list(key)))

    def read_frame_key(self, text: str) -> FrameKey | None:
        """Return what a frame's address opens, or None for an address that was not made here."""
        try:
            return FrameKey(*self._frame.loads(text))
        except BadSignature:
            return None


def _serializer(secret: str, purpose: str) -> URLSafeSerializer:
    signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret, salt=f"crowdserver.{purpose}", signer_kwargs=signing)
