"""Counted things are right in English."""

from crowdops.formats import words


def test_one_is_singular_and_all_else_plural() -> None:
    assert words.count(1, "run") == "1 run"
    assert [words.count(number, "run") for number in (0, 2, 11)] == ["0 runs", "2 runs", "11 runs"]
    assert words.count(1, "bonus") == "1 bonus"
    assert words.count(2, "bonus") == "2 bonuses"
    assert words.count(2, "outstanding HIT") == "2 outstanding HITs"
    assert words.count(2, "process") == "2 processes"
    assert words.count(2, "reply") == "2 replies"
    assert words.count(2, "day") == "2 days"


def test_verbs_go_with_the_number() -> None:
    assert [words.are(number, "unit") for number in (1, 2)] == ["1 unit is", "2 units are"]
    assert [words.were(number, "unit") for number in (1, 0)] == ["1 unit was", "0 units were"]
    assert [words.have(number, "unit") for number in (1, 2)] == ["1 unit has", "2 units have"]
