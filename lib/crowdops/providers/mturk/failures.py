"""What went wrong with a call to the MTurk Requester API, as the suite's own exceptions."""

from __future__ import annotations

import re
from typing import Any

from crowdops.config.environments import start_command
from crowdops.config.settings import Settings
from crowdops.errors import (
    AlreadyExists,
    CredentialsRefused,
    DuplicateToken,
    Error,
    InsufficientFunds,
    NotFound,
    NotSent,
    OtherServer,
    ProviderError,
    Unreachable,
    WrongState,
)
from crowdops.providers import connections
from crowdops.providers.answers import brief
from crowdops.providers.mturk.session import key_source

# What every whole answer to these operations holds.
_ALWAYS_ANSWERED = {
    "create_hit_type": "HITTypeId",
    "create_hit_with_hit_type": "HIT",
    "get_hit": "HIT",
    "get_assignment": "Assignment",
    "get_account_balance": "AvailableBalance",
    "create_qualification_type": "QualificationType",
}
_CLOSED = (
    "{} does not answer. Amazon closed Mechanical Turk on 2026-09-30. The crowd server of this repository"
    " still works: leave out --environment, and start it with `make crowd`."
)
_TIME_SUFFIX = re.compile(r"\s*\(\d{13}( s)?\)\s*$")
_ID = re.compile(r"\b[A-Z0-9]{20,64}\b")
_THROTTLE_CODES = {
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
}
_KEY_CODES = {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "AccessDeniedException",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
    "SignatureDoesNotMatch",
    "Forbidden",
    "NotAuthorized",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
}


class Throttled(Unreachable):
    """The endpoint refused a call for its rate: it can be sent again."""


def no_answer(settings: Settings, error: Exception) -> Error:
    """Return what botocore's error means for a call that got no answer that can be read."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return CredentialsRefused(f"No AWS key for {settings.environment}: {error}. Run `aws configure`.")
    if limited := connections.limited(error):
        return limited
    explained = connections.explain(error, settings.endpoint)
    if explained and not (_is_amazons(settings) and isinstance(error, exceptions.EndpointConnectionError)):
        return explained
    if isinstance(error, exceptions.EndpointConnectionError):
        return nobody_listens(settings)
    if _is_amazons(settings):
        return Unreachable(_CLOSED.format(settings.endpoint))
    if isinstance(error, ResponseParserError):
        return _no_api(settings)
    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
        return Unreachable(
            f"{settings.endpoint} did not answer within {settings.timeout:g} s ({type(error).__name__})."
            " Try again, or give it longer: --timeout."
        )
    return Unreachable(f"{settings.endpoint} cannot be reached ({brief(str(error))}). Try again.")


def _is_amazons(settings: Settings) -> bool:
    return settings.amazon and settings.endpoint.endswith(".amazonaws.com")


def nobody_listens(settings: Settings) -> NotSent:
    """Return the error for an address that takes no connection, and what to type."""
    if _is_amazons(settings):
        return NotSent(_CLOSED.format(settings.endpoint))
    return NotSent(f"Nothing listens at {settings.endpoint}. {how_to_reach(settings.endpoint)}")


def how_to_reach(endpoint: str, *, is_free: bool = True) -> str:
    """Return what to type where a server does not answer at its address; another may, unless that is free."""
    start = start_command(endpoint) if is_free else None
    begin = f"Start the crowd server: {start}" if start else "Start that server with its own database"
    return f"{begin} (or set AWS_ENDPOINT_URL_MTURK if it is elsewhere)."


def other_server(settings: Settings, server_id: str, told: str | None) -> OtherServer:
    """Return the error for an answer of another server than the one that was asked."""
    who = f"the crowd server {told}" if told else "a server that does not say which one it is"
    return OtherServer(
        f"At {settings.endpoint} answers {who}, and not {server_id}, to which this belongs. Nothing was done"
        f" there. {how_to_reach(settings.endpoint, is_free=False)}"
    )


def refusal(settings: Settings, method: str, response: dict[str, Any]) -> Error:
    """Return what an error answer means: by its type, then by TurkErrorCode, only then by its words."""
    code = brief(str(response.get("Error", {}).get("Code", "")), 100)
    message = response.get("Message") or response.get("Error", {}).get("Message", "")
    text = _TIME_SUFFIX.sub("", brief(str(message)))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    endpoint = settings.endpoint
    if 300 <= status < 400:
        return ProviderError(
            f"{endpoint} leads elsewhere (HTTP {status}). That is not followed: the call would go there."
            " Name the server itself: AWS_ENDPOINT_URL_MTURK."
        )
    if status < 500 and _is_foreign(response):
        return _no_api(settings)
    if code in _KEY_CODES or status == 403:
        return CredentialsRefused(f"{endpoint} refused the key ({code}: {text}). {key_source(settings)}")
    if code in _THROTTLE_CODES:
        return Throttled(f"{endpoint} throttles without end ({text}). Try again later.")
    if status >= 500 or code == "ServiceFault":
        return Unreachable(
            f"{endpoint} failed at {method} ({code}: {text}). Try again in a minute."
            f"{connections.about_proxy(endpoint) if _is_foreign(response) else ''}"
        )
    turk_code = str(response.get("TurkErrorCode", ""))[:100].removeprefix("AWS.MechanicalTurk.").lower()
    return _request_error(turk_code, text) or ProviderError(f"{method}: {text or code}")


def _request_error(turk_code: str, text: str) -> Error | None:
    if turk_code == "qualificationtypealreadyexists" or text.startswith("You have already created a Qual"):
        return AlreadyExists(text)
    if turk_code in ("hitalreadyexists", "duplicatecall") or "already been processed" in text:
        return DuplicateToken(text, _ID.findall(text))
    if turk_code.endswith("doesnotexist") or "does not exist" in text:
        return NotFound(text)
    if turk_code in ("invalidhitstate", "invalidassignmentstate") or "can be called with a status of" in text:
        return WrongState(text)
    if turk_code == "insufficientfunds" or text.startswith("This Requester has insufficient funds"):
        return InsufficientFunds(text)
    return None


def check_answer(settings: Settings, method: str, answer: dict[str, Any]) -> None:
    """Raise Unreachable for an answer that was cut off: botocore takes such a body for an empty one.

    ProviderError if it says of itself that it is no JSON: some other server answers at this address.
    """
    needed = "NumResults" if method.startswith("list_") else _ALWAYS_ANSWERED.get(method)
    if needed in answer:
        return
    if _is_foreign(answer):
        raise _no_api(settings)
    if needed is None:
        return
    raise Unreachable(f"{settings.endpoint} sent a cut-off answer to {method}. Try again.")


def _is_foreign(answer: dict[str, Any]) -> bool:
    kind = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-type", "json")
    return "json" not in kind


def _no_api(settings: Settings) -> ProviderError:
    proxy = connections.about_proxy(settings.endpoint)
    return ProviderError(f"{settings.endpoint} answers, but not as the MTurk Requester API does.{proxy}")
