"""Providers that lie, break off, trickle and never end: at each wall.

What comes of an answer is a value or an error of ours, in time, without a secret: never a bug.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.support import fuzzing, walls
from tests.support.forks import REPOSITORY

WALL_SECONDS = 1800


@pytest.mark.parametrize("wall", walls.WALLS if fuzzing.FULL else ["all"])
def test_a_wall_lets_through_what_can_be_read_and_says_the_rest(
    wall: str, record_property: fuzzing.Record
) -> None:
    count = fuzzing.number(12, 5000 if wall == "mturk" else 2500)
    command = [sys.executable, "-m", "tests.support.walls", wall, str(count)]
    variables = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'lib'}"}
    result = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=WALL_SECONDS,
        cwd=REPOSITORY,
        env=variables,
    )
    for name, fed in json.loads(result.stdout).items():
        assert fed["faults"] == [], name
        assert fed["errors"] or name == "task server"
        cost = fuzzing.Cost(fed["inputs"], fed["slowest"], fed["memory"])
        fuzzing.note(record_property, f"hostile answers: {name}", cost)
