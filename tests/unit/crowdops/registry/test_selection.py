"""Which runs, and which of their results, a command means."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crowdops.config.settings import Selection
from crowdops.errors import UsageError
from crowdops.registry import Assignment, Registry, Run
from crowdops.registry.selection import Label, expand, find, find_result, select
from tests.support.run_parameters import some_run

MOMENT = datetime(2026, 11, 22, 11, 45, tzinfo=UTC)
HERE, THERE = "http://127.0.0.1:1", "http://127.0.0.1:2"
PILOT, SECOND, OTHER = "20261122-114502-aaaa", "20261122-114502-bbbb", "20261122-114502-cccc"


def new_run(run_id: str, task_name: str, endpoint: str) -> Run:
    return some_run(run_id=run_id, task_name=task_name, endpoint=endpoint, state="running")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Two pilots here, one run elsewhere; three workers have done what has one assignment's id."""
    with Registry.open(tmp_path) as opened:
        for run_id, task_name, endpoint in (
            (PILOT, "pilot-1", HERE),
            (SECOND, "pilot-2", HERE),
            (OTHER, "survey", THERE),
        ):
            opened.add_run(new_run(run_id, task_name, endpoint))
            opened.add_units(run_id, [(0, {"n": 1})])
        for run_id, worker_id in ((PILOT, "AONE"), (PILOT, "ATWO"), (OTHER, "ATHREE")):
            work = Assignment("3SHARED", worker_id, "3HIT", "Submitted", MOMENT, MOMENT, None, None, None, {})
            opened.collect(run_id, 0, "3HIT", [work], ended=False)
        yield opened


def ids(runs: list[Run]) -> list[str]:
    return [run.run_id for run in runs]


def test_ids_and_globs_are_added_up_and_each_run_is_there_once(registry: Registry) -> None:
    assert ids(select(registry, Selection(task_names=("pilot-*",)))) == [PILOT, SECOND]
    assert ids(select(registry, Selection(runs=(OTHER, PILOT), task_names=("*-1",)))) == [PILOT, OTHER]
    assert ids(select(registry, Selection())) == [PILOT, SECOND, OTHER]
    assert ids(select(registry, Selection(all_runs=True))) == [PILOT, SECOND, OTHER]


@pytest.mark.parametrize(
    ("name", "run_id"),
    [
        (SECOND, SECOND),
        ("last", OTHER),
        ("20261122-114502-b", SECOND),
        ("survey", OTHER),
        ("pilot-1", PILOT),
    ],
)
def test_a_run_has_several_names(registry: Registry, name: str, run_id: str) -> None:
    assert ids(select(registry, Selection(runs=(name,)))) == [run_id]


def test_of_a_name_that_several_runs_have_the_candidates_are_listed_the_newest_first(
    registry: Registry,
) -> None:
    with pytest.raises(UsageError) as caught:
        select(registry, Selection(runs=("2026",)))
    head, *listed, next_step = str(caught.value).splitlines()
    assert head == "'2026' could be any of 3 runs, the newest first:"
    assert [line.split() for line in listed] == [[OTHER, "survey"], [SECOND, "pilot-2"], [PILOT, "pilot-1"]]
    assert next_step.startswith("Name one by its id")


def test_an_id_comes_before_all_that_begins_with_it_and_a_task_name_counts_as_much_as_a_beginning() -> None:
    runs = [Label("2026-a", "pilot"), Label("2026-ab", "2026-a"), Label("2027-a", "pilot")]
    assert find("2026-a", runs) == runs[0]
    assert find("last", runs) == runs[2]
    with pytest.raises(UsageError, match="'pilot' could be any of 2 runs"):
        find("pilot", runs)
    with pytest.raises(UsageError, match="'2026' could be any of 2 runs"):
        find("2026", runs)
    assert (find("", runs), find("pil", runs), find("last", [])) == (None, None, None)


def test_no_more_candidates_are_listed_than_one_can_read() -> None:
    runs = [Label(f"2026-{number:03}", "pilot") for number in range(300)]
    with pytest.raises(UsageError) as caught:
        find("pilot", runs)
    lines = str(caught.value).splitlines()
    assert lines[1].split() == ["2026-299", "pilot"] and lines[-2] == "  and 290 older ones"
    assert len(lines) == 13


def test_names_become_ids_where_they_can() -> None:
    runs = [Label("2026-a", "pilot"), Label("2027-b", "main")]
    selection = Selection(("last", "pilot", "2025-x"), ("*",))
    assert expand(selection, runs) == Selection(("2027-b", "2026-a", "2025-x"), ("*",))


def test_a_selector_that_matches_nothing_is_named(registry: Registry) -> None:
    with pytest.raises(UsageError, match=r"No run has a task_name like 'pilot-3'. Did you mean pilot-\d?"):
        select(registry, Selection(task_names=("pilot-1", "pilot-3")))
    with pytest.raises(UsageError, match=r"The registry has no run '20261122-114502-dddd'"):
        select(registry, Selection(runs=("20261122-114502-dddd",)))


def test_a_result_is_found_by_its_assignment_and_its_worker(registry: Registry) -> None:
    result = find_result(registry, {PILOT, SECOND}, "3SHARED", "ATWO")
    assert (result.run_id, result.assignment.worker_id) == (PILOT, "ATWO")


NONE = "no such assignment has been collected of the selected runs; download_results collects what is there"


@pytest.mark.parametrize(
    ("run_ids", "assignment_id", "worker_id", "why"),
    [
        ({PILOT}, "3UNKNOWN", "AONE", NONE),
        ({SECOND}, "3SHARED", "AONE", NONE),
        ({PILOT, OTHER}, "3SHARED", "AFOUR", "it is the work of AONE, ATHREE, ATWO, not of AFOUR"),
        ({PILOT}, "3SHARED", "", "it is the work of AONE, ATWO, not of nobody"),
    ],
)
def test_what_an_id_stands_for_instead_is_said(
    registry: Registry, run_ids: set[str], assignment_id: str, worker_id: str, why: str
) -> None:
    with pytest.raises(UsageError) as caught:
        find_result(registry, run_ids, assignment_id, worker_id)
    assert str(caught.value) == why
