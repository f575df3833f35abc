"""Counts that are kept while a run is attended are those that counting gives, whoever writes."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crowdops.registry import Assignment, Registry, Run
from tests.support.run_parameters import some_parameters

RUN_ID, OTHER_ID = "20261122-114502-k3f9", "20261122-114503-aaaa"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run(run_id: str) -> Run:
    return Run(
        run_id=run_id,
        task_name="pilot-1",
        environment="local",
        endpoint="http://127.0.0.1:8730",
        state="running",
        detached=False,
        parameters=some_parameters(),
        data_digest="digest",
        units=8,
        hit_type_id=None,
        created_at=NOW,
        ended_at=None,
        reason=None,
    )


def answers(index: int, *numbers: int) -> list[Assignment]:
    return [
        Assignment(f"3A{index}{number}", f"AW{number}", f"3HIT{index}", "Submitted", *[None] * 5, answer={})
        for number in numbers
    ]


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    """That of the process which attends the run, and another's."""
    with Registry.open(tmp_path) as ours, Registry.open(tmp_path) as theirs:
        for run_id in (RUN_ID, OTHER_ID):
            ours.add_run(run(run_id))
            ours.add_units(run_id, ((index, {"n": index}) for index in range(8)))
        yield ours, theirs


WRITES: list[Callable[[Registry], object]] = [
    lambda registry: registry.intend(RUN_ID, 5),
    lambda registry: registry.withdraw(RUN_ID, [4]),
    lambda registry: [registry.set_created(RUN_ID, index, f"3HIT{index}") for index in range(3)],
    lambda registry: registry.set_failed(RUN_ID, 3, "no"),
    lambda registry: registry.collect(RUN_ID, 0, "3HIT0", answers(0, 1), ended=False),
    lambda registry: registry.collect(RUN_ID, 0, "3HIT0", answers(0, 1, 2, 3), ended=True),
    lambda registry: registry.collect(RUN_ID, 0, "3HIT0", answers(0, 1, 2, 3), ended=True),
    lambda registry: registry.collect(RUN_ID, 1, "3HIT1", [], ended=True),
    lambda registry: registry.reopen_unit(RUN_ID, 1, "3HIT1"),
    lambda registry: registry.set_disposed(RUN_ID, 0, "3HIT0"),
    lambda registry: registry.plan_again(RUN_ID, 2, "3HIT2"),
    lambda registry: registry.adopt_hit(RUN_ID, 6, "3HIT6", NOW),
    lambda registry: registry.adopt_hit(RUN_ID, 9, "3HIT9", NOW),
    lambda registry: registry.add_units(RUN_ID, [(10, {"n": 10}), (9, {"n": 9})]),
    lambda registry: registry.intend(OTHER_ID, 2),
]


def assert_are_equal(ours: Registry, theirs: Registry) -> None:
    assert ours.unit_counts(RUN_ID) == theirs.unit_counts(RUN_ID)
    assert ours.open_units(RUN_ID) == theirs.open_units(RUN_ID)
    mine, counted = (each.answer_counts([RUN_ID, OTHER_ID]) for each in (ours, theirs))
    assert {run_id: sorted(rows) for run_id, rows in mine.items()} == {
        run_id: sorted(rows) for run_id, rows in counted.items()
    }


@pytest.mark.parametrize("writer", ["this process", "another", "both"])
def test_kept_counts_are_those_that_are_there(registries: tuple[Registry, Registry], writer: str) -> None:
    ours, theirs = registries
    ours.keep_counts(RUN_ID)
    for number, write in enumerate(WRITES):
        is_ours = number % 2 == 0 if writer == "both" else writer == "this process"
        write(ours if is_ours else theirs)
        assert_are_equal(ours, theirs)
    ours.forget_counts(RUN_ID)
    assert_are_equal(ours, theirs)


def test_units_are_counted_once_and_again_only_where_another_has_written(
    registries: tuple[Registry, Registry],
) -> None:
    ours, theirs = registries
    statements: list[str] = []
    ours._connection.set_trace_callback(statements.append)

    def times_counted() -> int:
        ours.unit_counts(RUN_ID)
        ours.answer_counts([RUN_ID])
        count = sum("FROM units WHERE run_id" in statement for statement in statements)
        statements.clear()
        return count

    ours.keep_counts(RUN_ID)
    assert times_counted() == 1
    for write in WRITES[:4]:
        write(ours)
    statements.clear()
    assert times_counted() == 0
    theirs.set_created(RUN_ID, 4, "3HIT4")
    assert times_counted() == 1
    assert times_counted() == 0


def test_what_is_undone_is_not_counted(registries: tuple[Registry, Registry]) -> None:
    ours, theirs = registries
    ours.keep_counts(RUN_ID)
    ours.unit_counts(RUN_ID)
    with contextlib.suppress(ZeroDivisionError), ours.transaction():
        ours.intend(RUN_ID, 3)
        assert ours.unit_counts(RUN_ID) == {"creating": 3, "planned": 5}
        raise ZeroDivisionError
    assert_are_equal(ours, theirs)
    with contextlib.suppress(ZeroDivisionError):
        theirs.intend(RUN_ID, 1)
        with ours.transaction():  # the first count since another wrote
            ours.intend(RUN_ID, 3)
            assert ours.unit_counts(RUN_ID) == {"creating": 4, "planned": 4}
            raise ZeroDivisionError
    assert_are_equal(ours, theirs)
