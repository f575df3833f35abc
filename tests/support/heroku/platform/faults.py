"""Faults to order, and the counts of the calls that were made.

A fault waits for calls whose operation (`POST /apps/{app}/builds`, a glob) matches, lets `skip` of them pass,
strikes `count` of them and is gone. Faults of the machines (`boot-crash` …) have no operation: they strike
the next such event.
"""

from __future__ import annotations

import fnmatch
import threading
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import Any

from .refusals import invalid

BEFORE = ("error-before", "throttle", "slow", "hold-before", "drop-before")
AFTER = ("error-after", "drop-after", "hold-after", "rename-app")
CREATION = ("name-taken", "app-limit", "verification-required", "delinquent")
MACHINES = ("build-failure", "slow-build", "boot-crash", "slow-boot", "wrong-port", "addon-failure")
KINDS = BEFORE + AFTER + CREATION + MACHINES


@dataclass
class Fault:
    """One order; status, id and message are for errors, seconds for slowness, app and name for a renaming."""

    kind: str
    operation: str = "*"
    count: int = 1
    skip: int = 0
    seconds: float = 1.0
    status: int = 500
    id: str = "server_error"
    message: str = "Internal Server Error"
    app: str = ""
    name: str = ""


class Faults:
    """The faults on order and the calls counted so far; safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []
        self._released = threading.Event()
        self._held = 0
        self._calls: dict[str, dict[str, int]] = defaultdict(lambda: {"ok": 0, "failed": 0})

    def order(self, body: dict[str, Any]) -> Fault:
        known = {field.name for field in fields(Fault)}
        if body.get("kind") not in KINDS or not set(body) <= known:
            raise invalid(
                f"A fault has a kind of {', '.join(KINDS)} and the fields {', '.join(sorted(known))}"
            )
        fault = Fault(**body)
        with self._lock:
            self._ordered.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every order and let the held calls go on."""
        with self._lock:
            self._ordered.clear()
            self._released.set()
            self._released = threading.Event()

    def take(self, kinds: tuple[str, ...], operation: str = "") -> Fault | None:
        """The fault that strikes this event, or None."""
        with self._lock:
            for fault in self._ordered:
                if fault.kind not in kinds or not fnmatch.fnmatchcase(operation, fault.operation):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.count -= 1
                if fault.count <= 0:
                    self._ordered.remove(fault)
                return fault
        return None

    def hold(self) -> None:
        """Keep the calling thread until the faults are cleared."""
        with self._lock:
            released = self._released
            self._held += 1
        released.wait()
        with self._lock:
            self._held -= 1

    def count(self, operation: str, ok: bool) -> None:
        with self._lock:
            self._calls[operation]["ok" if ok else "failed"] += 1

    def calls(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {operation: dict(counts) for operation, counts in self._calls.items()}

    @property
    def held(self) -> int:
        return self._held
