"""Sessions of requests whose every exchange is limited, and the text of what they bring."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from crowdops.errors import Unreadable
from crowdops.providers import limits

MOST_REDIRECTS = 10
PIECE = 64 * 1024  # bytes that are unpacked at a time
_POOLS = limits.limited({"http": HTTPConnectionPool, "https": HTTPSConnectionPool})
_NOT_OF_PAGES = ("idna", "punycode", "undefined")  # two take the square of a text's length, one always fails


class Session(requests.Session):
    """A session that needs a `timeout` for every request: until the last byte, and over all redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = MOST_REDIRECTS
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Make a request and read the answer to it.

        Raises Unreachable and Unreadable, as limits.within() does, beside what requests raises.
        """
        with limits.within(site(url), options["timeout"]):
            try:
                return super().request(method, url, **options)
            except requests.RequestException:
                raise
            # What requests leaves as it is: headers that contradict each other, addresses that are none.
            except (urllib3.exceptions.HTTPError, UnicodeError, ValueError) as error:
                raise Unreadable(f"{site(url)} sent what cannot be read ({type(error).__name__}).") from error


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        unpacked, exchange = resp.stream, limits.current()

        def stream(size: int, decode_content: bool | None = None) -> Iterator[bytes]:
            held = 0
            for piece in unpacked(PIECE, decode_content=decode_content):
                held += len(piece)
                if exchange:
                    exchange.hold(held)
                yield piece

        resp.stream = stream
        return super().build_response(req, resp)


def site(url: str) -> str:
    """Return an address without what may be secret in it: scheme, host and port."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return "The address"


def text(answer: requests.Response) -> str:
    """Return the text of an answer, in the encoding that it names; else as UTF-8. Never fails.

    requests itself would guess where none is named, which takes seconds for a megabyte.
    """
    return answer.content.decode(_codec(answer.encoding or "utf-8"), errors="replace")


def _codec(name: str) -> str:
    try:
        codec = codecs.lookup(name).name
        b"?".decode(codec)
    except (LookupError, ValueError, TypeError):
        return "utf-8"
    return "utf-8" if codec in _NOT_OF_PAGES else codec
