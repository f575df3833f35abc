"""An account with thousands of HITs, of many runs and of others: made from the first HIT of one real run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from crowdops.formats.marks import Mark, annotation
from crowdops.registry import Registry, Run
from crowdserver.storage import schema
from tests.support.world import World

CREATED = "2026-01-01T00:00:00.000000Z"  # of units: long enough ago for every list to have their HITs


def fill(world: World, *, runs: int, hits: int, foreign: int) -> list[Run]:
    """Multiply a run that was launched: so many detached runs with so many HITs each, and foreign HITs."""
    first = world.launch(units=1)
    copies = [first._replace(run_id=f"{first.run_id[:-4]}{number:04d}") for number in range(1, runs)]
    hit_ids = {run.run_id: [f"3{run.run_id[-4:]}{n:025d}" for n in range(hits)] for run in copies}
    hit_ids[first.run_id] = [f"3COPY{n:025d}" for n in range(1, hits)]
    with world.registry() as registry:
        for run in copies:
            registry.add_run(run)
        for run in [first, *copies]:
            _add_units(registry, world, run, hit_ids[run.run_id])
    marked = [
        (hit_id, annotation(Mark(run.run_id, hits - len(hit_ids[run.run_id]) + number, run.task_name)))
        for run in [first, *copies]
        for number, hit_id in enumerate(hit_ids[run.run_id])
    ]
    _add_hits(world, marked + [(f"3FOREIGN{n:022d}", "batch=17") for n in range(foreign)])
    return [first, *copies]


def _add_units(registry: Registry, world: World, run: Run, hit_ids: list[str]) -> None:
    begin = world.run(run.run_id).units if registry.unit_counts(run.run_id) else 0
    units = range(begin, begin + len(hit_ids))
    registry.add_units(run.run_id, [(index, {"text": "message"}) for index in units])
    with registry.transaction():
        for index, hit_id in zip(units, hit_ids, strict=True):
            registry.set_created(run.run_id, index, hit_id)
    world.sql(f"UPDATE units SET created_at = '{CREATED}' WHERE run_id = ?", run.run_id)
    world.sql("UPDATE task_runs SET units = ? WHERE run_id = ?", begin + len(hit_ids), run.run_id)


def _add_hits(world: World, marked: list[tuple[str, str]]) -> None:
    table = schema.hits
    with world.crowd.database.write() as tx:
        row = dict(tx.execute(select(table)).mappings().one())
        del row["serial"]
        rows: list[dict[str, Any]] = [{**row, "id": hit_id, "annotation": mark} for hit_id, mark in marked]
        tx.execute(insert(table), rows)
