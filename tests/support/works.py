"""A run whose work has come in, ready to be reviewed."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crowdops.errors import ProviderError
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Assignment
from crowdserver.storage import people_tables
from tests.support.scripts import Invoked
from tests.support.world import World

LABELS = ("cat", "dog", "cat")


class Work:
    """A run that workers have done: unit n by worker AWORKERn, or by as many as the unit has assignments."""

    def __init__(
        self,
        world: World,
        units: int = 3,
        workers: int = 1,
        task_name: str = "pilot-1",
        more: str = "",
        done: bool = True,
        given: tuple[str, ...] = (),
    ) -> None:
        self.world = world
        run_toml = world.write_run(units, task_name=task_name, assignments_per_unit=workers, more=more)
        flags = (
            *(flag for value in given for flag in ("--set", value)),
            "--detach",
            "--yes",
            "--again",
            "--quiet",
        )
        self.run = world.run(world.json("mturk/launch_run", str(run_toml), *flags)["run_id"])
        self.hits = world.hit_ids(self.run)
        self.assignments = [
            world.do(hit_id, f"AWORKER{1 + number + worker}", label=LABELS[(number + worker) % 3])
            for number, hit_id in enumerate(self.hits)
            for worker in range(workers if done else 0)
        ]

    def collect(self) -> None:
        """Take over what came in."""
        result = self.world.invoke("mturk/download_results", "--run", self.run.run_id)
        assert result.exit_code == 0, result.stderr

    def worker(self, number: int) -> str:
        """Return who did an assignment."""
        found = self.world.client.get_assignment(AssignmentId=self.assignments[number])["Assignment"]
        return str(found["WorkerId"])

    def statuses(self) -> list[str]:
        """Return what the API says of the assignments."""
        return [
            self.world.client.get_assignment(AssignmentId=each)["Assignment"]["AssignmentStatus"]
            for each in self.assignments
        ]

    def stored(self) -> list[str]:
        """Return what the registry says of them."""
        with self.world.registry() as registry:
            return [registry.results_of(each)[0].assignment.status for each in self.assignments]

    def review(self, *arguments: str, input: str | None = None) -> Invoked:
        """Run review_assignments on the run."""
        return self.world.invoke(
            "mturk/review_assignments", "--run", self.run.run_id, *arguments, input=input
        )

    def decisions(self, *rows: dict[str, str]) -> Path:
        """Write a decisions file; a row names its assignment by its number, `n`, or by its own columns."""
        filled = [
            {
                "assignment_id": self.assignments[int(row["n"])] if "n" in row else "",
                "worker_id": self.worker(int(row["n"])) if "n" in row else "",
                "decision": "",
                "feedback": "",
                "bonus": "",
                **{name: value for name, value in row.items() if name != "n"},
            }
            for row in rows
        ]
        return write_csv(self.world.folder / "decisions.csv", filled)

    def bonuses(self, *rows: dict[str, str]) -> Path:
        """Write a bonus file in the same way."""
        filled = [
            {
                "assignment_id": self.assignments[int(row["n"])] if "n" in row else "",
                "worker_id": self.worker(int(row["n"])) if "n" in row else "",
                "amount": "0.10",
                "reason": "Well done",
                **{name: value for name, value in row.items() if name != "n"},
            }
            for row in rows
        ]
        return write_csv(self.world.folder / "bonuses.csv", filled)


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Write rows that have the same columns."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def document(result: Invoked) -> Any:
    """Return the JSON that a script wrote."""
    return json.loads(result.stdout)


def inbox(world: World) -> list[tuple[str, str]]:
    """What lies with the workers: worker and subject."""
    with world.crowd.database.read() as tx:
        return sorted((row.worker_id, row.subject) for row in tx.execute(select(people_tables.messages)))


def refuse_answers(patch: pytest.MonkeyPatch, hit_id: str) -> None:
    """Let the answers to one HIT be refused to whoever asks in this process."""
    real = MTurk.submissions

    def submissions(self: MTurk, asked: str, expected: int) -> list[Assignment]:
        if asked == hit_id:
            raise ProviderError("this one not")
        return real(self, asked, expected)

    patch.setattr(MTurk, "submissions", submissions)
