"""How calls are made to an endpoint that serves the MTurk Requester API: paced, in time, retried.

Every call has one time limit, retries included, and retries are ours: botocore's own are off, because it
would resend a creation after a lost answer without telling. A resend is safe here: calls that create or
pay carry a token, the others are settled by reading. The one that is neither is sent `once`.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from crowdops.config.settings import Settings
from crowdops.errors import Error, NotSent, OtherServer, ProviderError, Unreachable, Unreadable
from crowdops.providers import answers, limits
from crowdops.providers.mturk import failures, shapes
from crowdops.providers.mturk.ahead import Ahead
from crowdops.providers.mturk.failures import Throttled
from crowdops.providers.mturk.session import (
    ATTEMPTS_IN_TIME,
    SERVER_ID_HEADER,
    make_client,
    told_identity,
)
from crowdops.providers.mturk.throttling import Pacer
from crowdops.registry import Pace

PAGE = 100  # results a page, the API's maximum
MOST_AHEAD = 10_000  # HITs of a list that wait to be worked on; they take some 10 MB
RETRY_PAUSE_SECONDS = 0.5
LAST_YEAR = 9000
MAX_THROTTLES = 60  # of one call that do not count towards its time limit
MAX_REFUSALS = 2  # of a connection: then nothing listens there
_T = TypeVar("_T")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")  # RFC 9110, 5.6.7


class Calls:
    """Makes calls to one endpoint, from many threads. `calls` of them were sent, `throttled` were refused.

    `server_id` is the identity of the crowd server that is meant, else of the one that answers first. Any
    other is refused from then on: OtherServer. It stays None where the endpoint has no identity.
    `known_pace` is what the endpoint bore by the registry, and `pace` what it bears by now.
    """

    def __init__(
        self,
        settings: Settings,
        server_id: str | None = None,
        *,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._sleep = settings, sleep
        self.server_id, self._is_recognized = server_id, False
        self.out_of_reach = ""  # why no call can be made, if that is known
        self.known_pace = pace
        self._pacer = Pacer(pace, sleep=sleep)
        self._lock = threading.Lock()
        self._client: Any = None
        self._redaction: Callable[[], answers.Redaction] = answers.Redaction
        self.calls = self.throttled = 0
        self._dated: tuple[str, datetime, float] | None = None

    @property
    def settings(self) -> Settings:
        """Where calls are made now, and how."""
        return self._settings

    @property
    def pace(self) -> Pace | None:
        """How many calls a second the endpoint bears, as far as is known."""
        return self._pacer.pace

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far the endpoint's clock is ahead of ours, to the second; None before the first answer."""
        if self._dated is None:
            return None
        date, received, _ = self._dated
        return parsedate_to_datetime(date) - received.replace(microsecond=0)

    @property
    def time_there(self) -> datetime | None:
        """What time it is by the endpoint's clock, whatever ours says; None before the first answer."""
        if self._dated is None:
            return None
        date, _, received = self._dated
        then = parsedate_to_datetime(date)
        if then.year > LAST_YEAR:
            return None  # no clock, and a time after it might not exist
        return then + timedelta(seconds=time.monotonic() - received)

    def _items(
        self,
        method: str,
        key: str,
        read: Callable[[dict[str, Any]], _T],
        *,
        ahead: bool = False,
        **arguments: Any,
    ) -> Iterator[_T]:
        """Yield the items of all pages. They end where no token comes back; a last, empty page is normal.

        `ahead`: pages are fetched while the items of those before are worked on, as many as MOST_AHEAD hold.
        """
        pages = self._pages(method, key, read, arguments)
        for page in Ahead(pages, MOST_AHEAD) if ahead else pages:
            yield from page

    def _pages(
        self, method: str, key: str, read: Callable[[dict[str, Any]], _T], arguments: dict[str, Any]
    ) -> Iterator[list[_T]]:
        """Yield the items of each page."""
        turned = answers.Pages(self._settings.endpoint, method)

        def read_page(answer: dict[str, Any]) -> tuple[list[_T], str]:
            return [read(item) for item in answer.get(key, [])], answer.get("NextToken", "")

        more: dict[str, Any] = {}
        while True:
            items, token = self._call(method, read_page, MaxResults=PAGE, **arguments, **more)
            if token:
                turned.turn(token, len(items))
            yield items
            if not token:
                return
            more = {"NextToken": token}

    def _call(
        self,
        method: str,
        read: Callable[[dict[str, Any]], Any] = bool,
        *,
        once: bool = False,
        **arguments: Any,
    ) -> Any:
        """Make one API call within the time limit and return what `read` makes of the answer.

        Waiting for one's turn does not count towards the limit. Unreadable for an answer that cannot be read;
        Unreachable instead if the call may have changed something. `once`: it is not sent again unless it
        certainly did not arrive.
        """
        if self.out_of_reach:
            raise NotSent(self.out_of_reach)
        call = getattr(self._connect(), method)
        spent, refusals, throttles = 0.0, 0, 0
        while True:
            self._pacer.wait()
            started = time.monotonic()
            try:
                with self._limited(spent):
                    return self._send(call, method, arguments, read)
            except OtherServer:
                raise
            except (Unreachable, Unreadable) as error:
                failure = _outcome(method, error)
            throttles += isinstance(failure, Throttled)
            if isinstance(failure, Throttled) and throttles <= MAX_THROTTLES:
                continue
            spent += time.monotonic() - started + RETRY_PAUSE_SECONDS
            refusals += isinstance(failure, NotSent)
            may_have_arrived = once and not isinstance(failure, NotSent)
            if may_have_arrived or spent >= self._settings.timeout or refusals > MAX_REFUSALS:
                raise failure
            self._sleep(RETRY_PAUSE_SECONDS)

    def _limited(self, spent: float) -> AbstractContextManager[object]:
        """Limit what is sent next to what is left of the time; a last try that was begun has its share."""
        endpoint, limit = self._settings.endpoint, self._settings.timeout
        return limits.within(endpoint, max(limit - spent, limit / ATTEMPTS_IN_TIME), limit=limit)

    def _send(
        self,
        call: Callable[..., Any],
        method: str,
        arguments: dict[str, Any],
        read: Callable[[dict[str, Any]], Any],
    ) -> Any:
        """Send a call once and return its answer, read. Unreachable if another try may help."""
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        with self._lock:
            self.calls += 1
        with answers.taken_apart(self._settings.endpoint, method):
            try:
                answer = call(**arguments)
            except ClientError as error:
                raise self._refusal(method, error.response) from error
            except ParamValidationError as error:
                raise ProviderError(f"{method}: {answers.brief(str(error))}") from error
            except BotoCoreError as error:
                raise failures.no_answer(self._settings, error) from error
            self._note_date(answer)
            self._recognize(answer, succeeded=True)
            self._pacer.answered()
            failures.check_answer(self._settings, method, answer)
            return read(shapes.fit(answer, self._connect(), method, self._redaction()))

    def _refusal(self, method: str, response: dict[str, Any]) -> Error:
        """Return what an error answer means, and heed it."""
        self._note_date(response)
        self._recognize(response, succeeded=False)
        failure = failures.refusal(self._settings, method, self._redaction().value(response))
        if isinstance(failure, Throttled):
            with self._lock:
                self.throttled += 1
            self._pacer.throttled()
        else:
            self._pacer.answered()
        return failure

    def _note_date(self, answer: dict[str, Any]) -> None:
        """Keep what time it was at the endpoint, whatever it answered."""
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        if _HTTP_DATE.fullmatch(date):
            with contextlib.suppress(ValueError):  # the thirtieth of February
                parsedate_to_datetime(date)
                self._dated = (date, datetime.now(UTC), time.monotonic())

    def _recognize(self, answer: dict[str, Any], *, succeeded: bool) -> None:
        """Raise OtherServer for an answer of another server than the one that is meant."""
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        told = told_identity(headers.get(SERVER_ID_HEADER.lower()))
        self.server_id = self.server_id or told
        if told == self.server_id:
            self._is_recognized = True
        elif told or (succeeded and not self._is_recognized):
            raise failures.other_server(self._settings, self.server_id or "", told)

    def _name_recipient(self, params: dict[str, Any], **_: object) -> None:
        """Write into a request for whom it is: another server then refuses it and does nothing."""
        if self.server_id:
            params["headers"][SERVER_ID_HEADER] = self.server_id

    def move(self, endpoint: str) -> bool:
        """Make the next calls at another address of the same server. False if it is the present one."""
        with self._lock:
            if endpoint == self._settings.endpoint:
                return False
            self._settings, self._client = self._settings._replace(endpoint=endpoint), None
            return True

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client, self._redaction = make_client(self._settings)
                self._client.meta.events.register("before-call.mturk", self._name_recipient)
            return self._client


def _outcome(method: str, error: Unreachable | Unreadable) -> Unreachable:
    """Return what is known of a call that failed so. Unreadable for one that only reads."""
    if isinstance(error, Unreachable):
        return error
    if method.startswith(("get_", "list_")):
        raise error
    return Unreachable(f"{error} Whether {method} took effect is not known.")
