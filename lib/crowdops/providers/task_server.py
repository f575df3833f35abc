"""The wall to a task server, whoever runs it: is it up, whose is it, and which work has come in."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

HEALTH_SECONDS = 10.0  # a server that needs longer for this does not keep up with workers either


def health(url: str, timeout: float) -> dict[str, Any] | None:
    """Return what /health says (status, run_id, task_name, active, served, draining), or None if nothing useful."""
    import requests

    try:
        answer = requests.get(f"{url.rstrip('/')}/health", timeout=min(timeout, HEALTH_SECONDS))
        found = answer.json() if answer.ok else None
    except (requests.RequestException, ValueError):
        return None
    return found if isinstance(found, dict) else None


def is_serving(url: str, run_id: str | None, timeout: float) -> bool:
    """Return whether a task server of ours answers there, for this run."""
    found = health(url, timeout)
    return found is not None and found.get("status") == "ok" and found.get("run_id") == run_id


def is_answering(url: str, timeout: float) -> bool:
    """Return whether any web server answers there with less than a server error: all that an unknown app promises."""
    import requests

    try:
        return requests.get(url, timeout=min(timeout, HEALTH_SECONDS)).status_code < 500
    except requests.RequestException:
        return False


def release(url: str, token: str, holders: Sequence[tuple[str, str]], timeout: float) -> None:
    """Tell a task server of ours that these (assignment, worker) have come in. Safe to repeat.

    A failure is left alone: a lease ends by its deadline in any case.
    """
    import requests

    with contextlib.suppress(requests.RequestException):
        requests.post(
            f"{url.rstrip('/')}/leases/release",
            json={"leases": [{"assignment_id": one, "worker_id": worker} for one, worker in holders]},
            headers={"Authorization": f"Bearer {token}"},
            timeout=min(timeout, HEALTH_SECONDS),
        )
