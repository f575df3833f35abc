"""The line that a server writes for each signed request."""

from __future__ import annotations

import os
import sys

import pytest

from crowdserver.control import call_log


def test_a_log_that_nobody_reads_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        for _ in range(3000):  # more than a pipe holds
            call_log.note("ada", "GetAccountBalance", "ok")
        first = read.readline().decode()
    assert first.partition(" ")[2] == "key ada: GetAccountBalance ok\n"
