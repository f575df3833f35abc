"""Addresses of servers: what can be one, and which lie on this machine."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from crowdops.config.environments import LOOPBACK
from crowdops.errors import UsageError

_LOGIN = re.compile(r"^(?:\w+://)?(.*@)")  # a password may hold what would end a host


def check(url: str, place: str) -> None:
    """UsageError unless this is an address of a web server; `place` is what it says of it, with its value.

    An address is no secret: it is written down, and shown to everybody. So it can hold no password.
    """
    if login := _LOGIN.search(url):
        place = place.replace(login[1], "***@")
        raise UsageError(f"{place} holds a name or a password. Write it without: http://HOST:PORT")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{place} is no URL: {error}. Write it as http://HOST:PORT") from error
    if "://" not in url:
        raise UsageError(f"{place} lacks http:// or https:// in front. Did you mean http://{url}?")
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"{place} must begin with http:// or https://, not {parts.scheme}://")
    if not host or any(letter.isspace() for letter in url):
        raise UsageError(f"{place} names no host. Write it as http://HOST:PORT")


def is_loopback(url: str) -> bool:
    """Return whether an address is one of this machine, to which no proxy leads."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host in LOOPBACK or host.startswith("127.") or host.endswith(".localhost")
