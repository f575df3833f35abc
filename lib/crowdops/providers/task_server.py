"""Task servers over HTTP, whoever runs them: which one is up, whose it is, and how fast its pages come.

requests is imported where it is used: a run without a server does not wait for it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from crowdops.errors import ProviderError
from crowdops.providers import answers, limits

# What a task server of ours tells at /health, and a crowd server beside its own.
FIELDS: dict[str, type] = {
    "status": str,
    "run_id": str,
    "task_name": str,
    "active": int,
    "served": int,
    "draining": bool,
    "public_url": str,
}
LONGEST = 2048  # characters of a text
MOST = 10**9
PIECE = 64 * 1024  # bytes of a page that is read and not kept
HEALTH_SECONDS = 10.0  # a server that needs longer for this does not keep up with workers either


def health(url: str, timeout: float) -> dict[str, Any] | None:
    """Return what /health says of the FIELDS, or None if it says nothing useful.

    A field of another type is left out, and so is text that cannot be what it should.
    """
    import requests

    try:
        answer = _get(f"{url.rstrip('/')}/health", timeout)
        document = answers.parse(answer.content) if answer.ok else None
    except (requests.RequestException, ProviderError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    return {name: document[name] for name, kind in FIELDS.items() if _is(kind, document.get(name))}


def _is(kind: type, value: object) -> bool:
    if isinstance(value, str):
        return kind is str and value.isprintable() and len(value) <= LONGEST
    if isinstance(value, bool):
        return kind is bool
    return kind is int and isinstance(value, int) and 0 <= value <= MOST


def trouble(url: str, timeout: float) -> str:
    """Return in a sentence why health() said nothing useful, by asking once more."""
    import requests

    from crowdops.providers import connections

    address = f"{url.rstrip('/')}/health"
    try:
        answer = _get(address, timeout)
    except requests.Timeout:
        return f"{address} did not answer within {min(timeout, HEALTH_SECONDS):g} seconds."
    except requests.RequestException as error:
        return str(connections.explain(error, url) or f"Nothing listens at {url}. Start that server first.")
    except ProviderError as error:
        return str(error)
    proxy = connections.about_proxy(url)
    return f'{address} answers {answer.status_code}, and not with {{"status": "ok"}}.{proxy}'


def _get(address: str, timeout: float) -> Any:
    from crowdops.providers import connections

    with connections.session(address) as session:
        return session.get(address, timeout=min(timeout, HEALTH_SECONDS))


def is_answering(url: str, timeout: float) -> bool:
    """Return whether any web server answers there without a server error: an unknown app promises no more."""
    import requests

    try:
        return bool(_get(url, timeout).status_code < 500)
    except (requests.RequestException, ProviderError):
        return False


def release(url: str, token: str, holders: Sequence[tuple[str, str]], timeout: float) -> None:
    """Tell a task server of ours that these (assignment, worker) have come in. Safe to repeat.

    A failure is left alone: a lease ends by its deadline in any case.
    """
    leases = [
        {"assignment_id": assignment_id, "worker_id": worker_id} for assignment_id, worker_id in holders
    ]
    _tell(f"{url.rstrip('/')}/leases/release", token, {"leases": leases}, timeout)


def add_sites(url: str, token: str, sites: Sequence[str], timeout: float) -> None:
    """Tell a task server of ours where else its pages may be submitted to. Safe to repeat.

    A failure is left alone: it is told again.
    """
    _tell(f"{url.rstrip('/')}/sites", token, {"submit_origins": list(sites)}, timeout)


def _tell(address: str, token: str, document: dict[str, Any], timeout: float) -> None:
    import requests

    from crowdops.providers import connections

    failures = (requests.RequestException, ProviderError)
    with contextlib.suppress(*failures), connections.session(address) as session:
        session.post(
            address,
            json=document,
            headers={"Authorization": f"Bearer {token}"},
            timeout=min(timeout, HEALTH_SECONDS),
            allow_redirects=False,
        )


def load(visits: Iterable[tuple[str, dict[str, str]]], timeout: float) -> Iterator[float | None]:
    """Open one page (address and query) after another over one connection, and yield how long each took.

    Milliseconds, or None for a page that did not come. Redirects are not followed: only this server is asked.
    """
    import requests

    from crowdops.providers import connections

    with contextlib.ExitStack() as opened:
        session = None
        for address, query in visits:
            session = session or opened.enter_context(connections.session(address))
            began = time.monotonic()
            try:
                status = _open(session, address, query, timeout)
            except (requests.RequestException, ProviderError):
                yield None
            else:
                yield 1000 * (time.monotonic() - began) if status == 200 else None


def _open(session: Any, address: str, query: Mapping[str, str], timeout: float) -> int:
    """Open a page, keep nothing of it, and return its status."""
    options = {"params": query, "timeout": timeout, "allow_redirects": False, "stream": True}
    with (
        limits.within(address, timeout, alone=limits.MOST_BYTES),
        session.get(address, **options) as answer,
    ):
        for _ in answer.iter_content(PIECE):
            pass
        return int(answer.status_code)
