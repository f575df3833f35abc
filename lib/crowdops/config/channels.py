"""Where the outcome of a check goes beside stdout: given as options, or, what is secret, in variables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from crowdops.config import settings
from crowdops.errors import UsageError

PING_URL, NOTIFY_URLS = "CROWDOPS_PING_URL", "CROWDOPS_NOTIFY_URLS"
SUFFIX = ".prom"  # of the files that the collector reads


class Channels(NamedTuple):
    """Where the outcome of a check goes. The URLs are secrets.

    `warnings_fail`: the dead man's switch is told that a check with a WARNING has failed. `remind_after`: a
    state that stays is told again after so long.
    """

    metrics: Path | None = None
    ping_url: str = ""
    warnings_fail: bool = False
    notify_urls: Sequence[str] = ()
    remind_after: timedelta | None = None


def metrics_file(given: str | None, home: Path) -> Path | None:
    """Return the file that metrics go to, links followed. UsageError for one that no collector would read."""
    if not given:
        return None
    path = Path(given).absolute().resolve()
    advice = "Name one such as /var/lib/prometheus/node-exporter/crowdops.prom"
    if path.is_relative_to(home.resolve()):
        raise UsageError(f"--prometheus {given} is in the home, where nobody else can read it. {advice}")
    if path.suffix != SUFFIX:
        raise UsageError(f"--prometheus {given} does not end in {SUFFIX}: collectors skip it. {advice}")
    if path.exists() and not path.is_file():
        raise UsageError(f"--prometheus {given} is no file. {advice}")
    return path


def ping_url(given: str | None) -> str:
    """Return the URL of the dead man's switch, '' without one. UsageError, which does not show it."""
    source = "--ping" if given is not None else PING_URL
    url = settings.variable(PING_URL) if given is None else given
    if url and not _is_address(url):
        raise UsageError(f"What {source} says is no URL. Write it as https://HOST/PATH")
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and url.isprintable() and " " not in url


def notify_urls(given: Sequence[str]) -> list[str]:
    """Return the URLs of whom to tell, each once. UsageError, which does not show it, for what is none."""
    source = "--notify" if given else NOTIFY_URLS
    urls = [url for url in dict.fromkeys(given or settings.variable(NOTIFY_URLS).split()) if url]
    for number, url in enumerate(urls, start=1):
        if not url.partition("://")[1] or not url.isprintable():
            raise UsageError(
                f"Number {number} of {source} is no URL. Write it as mailtos://… or as another service of"
                " docs/cron.md"
            )
    return urls
