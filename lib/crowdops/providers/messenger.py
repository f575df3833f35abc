"""Messages to people, by mail and by chat, through apprise. Its URLs hold tokens and passwords: secrets.

apprise is imported where it is used: that takes half a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from crowdops.bulk import Errand
from crowdops.errors import ProviderError, Unreachable
from crowdops.providers import answers

if TYPE_CHECKING:
    import apprise

# What may be a secret in a URL: whatever stands between its marks, and is no word that stands anywhere.
_PIECE = re.compile(r"[^/:@?&=,;#\s]{4,}")


class Message(NamedTuple):
    """A message. `kind` is info, success, warning or failure: services show it as a colour or a sign."""

    title: str
    body: str
    kind: str


def is_usable(url: str) -> bool:
    """Return whether apprise knows the service that a URL names and takes the URL. Calls nobody."""
    return _service(url) is not None


def send(urls: Sequence[str], message: Message, seconds: float) -> list[str]:
    """Send a message to each URL, side by side. Returns for each why it has failed, '' if it has not.

    A service that does not answer is left alone after so many seconds, and nobody waits for its thread.
    """
    import apprise  # noqa: F401 - not in several threads at once, each of which would wait for the others

    errands = [Errand(lambda url: _send(url, message), url) for url in urls]
    reasons = []
    for errand in errands:
        outcome = errand.outcome(seconds)
        if outcome is None:
            reasons.append(f"no answer within {seconds:g} s")
        else:
            reasons.append(str(outcome.error or ""))
    return reasons


def _send(url: str, message: Message) -> None:
    import apprise

    service = _service(url)
    if service is None:
        raise ProviderError("no service takes this URL")
    sender = apprise.Apprise(service, asset=service.asset)
    result = sender.notify(
        body=message.body, title=message.title, notify_type=message.kind, body_format="text"
    )
    if not result:
        said = " ".join(entry.message for entry in result.logs())
        reason = _without_secrets(answers.brief(said), url).rstrip(". ")
        raise Unreachable(reason or "it was not taken")


def _service(url: str) -> apprise.NotifyBase | None:
    import apprise

    # In the thread that asks, without a pool of threads, without files, and nowhere else than to the URL.
    asset = apprise.AppriseAsset(
        async_mode=False, service_timeout=0, http_redirects=False, storage_mode="memory"
    )
    return apprise.Apprise.instantiate(url, asset=asset)


def _without_secrets(text: str, url: str) -> str:
    for piece in sorted(_PIECE.findall(url.partition("://")[2]), key=len, reverse=True):
        text = text.replace(piece, answers.HIDDEN)
    return text
