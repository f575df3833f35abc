"""Checks the Signature Version 4 of a request, with botocore's own signer.

The date of a signature is held against real time, never against the server's movable clock.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from wsgiref.types import WSGIEnvironment

from botocore.auth import SigV4Auth

from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.errors import ApiError

SERVICE = "mturk-requester"
REGION = "us-east-1"

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORMAT = "%Y%m%dT%H%M%SZ"
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_KEY_ID = re.compile(r"Credential=(\w+)/", re.ASCII)
_TOLERANCE = timedelta(minutes=15)


class _Authorization(NamedTuple):
    """The parts of an Authorization header."""

    key_id: str
    day: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str


class _SigningKey(NamedTuple):
    """A key pair as botocore's signer takes it; its own class imports most of botocore."""

    access_key: str
    secret_key: str
    token: None = None


class _Request(NamedTuple):
    """A request as botocore's signer takes it; to make its own class ready takes longer than to sign."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    context: Mapping[str, str]
    params: None = None


def headers_of(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the headers of a request, by name in lower case."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("content-type", "content-length"):
        if value := environ.get(name.replace("-", "_").upper()):
            headers[name] = value
    return headers


def verify(
    credentials: Credentials, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Check that a request was signed with the key pair.

    target: path and query as they were sent. headers: by name in lower case.
    Raises an ApiError as Amazon's front door does: MissingAuthenticationTokenException,
    IncompleteSignatureException, UnrecognizedClientException or InvalidSignatureException.
    """
    if "authorization" not in headers:
        raise ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    authorization = _read(headers["authorization"])
    if authorization.key_id != credentials.access_key_id or "x-amz-security-token" in headers:
        raise ApiError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    timestamp = headers.get("x-amz-date", "")
    _check_scope(authorization, timestamp)
    _check_date(timestamp)
    _check_signed_headers(authorization, headers, body)
    signed_headers = {name: headers[name] for name in authorization.signed_headers}
    url = f"http://{headers['host']}{target}"
    request = _Request(method, url, signed_headers, body, {"timestamp": timestamp})
    if not _is_signature(authorization.signature, credentials, request):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access Key and signing method. Consult the service documentation for details."
        )


def key_id(authorization: str) -> str:
    """Return whose key an Authorization header says that it is of; nothing where it says none."""
    match = _KEY_ID.search(authorization)
    return match[1] if match else ""


def _read(header: str) -> _Authorization:
    algorithm, _, rest = header.partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = parts.get("Credential", "").split("/")
    headers = parts.get("SignedHeaders", "").lower().split(";")
    if algorithm != _ALGORITHM or len(scope) != 5 or scope[4] != "aws4_request" or "Signature" not in parts:
        raise ApiError(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters "
            f"and the algorithm {_ALGORITHM}.",
        )
    key_id, day, region, service, _ = scope
    return _Authorization(key_id, day, region, service, headers, parts["Signature"])


def _check_scope(authorization: _Authorization, timestamp: str) -> None:
    if authorization.region != REGION:
        raise _invalid(f"Credential should be scoped to a valid region, not '{authorization.region}'.")
    if authorization.service != SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if authorization.day != timestamp[:8]:
        raise _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        )


def _check_date(timestamp: str) -> None:
    try:
        signed = _moment(timestamp)
    except ValueError as error:
        raise ApiError(
            "IncompleteSignatureException",
            "Date must be in ISO-8601 'basic format', in the header X-Amz-Date.",
        ) from error
    now = datetime.now(UTC)
    if signed < now - _TOLERANCE:
        oldest = (now - _TOLERANCE).strftime(_FORMAT)
        raise _invalid(
            f"Signature expired: {timestamp} is now earlier than {oldest} ({now:{_FORMAT}} - 15 min.)"
        )
    if signed > now + _TOLERANCE:
        newest = (now + _TOLERANCE).strftime(_FORMAT)
        raise _invalid(
            f"Signature not yet current: {timestamp} is still later than {newest} ({now:{_FORMAT}} + 15 min.)"
        )


def _check_signed_headers(authorization: _Authorization, headers: Mapping[str, str], body: bytes) -> None:
    signed = set(authorization.signed_headers)
    needed = {"host"} | {name for name in headers if name.startswith("x-amz-")}
    missing = sorted(needed - signed) + sorted(signed - set(headers))
    if missing:
        raise _invalid(f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization.")
    digest = headers.get("x-amz-content-sha256")
    if digest is not None and digest != hashlib.sha256(body).hexdigest():
        raise _invalid("The value of the header x-amz-content-sha256 does not match the body of the request.")


def _moment(timestamp: str) -> datetime:
    if not _DATE.fullmatch(timestamp):
        raise ValueError(timestamp)
    return datetime.fromisoformat(timestamp)


def _is_signature(text: str, credentials: Credentials, request: _Request) -> bool:
    key = _SigningKey(credentials.access_key_id, credentials.secret_access_key)
    signer = SigV4Auth(key, SERVICE, REGION)
    try:
        canonical = signer.canonical_request(request)
    except ValueError:
        return False  # its host is none, and nobody can have signed it
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    return hmac.compare_digest(text.encode(), signature.encode())


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidSignatureException", message)
