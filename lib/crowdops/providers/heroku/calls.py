"""How calls to Heroku are made: one time limit, repeats of reads, and refusals turned into our errors."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, TypeVar
from urllib.parse import quote, urlsplit

import heroku3.api
import requests

from crowdops.config.settings import variable_source
from crowdops.errors import (
    AccessDenied,
    AppLimitReached,
    CredentialsRefused,
    InsufficientFunds,
    NameTaken,
    NotFound,
    ProviderError,
    Unreachable,
    UsageError,
)
from crowdops.providers import connections

HEROKU_URL = "https://api.heroku.com"
LOOPBACK = ("127.0.0.1", "localhost")
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.5
_T = TypeVar("_T")


class _OutcomeUnknown(Unreachable):
    """The call may or may not have taken effect; a read may be made again."""


class _Throttled(ProviderError):
    """The call took no effect; a read may be made again."""


def base_url(host: str) -> str:
    """Return the API's address: Heroku's, or what HEROKU_HOST says, as the official CLI reads it.

    UsageError for a host that is not on this machine, because the key would be sent there.
    """
    host = host.strip().rstrip("/")
    if host in ("", "heroku.com", HEROKU_URL):
        return HEROKU_URL
    if not _is_loopback(host):
        raise UsageError(
            f"HEROKU_HOST is {host!r}, and the key would go there. It may be http://127.0.0.1:PORT or"
            f" http://localhost:PORT for an emulator; unset it for {HEROKU_URL}."
        )
    return host


def _is_loopback(url: str) -> bool:
    """Return whether an address names a server on this machine and no more: no user, no path, no query."""
    try:
        parts = urlsplit(url)
        plain = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK and plain == url


class Calls:
    """Calls with one key to one address. Safe under threads.

    `doing` in each call says what it is for ("delete app x"), for the error messages.
    """

    def __init__(self, token: str, base_url: str, timeout: float, sleep: Callable[[float], None]) -> None:
        if not token.strip() or not token.isascii():
            raise CredentialsRefused(
                "No Heroku key: set HEROKU_API_KEY (`heroku authorizations:create` makes one)."
            )
        self.base_url = base_url
        self.sleep = sleep
        self._timeout = timeout
        self._deadline = threading.local()
        session = self._session()
        session.auth = ("", token.strip())
        # Put together without the call that heroku3's own `from_key` makes.
        self._client = heroku3.api.Heroku(session=session)
        self._client._heroku_url = base_url

    def _request(self, method: str, path: Sequence[str], **options: Any) -> Any:
        return self._client._http_resource(method, [quote(part, safe="") for part in path], **options)

    def get(self, doing: str, *path: str) -> Any:
        """Read the JSON at a path."""
        return self._read(doing, lambda: self._request("GET", path).json())

    def get_list(self, doing: str, *path: str) -> Iterator[Any]:
        """Read the list at a path, part by part."""
        position = "id ..;"

        def get_part() -> tuple[list[Any], str]:
            answer = self._request("GET", path, valrange=position)
            return answer.json(), answer.headers.get("Next-Range", "") if answer.status_code == 206 else ""

        while position:
            part, position = self._read(doing, get_part)
            yield from part

    def change(self, doing: str, method: str, path: Sequence[str], sent: Mapping[str, Any]) -> Any:
        """Send JSON to a path, once, and return the JSON of the answer."""
        return self._once(doing, lambda: self._request(method, path, data=json.dumps(sent)).json())

    def fetch(self, doing: str, url: str) -> str:
        """Read the text at an address that carries its own secret, without our key."""
        with self._keyless_session() as session:
            return self._read(doing, lambda: session.request("GET", url).text)

    def upload(self, doing: str, url: str, data: IO[bytes]) -> None:
        """Put a file at such an address, once."""
        with self._keyless_session() as session:
            self._once(doing, lambda: session.request("PUT", url, data=data))

    def _once(self, doing: str, call: Callable[[], _T]) -> _T:
        """Make a call that must not be repeated."""
        self._deadline.moment = time.monotonic() + self._timeout
        return self._attempt(doing, call)

    def _read(self, doing: str, call: Callable[[], _T]) -> _T:
        """Make a call that changes nothing, again if need be and while there is time."""
        self._deadline.moment = time.monotonic() + self._timeout
        for attempt in range(ATTEMPTS - 1):
            try:
                return self._attempt(doing, call)
            except (_OutcomeUnknown, _Throttled):
                pause = FIRST_PAUSE_SECONDS * 2**attempt
                if time.monotonic() + pause >= self._deadline.moment:
                    raise
                self.sleep(pause)
        return self._attempt(doing, call)

    def _session(self) -> requests.Session:
        """Return a session whose requests all end at the deadline of the call they belong to."""
        session = requests.Session()
        session.trust_env = not _is_loopback(self.base_url)
        unbounded = session.request

        def request(method: str, url: str, **options: Any) -> requests.Response:
            remaining = max(0.001, self._deadline.moment - time.monotonic())
            return unbounded(method, url, timeout=remaining, **options)

        session.request = request  # type: ignore[assignment]
        return session

    def _keyless_session(self) -> requests.Session:
        """Return a session that raises for error answers, and sends no key, nor the one of a netrc file."""
        session = self._session()
        session.auth = lambda request: request
        session.hooks["response"].append(lambda answer, **options: answer.raise_for_status())
        return session

    def _attempt(self, doing: str, call: Callable[[], _T]) -> _T:
        """Call once, with the exceptions of requests and heroku3 turned into ours."""
        try:
            return call()
        except requests.Timeout:
            text = f"{self.base_url} did not answer within {self._timeout:g} seconds (to {doing})."
            raise Unreachable(text) from None
        except requests.HTTPError as error:
            raise refusal(error.response, doing) from None
        except heroku3.api.RateLimitExceeded:
            text = (
                f"Heroku refused to {doing}: its limit of 4,500 calls an hour is used up. Wait some minutes."
            )
            raise _Throttled(text) from None
        except requests.JSONDecodeError:
            raise ProviderError(f"{self.base_url} did not answer with JSON (to {doing}).") from None
        except requests.RequestException as error:
            explained = connections.explain(error, self.base_url)
            text = f"{self.base_url} cannot be reached (to {doing}): {_cause(error)}"
            raise _OutcomeUnknown(str(explained or text)) from None


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of the exceptions that requests and urllib3 wrap into each other."""
    for inner in (getattr(error, "reason", None), *error.args):
        if isinstance(inner, BaseException):
            return _cause(inner)
    return error


