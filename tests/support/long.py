"""Tests that go a long way, such as every command of an official tool; another test is a sample of each.

Without CROWDOPS_FULL_LONG=1 they are left out.
"""

from __future__ import annotations

import os

import pytest

FULL = os.environ.get("CROWDOPS_FULL_LONG") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what goes a long way, unless all of it is asked for."""
    left_out = [] if FULL else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
