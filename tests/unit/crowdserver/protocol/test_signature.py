"""Signatures: what boto3 signs passes, and nothing else does."""

import datetime
import hashlib
from typing import Any

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from crowdserver.protocol import signature
from crowdserver.protocol.credentials import Credentials as KeyPair
from crowdserver.protocol.errors import ApiError
from tests.support.crowds import Crowd
from tests.support.refusals import refused

_TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


def _client(crowd: Crowd, key_id: str, secret: str, **more: Any) -> Any:
    return boto3.session.Session().client(
        "mturk",
        **{"region_name": "us-east-1", "endpoint_url": crowd.url, **more},
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


def _signed(crowd: Crowd, body: bytes = b"{}", **headers: str) -> dict[str, str]:
    request = AWSRequest(
        "POST",
        crowd.url + "/",
        {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _TARGET, **headers},
        body,
    )
    SigV4Auth(Credentials(*crowd.credentials), "mturk-requester", "us-east-1").add_auth(request)
    return dict(request.headers)


def _answer(crowd: Crowd, headers: dict[str, str], body: bytes = b"{}") -> tuple[int, str, str]:
    response = requests.post(crowd.url + "/", headers=headers, data=body, timeout=10)
    members = response.json()
    return response.status_code, members.get("__type", ""), members.get("message", "")


def test_what_boto3_signs_passes(crowd: Crowd) -> None:
    assert _client(crowd, *crowd.credentials).get_account_balance()["AvailableBalance"] == "10000.00"
    assert _answer(crowd, _signed(crowd)) == (200, "", "")


def test_another_key_or_secret_is_refused(crowd: Crowd) -> None:
    key_id, secret = crowd.credentials
    with refused(
        "UnrecognizedClientException", None, "The security token included in the request is invalid."
    ):
        _client(crowd, "AKIAIOSFODNN7EXAMPLE", secret).get_account_balance()
    with refused("InvalidSignatureException", None, _MISMATCH):
        _client(crowd, key_id, secret + "x").get_account_balance()
    with refused(
        "UnrecognizedClientException", None, "The security token included in the request is invalid."
    ):
        _client(crowd, key_id, secret, aws_session_token="token").get_account_balance()


def test_another_region_or_service_is_refused(crowd: Crowd) -> None:
    text = "Credential should be scoped to a valid region, not 'us-west-2'."
    with refused("InvalidSignatureException", None, text):
        _client(crowd, *crowd.credentials, region_name="us-west-2").get_account_balance()
    headers = _signed(crowd)
    headers["Authorization"] = headers["Authorization"].replace("/mturk-requester/", "/sqs/")
    text = "Credential should be scoped to correct service: 'mturk-requester'."
    assert _answer(crowd, headers) == (400, "InvalidSignatureException", text)


def test_an_unsigned_request_is_refused(crowd: Crowd) -> None:
    expected = (400, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
    assert _answer(crowd, {"X-Amz-Target": _TARGET}) == expected
    for header in ("Basic eDp5", "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256"):
        status, kind, message = _answer(crowd, {"X-Amz-Target": _TARGET, "Authorization": header})
        assert (status, kind) == (400, "IncompleteSignatureException")
        assert message.startswith(
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'"
        )


def test_a_request_changed_on_its_way_is_refused(crowd: Crowd) -> None:
    mismatch = (400, "InvalidSignatureException", _MISMATCH)
    assert _answer(crowd, _signed(crowd), b'{"a": 1}') == mismatch
    changed = {**_signed(crowd), "X-Amz-Target": "MTurkRequesterServiceV20170117.ListHITs"}
    assert _answer(crowd, changed) == mismatch
    response = requests.post(crowd.url + "/?x=1", headers=_signed(crowd), data=b"{}", timeout=10)
    assert response.json()["message"] == _MISMATCH


def test_amazons_headers_must_be_signed(crowd: Crowd) -> None:
    headers = {**_signed(crowd), "X-Amz-Meta": "unsigned"}
    text = "'x-amz-meta' must be a 'SignedHeader' in the AWS Authorization."
    assert _answer(crowd, headers) == (400, "InvalidSignatureException", text)
    headers = _signed(crowd)
    headers["Authorization"] = headers["Authorization"].replace("host;", "")
    text = "'host' must be a 'SignedHeader' in the AWS Authorization."
    assert _answer(crowd, headers) == (400, "InvalidSignatureException", text)


def test_a_digest_of_the_body_may_be_sent_and_must_be_right(crowd: Crowd) -> None:
    right, wrong = hashlib.sha256(b"{}").hexdigest(), hashlib.sha256(b"{ }").hexdigest()
    assert _answer(crowd, _signed(crowd, **{"X-Amz-Content-SHA256": right})) == (200, "", "")
    text = "The value of the header x-amz-content-sha256 does not match the body of the request."
    for digest in (wrong, "UNSIGNED-PAYLOAD"):
        assert _answer(crowd, _signed(crowd, **{"X-Amz-Content-SHA256": digest})) == (
            400,
            "InvalidSignatureException",
            text,
        )


@pytest.mark.parametrize(
    ("minutes", "text"), [(-16, "Signature expired: "), (16, "Signature not yet current: ")]
)
def test_a_signature_counts_for_fifteen_minutes_of_real_time(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, minutes: int, text: str
) -> None:
    crowd.advance(86_400)
    assert _answer(crowd, _signed(crowd))[0] == 200
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: then)
    status, kind, message = _answer(crowd, _signed(crowd))
    assert (status, kind) == (400, "InvalidSignatureException")
    assert message.startswith(text + then.strftime("%Y%m%dT%H%M%SZ"))


def test_a_body_that_is_no_json_is_refused(crowd: Crowd) -> None:
    for body, text in (
        (b"{", "The body of the request is not JSON."),
        (b"[]", "The body of the request is not a JSON object."),
    ):
        assert _answer(crowd, _signed(crowd, body), body) == (400, "SerializationException", text)


def test_other_addresses_can_be_protected_too() -> None:
    pair = KeyPair("CROWDTEST", "a secret")
    target = "/a%20path/invites?x=1&a1=2&a=b%20c&a"
    request = AWSRequest("POST", f"http://example.org{target}", {"X-Amz-Target": " x  y "}, b"body")
    SigV4Auth(Credentials(*pair), "mturk-requester", "us-east-1").add_auth(request)
    headers = {**{name.lower(): value for name, value in request.headers.items()}, "host": "example.org"}
    signature.verify(pair, "POST", target, headers, b"body")
    with pytest.raises(ApiError, match="does not match the signature"):
        signature.verify(pair, "POST", target, headers, b"another body")
    with pytest.raises(ApiError, match="does not match the signature"):
        signature.verify(pair, "POST", target.replace("path", "way"), headers, b"body")


def test_another_versions_operations_are_unknown(crowd: Crowd) -> None:
    for target in ("GetAccountBalance", "MTurkRequesterServiceV20140815.GetAccountBalance", ""):
        headers = _signed(crowd, **{"X-Amz-Target": target})
        assert _answer(crowd, headers) == (
            400,
            "UnknownOperationException",
            f"{target!r} is not an operation of this crowd server.",
        )
