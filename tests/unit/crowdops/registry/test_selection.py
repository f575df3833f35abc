"""Which runs, and which of their results, a command means."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crowdops.config.settings import Selection
from crowdops.errors import UsageError
from crowdops.registry import Assignment, Registry, Run
from crowdops.registry.selection import find_result, select
from tests.support.run_parameters import some_parameters

MOMENT = datetime(2026, 11, 22, 11, 45, tzinfo=UTC)
HERE, THERE = "http://127.0.0.1:1", "http://127.0.0.1:2"
PILOT, SECOND, OTHER = "20261122-114502-aaaa", "20261122-114502-bbbb", "20261122-114502-cccc"


def new_run(run_id: str, task_name: str, endpoint: str) -> Run:
    return Run(
        run_id=run_id,
        task_name=task_name,
        environment="local",
        endpoint=endpoint,
        state="running",
        detached=False,
        parameters=some_parameters(task_name=task_name),
        data_digest="",
        units=1,
        hit_type_id=None,
        created_at=MOMENT,
        ended_at=None,
        reason=None,
    )


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
