"""How calls to Heroku are made: one time limit, repeats of reads, and refusals turned into our errors."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
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
    Unreadable,
    UsageError,
)
from crowdops.providers import answers, connections, fields, limits, sessions

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
        as_sent = b64encode(f":{token.strip()}".encode()).decode()
        self._redaction = answers.Redaction(token.strip(), as_sent)
        # Put together without the call that heroku3's own `from_key` makes.
        self._client = heroku3.api.Heroku(session=session)
        self._client._heroku_url = base_url

    def _request(self, method: str, path: Sequence[str], **options: Any) -> Any:
        return self._client._http_resource(method, [quote(part, safe="") for part in path], **options)

    def get(self, doing: str, read: Callable[[Any], _T], *path: str) -> _T:
        """Return what `read` makes of the JSON at a path."""
        return self._read(doing, lambda: read(self._document(self._request("GET", path))))

    def get_list(self, doing: str, read: Callable[[Any], _T], *path: str) -> Iterator[_T]:
        """Yield what `read` makes of the items of the list at a path, part by part."""
        position, pages = "id ..;", answers.Pages(self.base_url, f"parts of a list (to {doing})")

        def get_part() -> tuple[list[_T], str]:
            answer = self._request("GET", path, valrange=position)
            next_position = answer.headers.get("Next-Range", "") if answer.status_code == 206 else ""
            return [read(item) for item in fields.a_list(self._document(answer))], next_position

        while position:
            part, position = self._read(doing, get_part)
            yield from part
            pages.turn(position, len(part))

    def change(
        self,
        doing: str,
        method: str,
        path: Sequence[str],
        sent: Mapping[str, Any],
        read: Callable[[Any], _T] = bool,  # type: ignore[assignment]
    ) -> _T:
        """Send JSON to a path, once, and return what `read` makes of the JSON of the answer."""
        return self._once(
            doing, lambda: read(self._document(self._request(method, path, data=json.dumps(sent))))
        )

    def fetch(self, doing: str, url: str) -> str:
        """Read the text at an address that carries its own secret, without our key."""
        with self._keyless_session() as session:
            return self._read(
                doing,
                lambda: self._redaction.text(
                    sessions.text(session.request("GET", url, allow_redirects=True))
                ),
            )

    def upload(self, doing: str, url: str, data: IO[bytes]) -> None:
        """Put a file at such an address, once."""
        with self._keyless_session() as session:
            self._once(doing, lambda: session.request("PUT", url, data=data))

    def _document(self, answer: requests.Response) -> Any:
        """Return the JSON of an answer, without our key. Unreadable for what is none."""
        if 300 <= answer.status_code < 400:
            raise ProviderError(
                f"{self.base_url} leads elsewhere (HTTP {answer.status_code}). That is not followed: the key"
                " would go there."
            )
        try:
            document = answers.parse(answer.content)
        except ValueError as error:
            reason = answers.brief(str(error), 100)
            raise Unreadable(f"{self.base_url} did not answer with JSON: {reason}. Try again.") from None
        return self._redaction.value(document)

    def _once(self, doing: str, call: Callable[[], _T]) -> _T:
        """Make a call that must not be repeated."""
        self._deadline.moment = time.monotonic() + self._timeout
        try:
            return self._attempt(doing, call)
        except Unreadable as error:
            raise Unreachable(f"{error} Whether it took effect is not known.") from error

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
        session = connections.session(self.base_url)
        unbounded = session.request

        def request(method: str, url: str, **options: Any) -> requests.Response:
            options.setdefault("allow_redirects", False)
            return unbounded(method, url, timeout=self._left(), **options)

        session.request = request  # type: ignore[assignment]
        return session

    def _left(self) -> float:
        """Return the seconds until the deadline of the call."""
        return max(0.001, float(self._deadline.moment) - time.monotonic())

    def _keyless_session(self) -> requests.Session:
        """Return a session that raises for error answers, and sends no key, nor the one of a netrc file."""
        session = self._session()
        session.auth = lambda request: request
        session.hooks["response"].append(lambda answer, **options: answer.raise_for_status())
        return session

    def _attempt(self, doing: str, call: Callable[[], _T]) -> _T:
        """Call once, with the exceptions of requests and heroku3 turned into ours."""
        try:
            with (
                limits.within(self.base_url, self._left(), limit=self._timeout),
                answers.taken_apart(self.base_url, f"(to {doing})"),
            ):
                return call()
        except requests.Timeout:
            text = f"{self.base_url} did not answer within {self._timeout:g} seconds (to {doing})."
            raise Unreachable(text) from None
        except requests.HTTPError as error:
            raise refusal(error.response, doing, self._redaction) from None
        except heroku3.api.RateLimitExceeded:
            text = (
                f"Heroku refused to {doing}: its limit of 4,500 calls an hour is used up. Wait some minutes."
            )
            raise _Throttled(text) from None
        except requests.RequestException as error:
            explained = connections.explain(error, self.base_url)
            reason = answers.brief(self._redaction.text(str(_cause(error))))
            text = f"{self.base_url} cannot be reached (to {doing}): {reason}"
            raise _OutcomeUnknown(str(explained or text)) from None


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of the exceptions that requests and urllib3 wrap into each other."""
    for inner in (getattr(error, "reason", None), *error.args):
        if isinstance(inner, BaseException):
            return _cause(inner)
    return error


def refusal(answer: requests.Response, doing: str, redaction: answers.Redaction) -> ProviderError:
    """Return our exception for an error answer. Heroku's own words are kept: they say more than a status."""
    status, (kind, message) = answer.status_code, _id_and_message(answer)
    kind, message = answers.brief(redaction.text(kind), 100), answers.brief(redaction.text(message))
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
        body = answers.parse(answer.content)
        return str(body["id"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        return "", answer.reason or "no explanation"
