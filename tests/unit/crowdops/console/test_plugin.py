"""What a monitoring plugin prints when it fails: one short line, and the whole of it where that is longer."""

from __future__ import annotations

import pytest

from crowdops.console import plugin
from crowdops.console.failures import Failure


def test_a_headline_is_short_and_has_no_performance_data() -> None:
    line = plugin.headline("CRITICAL", "a | b\n" + "x" * 100)
    assert line.startswith("CROWDOPS CRITICAL: a / b x") and line.endswith("...")
    assert len(line) == plugin.LINE_WIDTH < 80


@pytest.mark.parametrize(
    "message,printed",
    [
        ("It is locked.", "CROWDOPS UNKNOWN: It is locked.\n"),
        ("One | two\nthree", "CROWDOPS UNKNOWN: One / two\nOne / two\nthree\n"),
    ],
)
def test_a_failure_is_unknown(message: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    main = plugin.command("Help.")(lambda: 0)
    assert main.fail(Failure(message, "usage_error", None, 2), []) == plugin.EXIT_UNKNOWN
    assert capsys.readouterr() == (printed, "")