def refusal(answer: requests.Response, doing: str) -> ProviderError:
    """Return our exception for an error answer. Heroku's own words are kept: they say more than a status."""
    status, (kind, message) = answer.status_code, _id_and_message(answer)
    text = f"Heroku refused to {doing}: {message} (HTTP {status}{', ' + kind if kind else ''})"
    if status >= 500:
        text = f"Heroku failed to {doing}: {message} (HTTP {status}). Whether it took effect is not known."
        return _OutcomeUnknown(text)
    if status == 401:
        source = variable_source("HEROKU_API_KEY")
        text = f"Heroku does not accept the key in HEROKU_API_KEY: {message.rstrip('.')}."
        return CredentialsRefused(f"{text} It is read from {source}.")
    if status == 402 or kind.startswith("verification_"):
        return InsufficientFunds(text)
    if status == 403:
        return AccessDenied(text)
    if status in (404, 410):
        return NotFound(text)
    # The API has one id for all invalid values; only the words tell these two.
    if kind == "invalid_params" and "already taken" in message:
        return NameTaken(text)
    if kind == "invalid_params" and "app limit" in message:
        return AppLimitReached(text)
    return ProviderError(text)


def _id_and_message(answer: requests.Response) -> tuple[str, str]:
    """Return the id and the message of an error's body. Some errors are HTML, from a proxy before the API."""
    try:
        body = answer.json()
        return str(body["id"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        return "", answer.reason or "no explanation"
