"""A whole small world for tests: a home, an account, workers, task servers, and what can befall them."""

from __future__ import annotations

from tests.support.serving import Serving
from tests.support.strikes import Strikes


class World(Serving, Strikes):
    """See Home, and what its two parts add. The fixture `world` makes one, with a gate for gated tests."""
