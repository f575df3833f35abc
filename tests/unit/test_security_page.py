"""docs/security.md: every test that it names is there."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", PAGE.read_text())
    assert len(named) > 50
    assert [
        f"{path}::{name}" for path, name in named if f"def {name}(" not in (TESTS / path).read_text()
    ] == []


def test_every_row_names_a_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "---" not in line]
    assert [row for row in rows if "::test_" not in row and not row.startswith("| threat ")] == []
