"""Checks the Signature Version 4 of a request, with botocore's own signer.

The date of a signature is held against real time, never against the server's movable clock.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey

from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.errors import ApiError

SERVICE = "mturk-requester"
REGION = "us-east-1"

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORMAT = "%Y%m%dT%H%M%SZ"
_TOLERANCE = timedelta(minutes=15)


class _Claim(NamedTuple):
    """The parts of an Authorization header."""

    key_id: str
    day: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str


def verify(
    credentials: Credentials, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Check that a request was signed with the key pair.

    target: path and query as they were sent. headers: by name, in any case.
    Raises an ApiError as Amazon's front door does: MissingAuthenticationTokenException, IncompleteSignatureException,
    UnrecognizedClientException or InvalidSignatureException.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if "authorization" not in given:
        raise ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    claim = _read(given["authorization"])
    if claim.key_id != credentials.access_key_id or "x-amz-security-token" in given:
        raise ApiError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    timestamp = given.get("x-amz-date", "")
    _check_scope(claim, timestamp)
    _check_date(timestamp)
    _check_signed_headers(claim, given, body)
    if not hmac.compare_digest(claim.signature, _sign(credentials, method, target, claim, given, body)):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


def _read(authorization: str) -> _Claim:
    algorithm, _, rest = authorization.partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = parts.get("Credential", "").split("/")
    headers = parts.get("SignedHeaders", "").lower().split(";")
    if algorithm != _ALGORITHM or len(scope) != 5 or scope[4] != "aws4_request" or "Signature" not in parts:
        raise ApiError(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters "
            f"and the algorithm {_ALGORITHM}.",
        )
    return _Claim(scope[0], scope[1], scope[2], scope[3], headers, parts["Signature"])


def _check_scope(claim: _Claim, timestamp: str) -> None:
    if claim.region != REGION:
        raise _invalid(f"Credential should be scoped to a valid region, not '{claim.region}'.")
    if claim.service != SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if claim.day != timestamp[:8]:
        raise _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        )


def _check_date(timestamp: str) -> None:
    try:
        signed = datetime.strptime(timestamp, _FORMAT).replace(tzinfo=UTC)
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


def _check_signed_headers(claim: _Claim, given: Mapping[str, str], body: bytes) -> None:
    needed = {"host"} | {name for name in given if name.startswith("x-amz-")}
    missing = sorted(needed - set(claim.signed_headers)) + sorted(set(claim.signed_headers) - set(given))
    if missing:
        raise _invalid(f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization.")
    digest = given.get("x-amz-content-sha256")
    if digest is not None and digest != hashlib.sha256(body).hexdigest():
        raise _invalid("The value of the header x-amz-content-sha256 does not match the body of the request.")


def _sign(
    credentials: Credentials, method: str, target: str, claim: _Claim, given: Mapping[str, str], body: bytes
) -> str:
    signer = auth.SigV4Auth(
        SigningKey(credentials.access_key_id, credentials.secret_access_key), SERVICE, REGION
    )
    request = AWSRequest(
        method=method,
        url=f"http://{given['host']}{target}",
        headers={name: given[name] for name in claim.signed_headers},
        data=body,
    )
    request.context["timestamp"] = given["x-amz-date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signature: str = signer.signature(text, request)
    return signature


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidSignatureException", message)
