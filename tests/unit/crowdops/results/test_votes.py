"""How the answers to a unit vote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crowdops.registry import Assignment
from crowdops.results import votes

NOW = datetime.now(UTC)


def answered(value: Any, status: str = "Submitted") -> Assignment:
    fields = {} if value is None else {"label": value}
    return Assignment("A1", "W1", "H1", status, NOW, NOW, NOW, None, None, fields)


@pytest.mark.parametrize(
    ("values", "vote"),
    [
        (["yes", " yes ", "Yes"], ("yes", 2, 3)),  # blanks around it do not count, capitals do
        ([None, "", "  ", "no"], ("no", 1, 4)),  # what is empty or not there has no vote
        (["b", "a", "a", "b"], ("b", 2, 4)),  # of two with as many the first that was given
        (["a|b", "a|b", "a"], ("a|b", 2, 3)),  # several values of one name are one answer
        ([], (None, 0, 0)),
    ],
)
def test_answers_vote(values: list[str | None], vote: tuple[str | None, int, int]) -> None:
    assert votes.vote(map(answered, values), "label") == vote


def test_a_rejected_answer_has_no_vote_and_is_lacking() -> None:
    given = [answered("a"), answered("a", "Rejected"), answered("b", "Approved")]
    assert votes.vote(given, "label") == ("a", 1, 2)
