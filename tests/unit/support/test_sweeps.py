"""The table of sweeps: it counts what was killed, and knows a sweep that did not go past the last point."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import sweeps
from tests.support.sweeps import Point, Table, points


def reports(*properties: tuple[str, tuple[str, str]]) -> list[Any]:
    return [SimpleNamespace(when="call", user_properties=[found]) for found in properties]


def struck(name: str, what: str = "call") -> tuple[str, tuple[str, str]]:
    return "strike", (name, what)


def beyond(name: str, what: str = "call") -> tuple[str, tuple[str, str]]:
    return "beyond", (name, what)


def test_the_points_of_a_process_go_one_beyond_its_last() -> None:
    assert [str(point) for point in points(commits=1)] == [
        "before commit 1",
        "after commit 1",
        "before commit 2",
        "after commit 2",
    ]
    assert points() == []


def test_strikes_are_counted_by_process_and_outcome() -> None:
    found = Table(
        {
            "passed": reports(struck("launch"), struck("launch", "commit"), struck("expire")),
            "failed": reports(struck("expire")),
        }
    )
    rows = [line.split() for line in found.lines()[1:4]]
    assert rows == [["expire", "2", "1"], ["launch", "2", "0"], ["together", "4", "1"]]


def test_nothing_killed_is_no_table() -> None:
    assert Table({"passed": reports(("other", ("a", "b"))), "skipped": []}).lines() == []


def test_a_sweep_whose_last_point_was_struck_is_not_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "FULL", True)
    short = {"passed": reports(struck("launch"), beyond("launch"), struck("launch", "commit"))}
    assert Table(short).unfinished == ["launch (commits)"]
    assert "Not swept to the end: launch (commits)" in Table(short).lines()
    whole = {"passed": [*short["passed"], *reports(beyond("launch", "commit"))]}
    assert Table(whole).unfinished == []
    assert "Each to its last point." in Table(whole).lines()


def test_a_point_that_is_struck_and_one_that_is_beyond_are_told_apart() -> None:
    noted: list[tuple[str, object]] = []
    sweeps.note(lambda name, value: noted.append((name, value)), "launch", Point("call", "after", 3), True)
    sweeps.note(lambda name, value: noted.append((name, value)), "launch", Point("call", "after", 4), False)
    sweeps.count(lambda name, value: noted.append((name, value)), "deploy")
    assert noted == [struck("launch"), beyond("launch"), struck("deploy", "")]
    assert Table({"passed": reports(struck("deploy", ""))}).unfinished == []
