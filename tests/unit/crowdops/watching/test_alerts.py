"""A check is the only one in its home, and to wait for that is part of its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crowdops.config.channels import Channels
from crowdops.config.settings import Selection, resolve
from crowdops.registry import locks
from crowdops.watching import alerts


def test_waiting_for_another_check_is_part_of_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[float] = []

    @contextmanager
    def alone(*arguments: object) -> Iterator[None]:
        began.append(time.monotonic())
        yield

    monkeypatch.setattr(locks, "alone", alone)
    settings = resolve({}, quiet=True, verbose=False, as_json=False)
    with alerts.alone(settings, Channels(), Selection(), 10) as deadline:
        assert deadline <= began[0] + 10
