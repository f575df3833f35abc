"""Runs until they agree, with simulated crowds: what was bought against the least that would have done.

`make check-agreement` takes 200 runs and sums them up; `make test` takes a sample.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest
from sqlalchemy import select

from crowdserver.storage import schema
from tests.support.gates import Call
from tests.support.quality import judge, quality
from tests.support.world import World

pytestmark = pytest.mark.gated

FULL = os.environ.get("CROWDOPS_FULL_SOAK") == "1"
SEEDS = range(200) if FULL else (4, 11)
MOST_TOO_MUCH = 0.02  # of the least that would have done
LABELS, UNITS, WORKERS = ("cat", "dog", "cow"), 6, 14
PRICE = 6  # cents an answer
TOTALS = {"runs": 0, "bought": 0, "least": 0, "agreed": 0, "at_most": 0, "out_of_money": 0}


class Task(NamedTuple):
    """What a run asks for."""

    first: int
    agree: int
    at_most: int
    cents: int

    @classmethod
    def draw(cls, random: Random) -> Task:
        """Return a run's parameters; the money is enough for all that may come, or for a part of it."""
        first = random.choice((1, 2, 3))
        agree = random.choice((2, 3))
        at_most = random.choice((max(first, agree), 5, 7, 9))
        least, most = first * UNITS, at_most * UNITS
        answers = most if random.random() < 0.6 else random.randint(least, (least + most) // 2)
        return cls(first, agree, at_most, answers * PRICE)

    def least(self, answers: Sequence[str]) -> int:
        """Return how many of these answers, in their order, were needed."""
        for count in range(self.first, len(answers) + 1):
            taken = answers[:count]
            if count >= self.at_most or max(map(taken.count, taken)) >= self.agree:
                return count
        return len(answers)


class SimulatedCrowd:
    """Workers who are right as often as their accuracy says, spammers, and some who give work back."""

    def __init__(self, world: World, random: Random) -> None:
        self._world, self._random = world, random
        self._accuracies = [
            1 / len(LABELS) if number % 5 == 0 else random.uniform(0.6, 0.95) for number in range(WORKERS)
        ]
        self._done: set[tuple[str, int]] = set()

    def __call__(self, call: Call) -> None:
        """Let somebody come to each HIT that is open."""
        if call.operation not in ("ListReviewableHITs", "ListHITs"):
            return
        for hit in [hit for hit in self._world.hits() if hit.assignable]:
            free = [number for number in range(WORKERS) if (hit.hit_id, number) not in self._done]
            number = self._random.choice(free)
            assignment_id = self._world.accept(hit.hit_id, f"AWORKER{number}")
            if self._random.random() < 0.15:
                self._world.give_back(assignment_id, f"AWORKER{number}")
                continue
            self._done.add((hit.hit_id, number))
            is_right = self._random.random() < self._accuracies[number]
            truth = LABELS[hit.unit_index % len(LABELS)]
            self._world.submit(assignment_id, label=truth if is_right else self._random.choice(LABELS))


def answers(world: World, run_id: str) -> dict[int, list[str]]:
    """Return the answers to each unit in the order in which they were given, by the results."""
    rows = world.json("mturk/download_results", "--run", run_id, "--offline")
    given: dict[int, list[str]] = {}
    for row in sorted(rows, key=lambda row: (str(row["submitted_at"]), str(row["accepted_at"]))):
        given.setdefault(row["unit_index"], []).append(row["answer"]["label"])
    return given


def bought(world: World, run_id: str) -> dict[int, int]:
    """Return how many places each unit has at the endpoint."""
    table = schema.hits.c
    with world.crowd.opened.reading() as (tx, _):
        places = {row.id: row.max_assignments for row in tx.execute(select(table.id, table.max_assignments))}
    return {hit.unit_index: places[hit.hit_id] for hit in world.hits(run_id)}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_place_is_bought_that_is_not_needed(world: World, seed: int) -> None:
    random = Random(seed)
    task = Task.draw(random)
    path = world.write_run(
        UNITS,
        assignments_per_unit=task.first,
        max_cost=f"{task.cents / 100:.2f}",
        more=quality(task.agree, task.at_most),
        **({"max_num_concurrent_units": 2} if seed % 3 == 1 else {}),
    )
    world.gate.before = SimulatedCrowd(world, random)
    is_detached = seed % 3 == 2
    launched = world.json("mturk/launch_run", str(path), "--yes", *(["--detach"] if is_detached else []))
    run_id = launched["run_id"]
    while is_detached and world.open_hits():
        world.invoke("mturk/print_outstanding_hit_status", "--run", run_id)
    if is_detached:
        world.invoke("mturk/download_results", "--run", run_id)
        world.invoke("mturk/top_up_run", "--run", run_id, "--yes")
    assert world.open_hits() == [] and world.run(run_id).state == "finished"
    given, places, whys = answers(world, run_id), bought(world, run_id), judge(world, run_id)
    assert sum(places.values()) * PRICE <= task.cents
    for index in range(UNITS):
        check(task, given[index], whys[index], task.cents - sum(places.values()) * PRICE)
    least = sum(task.least(given[index]) for index in range(UNITS))
    assert sum(places.values()) <= least * (1 + MOST_TOO_MUCH)
    tell(whys, sum(places.values()), least)


def check(task: Task, given: list[str], why: str, cents_left: int) -> None:
    """What is said of a unit is so by its answers and by the money that is left."""
    votes = max(map(given.count, given))
    if why == "agreed":
        assert votes >= task.agree
    elif why == "at_most":
        assert votes < task.agree and len(given) == task.at_most
    else:
        assert why == "out_of_money" and votes < task.agree
        assert min(task.agree - votes, task.at_most - len(given)) * PRICE > cents_left


def tell(whys: dict[int, str], bought: int, least: int) -> None:
    """Sum up what was bought, and print it after the last run."""
    for name, number in (("runs", 1), ("bought", bought), ("least", least)):
        TOTALS[name] += number
    for why in whys.values():
        TOTALS[why] += 1
    if FULL and TOTALS["runs"] == len(SEEDS):
        sys.stdout.write(f"\n{TOTALS}, {TOTALS['bought'] / TOTALS['least'] - 1:.2%} more than the least\n")
