"""Connections to web servers: without a proxy where none can lead, and in words where none comes about.

requests is imported where it is used: calls of the API do without it.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crowdops.config import addresses
from crowdops.errors import NotSent, ProviderError, Unreachable, Unreadable

if TYPE_CHECKING:
    import requests


def session(url: str) -> requests.Session:
    """Return a session for an address, whose exchanges are limited.

    One of this machine is not asked through the environment's proxy. A certificate of one's own counts there,
    too.
    """
    from crowdops.providers.sessions import Session

    made = Session()
    made.trust_env = not addresses.is_loopback(url)
    if not made.trust_env and (bundle := os.environ.get("REQUESTS_CA_BUNDLE")):
        made.verify = bundle
    return made


def explain(error: BaseException, url: str) -> Unreachable | None:
    """Return what a failed connection means, and what to do about it; None where trying again is the answer.

    NotSent where the other side never got the call.
    """
    causes = list(_causes(error))
    if any("Proxy" in type(cause).__name__ for cause in causes):
        return NotSent(
            f"The proxy on the way to {url} lets nothing through: {_last(causes)}.{_about_proxy(url)}"
        )
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotSent(
                f"The certificate of {url} was refused: {cause.verify_message}. Use the name that it was made"
                " for, or name the file of whoever signed it: REQUESTS_CA_BUNDLE (AWS_CA_BUNDLE for boto3)."
            )
        if isinstance(cause, ssl.SSLError):
            return _no_https(cause, url)
        if isinstance(cause, socket.gaierror):
            host = urlsplit(url).hostname
            return NotSent(f"The name {host} does not resolve. Check how {url} is spelt, and the network.")
        if isinstance(cause, http.client.BadStatusLine | ConnectionResetError):
            secure = url.replace("http://", "https://", 1)
            hint = f", or write {secure} if it speaks HTTPS" if url.startswith("http://") else ""
            return Unreachable(
                f"{url} cannot be reached: it closed the connection without an answer. Try again{hint}."
            )
    return None


def limited(error: BaseException) -> ProviderError | None:
    """Return what ended an exchange at its limits (limits.py), if that is what an exception was made from."""
    return next((cause for cause in _causes(error) if isinstance(cause, Unreachable | Unreadable)), None)


def is_refused(error: BaseException) -> bool:
    """Return whether nobody took a connection."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))


def about_proxy(url: str) -> str:
    """Return a sentence about the proxy that leads to an address, with a blank in front; '' without one."""
    return _about_proxy(url) if _proxy(url) else ""


def _no_https(error: ssl.SSLError, url: str) -> Unreachable:
    plain = url.replace("https://", "http://", 1)
    why = error.reason or "the connection was cut"
    text = f"{url} does not speak HTTPS ({why}). Write {plain} if it is plain HTTP."
    kind = NotSent if error.reason == "WRONG_VERSION_NUMBER" else Unreachable
    return kind(text + about_proxy(url))


def _proxy(url: str) -> str | None:
    import requests.utils

    if addresses.is_loopback(url):
        return None
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def _about_proxy(url: str) -> str:
    parts = urlsplit(_proxy(url) or "")
    place = f"{parts.hostname}:{parts.port}" if parts.hostname else "that the environment names"
    return (
        f" The way leads through the proxy {place}: unset HTTP_PROXY and HTTPS_PROXY, or add"
        f" {urlsplit(url).hostname} to NO_PROXY."
    )


def _last(causes: list[BaseException]) -> str:
    innermost = causes[-1]
    return str(getattr(innermost, "strerror", None) or innermost)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that botocore, requests and urllib3 wrapped in it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        details: dict[str, Any] = getattr(error, "kwargs", {})
        wrapped = (details.get("error"), getattr(error, "reason", None), *error.args)
        error = next((inner for inner in wrapped if isinstance(inner, BaseException)), error.__cause__)
