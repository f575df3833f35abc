"""HITs that led to an address which is gone are replaced, once."""

from __future__ import annotations

import pytest

from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.hits import create, reconcile, replace, scan
from tests.support.world import World

pytestmark = pytest.mark.gated


def test_a_list_that_still_has_the_deleted_hits_deceives_nobody(world: World) -> None:
    world.add_foreign_hits()
    run_id = world.crash(units=3, assignments=1).run_id
    settings = Settings("local", world.gate.url, world.home, timeout=10, poll_interval=0.1, threads=4)
    with Context.open(settings) as context:
        listed = scan.scan(context).hits_by_run[run_id]
        run = context.registry.run(run_id)
        assert run is not None
        moved = replace.move(context, run, "https://elsewhere.example")
        assert moved == (3, 0)
        assert replace.move(context, run, "https://elsewhere.example") == (0, 0)
        assert reconcile.reconcile(context, run, listed) == (0, 0, [])
        assert context.registry.unit_counts(run_id) == {"planned": 3}
        units = context.registry.intend(run_id, 3)
        assert create.find_created(context.provider, run, units) == {}
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()
