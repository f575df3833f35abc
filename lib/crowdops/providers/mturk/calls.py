"""How calls are made to an endpoint that serves the MTurk Requester API (2017-01-17), and what errors mean.

Every call has one time limit, repeats included, and repeats are ours: botocore's own are off, because it
would resend a creation after a lost answer without telling. A resend is safe here: calls that create or
pay carry a token, the others are settled by reading. The one that is neither is sent `once`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from crowdops.config.settings import Settings
from crowdops.errors import (
    AlreadyExists,
    CredentialsRefused,
    DuplicateToken,
    Error,
    InsufficientFunds,
    NotFound,
    NotSent,
    ProviderError,
    Unreachable,
    WrongState,
)
from crowdops.providers.mturk.pacing import Pacer
from crowdops.providers.mturk.session import credentials_path, make_client

PAGE = 100  # results a page, the API's maximum
REFUSED_PAUSE_SECONDS = 0.5
MAX_THROTTLES = 60
ALWAYS_ANSWERED = {
    "create_hit_type": "HITTypeId",
    "create_hit_with_hit_type": "HIT",
    "get_hit": "HIT",
    "get_assignment": "Assignment",
    "get_account_balance": "AvailableBalance",
    "create_qualification_type": "QualificationType",
}
_TIME_SUFFIX = re.compile(r"\s*\(\d{13}( s)?\)\s*$")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")  # RFC 9110, 5.6.7
_ID = re.compile(r"\b[A-Z0-9]{20,64}\b")
_THROTTLES = {
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
}
_KEY_REFUSED = {
    *(
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "AccessDeniedException",
        "InvalidClientTokenId",
    ),
    *(
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "SignatureDoesNotMatch",
        "Forbidden",
    ),
    *("NotAuthorized", "ExpiredTokenException", "InvalidAccessKeyId"),
}


class Calls:
    """Makes calls to one endpoint, from many threads. `calls` counts what was sent, `throttled` what was put off."""

    def __init__(self, settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings, self._sleep = settings, sleep
        self._pacer = Pacer(sleep=sleep)
        self._lock = threading.Lock()
        self._client: Any = None
        self.calls = self.throttled = 0
        self._dated: tuple[str, datetime] | None = None

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far the endpoint's clock is ahead of this machine's, by its latest answer; None before that. To the second."""
        if self._dated is None:
            return None
        date, received = self._dated
        return parsedate_to_datetime(date) - received.replace(microsecond=0)

    def _pages(self, method: str, key: str, **arguments: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield pages. The walk ends where no token comes back; a last, empty page is normal."""
        while True:
            answer = self._call(method, MaxResults=PAGE, **arguments)
            yield answer.get(key, [])
            if not answer.get("NextToken"):
                return
            arguments["NextToken"] = answer["NextToken"]

    def _call(self, method: str, *, once: bool = False, **arguments: Any) -> Any:
        """Make one API call within the time limit. Waiting for one's turn does not count towards it.

        `once`: it is not sent again unless it certainly did not arrive.
        """
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            EndpointConnectionError,
            ParamValidationError,
        )

        call = getattr(self._connect(), method)
        spent, refusals, throttles = 0.0, 0, 0
        while True:
            self._pacer.wait()
            self._count()
            started = time.monotonic()
            try:
                answer = call(**arguments)
            except ClientError as error:
                self._heed_date(error.response)
                code = error.response.get("Error", {}).get("Code", "")
                if code in _THROTTLES and throttles < MAX_THROTTLES:
                    throttles += 1
                    self._count_throttle()
                    self._pacer.throttled()
                    continue
                self._pacer.answered()
                failure = self._refusal(error, method)
                if not isinstance(failure, Unreachable):
                    raise failure from error
            except ParamValidationError as error:
                raise ProviderError(f"{method}: {' '.join(str(error).split())}") from error
            except BotoCoreError as error:
                failure = self._silence(error)
                refusals += isinstance(error, EndpointConnectionError)
            else:
                self._heed_date(answer)
                self._pacer.answered()
                if _is_whole(method, answer):
                    return answer
                if _is_foreign(answer):
                    raise ProviderError(self._no_api())
                failure = Unreachable(
                    f"{self._settings.endpoint} sent a cut-off answer to {method}. Try again."
                )
            spent += time.monotonic() - started + REFUSED_PAUSE_SECONDS
            final = not isinstance(failure, NotSent if once else Unreachable)
            if final or spent >= self._settings.timeout or refusals > 2:
                raise failure
            self._sleep(REFUSED_PAUSE_SECONDS)

    def _count(self) -> None:
        with self._lock:
            self.calls += 1

    def _count_throttle(self) -> None:
        with self._lock:
            self.throttled += 1

    def _heed_date(self, answer: dict[str, Any]) -> None:
        """Keep what time it was at the other side, whatever the answer."""
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        if _HTTP_DATE.fullmatch(date):
            self._dated = (date, datetime.now(UTC))

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = make_client(self._settings)
            return self._client

    def _silence(self, error: Exception) -> Error:
        """What a call that got no usable answer means."""
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        settings = self._settings
        if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
            return CredentialsRefused(f"No AWS key for {settings.environment}: {error}. Run `aws configure`.")
        if settings.amazon and settings.endpoint.endswith(".amazonaws.com"):
            return Unreachable(
                f"{settings.endpoint} does not answer. Amazon closed Mechanical Turk on 2026-09-30. The crowd server"
                " of this repository still works: leave out --environment, and start it with `make crowd`."
            )
        if isinstance(error, exceptions.EndpointConnectionError):
            return NotSent(
                f"Nothing listens at {settings.endpoint}. Start the crowd server: make crowd"
                " (or set AWS_ENDPOINT_URL_MTURK if it is elsewhere)."
            )
        if isinstance(error, ResponseParserError):
            return ProviderError(self._no_api())
        return Unreachable(
            f"{settings.endpoint} did not answer within {settings.timeout:g} s ({type(error).__name__})."
            " Try again, or give it longer: --timeout."
        )

    def _refusal(self, error: Any, method: str) -> Error:
        """Turn an error answer into ours: by type, then by TurkErrorCode, only then by its words."""
        response = error.response
        code = response.get("Error", {}).get("Code", "")
        turk = str(response.get("TurkErrorCode", "")).removeprefix("AWS.MechanicalTurk.").lower()
        text = _TIME_SUFFIX.sub(
            "", str(response.get("Message") or response.get("Error", {}).get("Message", ""))
        )
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        endpoint = self._settings.endpoint
        if status < 500 and _is_foreign(response):
            return ProviderError(self._no_api())
        if code in _KEY_REFUSED or status == 403:
            return CredentialsRefused(f"{endpoint} refused the key ({code}: {text}). {self._key_hint()}")
        if code in _THROTTLES:
            return Unreachable(f"{endpoint} throttles without end ({text}). Try again later.")
        if status >= 500 or code == "ServiceFault":
            return Unreachable(f"{endpoint} failed at {method} ({code}: {text}). Try again in a minute.")
        if turk == "qualificationtypealreadyexists" or text.startswith("You have already created a Qual"):
            return AlreadyExists(text)
        if turk in ("hitalreadyexists", "duplicatecall") or "already been processed" in text:
            return DuplicateToken(text, _ID.findall(text))
        if turk.endswith("doesnotexist") or "does not exist" in text:
            return NotFound(text)
        if turk in ("invalidhitstate", "invalidassignmentstate") or "can be called with a status of" in text:
            return WrongState(text)
        if turk == "insufficientfunds" or text.startswith("This Requester has insufficient funds"):
            return InsufficientFunds(text)
        return ProviderError(f"{method}: {text or code}")

    def _no_api(self) -> str:
        return f"{self._settings.endpoint} answers, but not as the MTurk Requester API does."

    def _key_hint(self) -> str:
        if self._settings.environment == "local":
            return f"The key is read from {credentials_path(self._settings.home)}."
        return "Check `aws configure list`."


def _is_whole(method: str, answer: dict[str, Any]) -> bool:
    """Return whether an answer has what every whole one has: botocore takes a cut-off body for an empty one."""
    needed = "NumResults" if method.startswith("list_") else ALWAYS_ANSWERED.get(method)
    return needed is None or needed in answer


def _is_foreign(answer: dict[str, Any]) -> bool:
    """Return whether an answer says of itself that it is no JSON: some other server's page."""
    kind = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-type", "json")
    return "json" not in kind
