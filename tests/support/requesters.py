"""A requester of a crowd server, as boto3 has them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.support.offers import html_question
from tests.support.workers import Workers

__all__ = ["BOTH", "Requester", "Workers"]

BOTH = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)

_PROPERTIES = {"Title": "Label a picture", "Description": "Say what is in it", "Reward": "0.50"}


class Requester:
    """Makes HITs, each type with a title of its own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._numbers = itertools.count(1)

    def hit_type(self, **properties: Any) -> str:
        """Create a HIT type; returns its id."""
        values = {"AssignmentDurationInSeconds": 600, **_PROPERTIES, "Title": f"Lot {next(self._numbers)}"}
        return str(self.client.create_hit_type(**{**values, **properties})["HITTypeId"])

    def hit(self, hit_type_id: str | None = None, **members: Any) -> dict[str, Any]:
        """Create a HIT; returns it."""
        values = {"LifetimeInSeconds": 3600, "Question": html_question(), **members}
        kind = hit_type_id or self.hit_type()
        return dict(self.client.create_hit_with_hit_type(HITTypeId=kind, **values)["HIT"])

    def counters(self, hit_id: str) -> tuple[str, int, int, int]:
        """Return a HIT's status, and how many assignments are available, pending and completed."""
        hit = self.client.get_hit(HITId=hit_id)["HIT"]
        available, pending, completed = (
            hit[f"NumberOfAssignments{name}"] for name in ("Available", "Pending", "Completed")
        )
        return hit["HITStatus"], available, pending, completed

    def balance(self) -> tuple[str, str]:
        """Return what is available and what is held."""
        balance = self.client.get_account_balance()
        return balance["AvailableBalance"], balance["OnHoldBalance"]
