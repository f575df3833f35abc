"""Task servers over HTTP, whoever runs them: which one is up, whose it is, and how fast its pages come.

requests is imported where it is used: a run without a server does not wait for it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

HEALTH_SECONDS = 10.0  # a server that needs longer for this does not keep up with workers either


def health(url: str, timeout: float) -> dict[str, Any] | None:
    """Return what /health says, or None if it says nothing useful.

    Of ours these are status, run_id, task_name, active, served and draining.
    """
    import requests

    try:
        answer = _get(f"{url.rstrip('/')}/health", timeout)
        document = answer.json() if answer.ok else None
    except (requests.RequestException, ValueError):
        return None
    return document if isinstance(document, dict) else None


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
    except requests.RequestException:
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

    with contextlib.suppress(requests.RequestException), connections.session(address) as session:
        session.post(
            address,
            json=document,
            headers={"Authorization": f"Bearer {token}"},
            timeout=min(timeout, HEALTH_SECONDS),
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
                answer = session.get(address, params=query, timeout=timeout, allow_redirects=False)
            except requests.RequestException:
                yield None
            else:
                yield 1000 * (time.monotonic() - began) if answer.status_code == 200 else None
