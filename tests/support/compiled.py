"""Compile test modules that have changed once, before the workers start: else each would compile them all.

What is compiled already is left to the workers.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Import what has changed, in the process that starts the workers, so that its bytecode is there."""
    is_worker = hasattr(config, "workerinput")
    if is_worker or sys.dont_write_bytecode or not config.getoption("numprocesses", None):
        return
    for path in sorted(TESTS.rglob("test_*.py")):
        if not _is_compiled(path):
            name = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
            with contextlib.suppress(Exception, pytest.skip.Exception):  # the workers will say so
                importlib.import_module(name)


def _is_compiled(path: Path) -> bool:
    changed_at = path.stat().st_mtime
    compiled = (path.parent / "__pycache__").glob(f"{path.stem}.*-pytest-*.pyc")
    return any(one.stat().st_mtime >= changed_at for one in compiled)
