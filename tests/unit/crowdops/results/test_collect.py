"""Answers that were fetched are stored together, and none of them is lost with what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from crowdops.context import Context
from crowdops.errors import ProviderError
from crowdops.providers.mturk.client import Hit
from crowdops.results import collect
from tests.support.world import World


def test_a_list_that_breaks_off_loses_nothing_that_was_fetched_before(world: World) -> None:
    run = world.launch(units=3)
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    with Context.open(world.settings) as context:

        def hits() -> Iterator[Hit]:
            yield from islice(context.provider.iter_hits(), 2)
            raise ProviderError("the second page does not come")

        with pytest.raises(ProviderError, match="second page"):
            list(collect.collect(context, hits()))
        assert world.sql("SELECT count(*) FROM assignments") == [(2,)]
        assert world.units(run.run_id) == {"finished": 2, "outstanding": 1}


def test_a_batch_that_cannot_be_stored_is_stored_in_no_part_and_fetched_again(world: World) -> None:
    run = world.launch(units=3)
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    with Context.open(world.settings) as context, pytest.MonkeyPatch.context() as patch:
        store, stored = collect.store, []

        def fail_at_the_third(*arguments: object) -> bool:
            if len(stored) == 2:
                raise ProviderError("not today")
            stored.append(arguments)
            return store(*arguments)  # type: ignore[arg-type]

        patch.setattr(collect, "store", fail_at_the_third)
        with pytest.raises(ProviderError, match="not today"):
            list(collect.collect(context, context.provider.iter_hits()))
        assert world.sql("SELECT count(*) FROM assignments") == [(0,)]
        patch.undo()
        list(collect.collect(context, context.provider.iter_hits()))
        assert world.sql("SELECT count(*) FROM assignments") == [(3,)]
        assert world.units(run.run_id) == {"finished": 3}
