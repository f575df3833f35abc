"""Runs whose answers have to agree: workers who say what they are told to, and what was bought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select

from crowdserver.storage import schema
from tests.support.gates import Call
from tests.support.world import World

AGREE, AT_MOST, FIELD = 3, 7, "label"


def quality(agree: int = AGREE, at_most: int = AT_MOST, field: str = FIELD) -> str:
    """Return the section of a run.toml that asks for agreement."""
    return f'[quality]\nanswer_field = "{field}"\nagree = {agree}\nat_most = {at_most}\n'


def work_as(world: World, say: Mapping[int, str]) -> None:
    """Let workers do what is open each time a run looks: the nth who comes to a unit says its nth letter."""

    def crew(call: Call) -> None:
        if call.operation not in ("ListReviewableHITs", "ListHITs"):
            return
        for hit in [hit for hit in world.hits() if hit.assignable]:
            number = said(world).get(hit.unit_index, 0)
            world.do(hit.hit_id, f"AWORKER{number + 1}", label=say[hit.unit_index][number])

    world.gate.before = crew


def said(world: World) -> Counter[int]:
    """Return how many answers each unit has, at the endpoint."""
    units = {hit.hit_id: hit.unit_index for hit in world.hits()}
    table = schema.assignments.c
    with world.crowd.opened.reading() as (tx, _):
        rows = tx.execute(select(table.hit_id).where(table.submitted_at.is_not(None))).scalars()
        return Counter(units[hit_id] for hit_id in rows)


def judge(world: World, run_id: str) -> dict[int, str]:
    """Return why each unit got no more answers, by the results of a run."""
    rows = world.json("mturk/download_results", "--run", run_id, "--offline")
    return {row["unit_index"]: row["quality"]["why"] for row in rows}
