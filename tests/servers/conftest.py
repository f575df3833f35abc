"""A home without servers; whatever is left running is ended after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.worlds import LocalWorld


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalWorld]:
    made = LocalWorld(tmp_path)
    yield made
    made.close()
