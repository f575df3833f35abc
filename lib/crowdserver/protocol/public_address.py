"""The address under which a server is seen from outside, when a web server stands in front of it.

It is told by a setting. What a request itself says of it, in X-Forwarded-Proto, -Host and -Prefix, counts
only from the web servers that are named as trusted: anybody else could write anything there.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_RECEIVED = "crowdserver.received"
_CLIENT = "crowdserver.client"
# What web servers add to a request that they hand on.
_FORWARDED = re.compile(
    r"HTTP_(FORWARDED|VIA|X_REAL_IP|TRUE_CLIENT_IP|X_(CLUSTER_)?CLIENT_IP|(X_FORWARDED|X_ORIGINAL|CF|CDN)_.*)"
)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class PublicUrl(NamedTuple):
    """The server's address; `path` is where it lies below the host, without a slash at its end."""

    scheme: str
    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the address in a text. ValueError says what it should be like."""
        parts = urlsplit(text)
        path = parts.path.rstrip("/")
        is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        is_more = parts.query or parts.fragment or "@" in parts.netloc or ".." in path
        if not is_whole or is_more or not _PATH.fullmatch(path):
            raise ValueError(f"{text!r} is not like https://lab.example or https://lab.example/crowd")
        return cls(parts.scheme, parts.netloc, path)

    @property
    def hostname(self) -> str:
        """The host without its port."""
        return urlsplit(str(self)).hostname or ""


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks in a text, by commas: 10.0.0.7,10.1.0.0/16. ValueError names a bad one."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


class AtPublicAddress:
    """WSGI middleware: the application sees the address that the browser sees."""

    def __init__(
        self, app: WSGIApplication, public: PublicUrl | None, trusted: Iterable[Network] = ()
    ) -> None:
        self._app, self._public, self._trusted = app, public, tuple(trusted)
        self._forwarded = ProxyFix(self._below_prefix, x_for=0, x_proto=1, x_host=1, x_prefix=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[_RECEIVED] = (environ.get("HTTP_HOST", ""), environ.get("PATH_INFO", ""))
        peer = _address(environ.get("REMOTE_ADDR", "")) if self._trusted else None
        is_trusted = peer is not None and any(peer in network for network in self._trusted)
        environ[_CLIENT] = self._client(environ, is_trusted=is_trusted)
        if self._public:
            environ["wsgi.url_scheme"] = self._public.scheme
            environ["HTTP_HOST"], environ["SCRIPT_NAME"] = self._public.host, self._public.path
            return self._below_prefix(environ, start_response)
        if is_trusted:
            return self._forwarded(environ, start_response)
        return self._app(environ, start_response)

    def _client(self, environ: WSGIEnvironment, *, is_trusted: bool) -> str:
        """Return the address of the browser; nothing where only the web server in front knows it."""
        if is_trusted:
            return str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        return "" if self._public else str(environ.get("REMOTE_ADDR", ""))

    def _below_prefix(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Take the prefix off the path, if the web server in front has left it there."""
        prefix, path = environ["SCRIPT_NAME"], environ["PATH_INFO"]
        if prefix and f"{path}/".startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path.removeprefix(prefix) or "/"
        return self._app(environ, start_response)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return whether a host, without its port, is this machine by one of its own names."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def comes_directly(environ: WSGIEnvironment) -> bool:
    """Return whether a request comes from a program on this machine that means this machine.

    One that a web server hands on comes from the machine of that, and one of a page whose name resolves to
    this machine (DNS rebinding) names another host.
    """
    received, _ = environ[_RECEIVED]
    is_handed_on = any(_FORWARDED.fullmatch(name) for name in environ)
    try:
        host = urlsplit(f"//{received}").hostname or ""
    except ValueError:
        return False
    return is_loopback(host) and is_loopback(environ.get("REMOTE_ADDR", "")) and not is_handed_on


def client_address(environ: WSGIEnvironment) -> str | None:
    """Return where a request comes from, a /64 of IPv6 being one place; None where that is not known."""
    address = _address(environ.get(_CLIENT, ""))
    if address is None:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, 64), strict=False))


def signed_addresses(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    """Yield the hosts and paths that a request may have been signed for, the one that arrived last.

    The web server in front may have changed either; who signed saw the public address.
    """
    received = environ.get(_RECEIVED, (environ.get("HTTP_HOST", ""), environ.get("PATH_INFO", "")))
    prefix, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    public = [(environ.get("HTTP_HOST", ""), prefix + path)]
    if prefix and path == "/":
        public.append((environ.get("HTTP_HOST", ""), prefix))
    yield from (address for address in public if address != received)
    yield received
