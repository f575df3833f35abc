"""Several processes at once on one registry."""

import pytest

from tests.support.gates import Call
from tests.support.processes import wait_until
from tests.support.world import World

pytestmark = pytest.mark.gated


def test_a_launch_a_status_and_an_expiry_share_a_registry(world: World) -> None:
    def work(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.open_hits()[:8]:
                world.do(hit_id)

    old = world.launch_run("--detach", units=12)
    assert old.end() == 0
    world.gate.before = work
    status = world.start("mturk/print_outstanding_hit_status", "--json", "--watch", "0.1")
    new = world.launch_run(units=30, max_num_concurrent_units=10)
    wait_until(lambda: len(world.run_ids()) == 2, 60)
    # By its own id: two runs of one second are listed in any order.
    wait_until(lambda: world.units(new.run_id).get("finished", 0) > 5, 60)
    expired = world.invoke("mturk/expire_hits", "--run", old.run_id, "--yes")
    assert new.end() == 0
    status.press()
    assert status.end() == 130
    assert expired.exit_code == 0, expired.stderr
    assert status.output.count('"checked_at"') > 3
    assert status.said.split() == ["Interrupted."]
    for words in (status.said, new.said, old.said, expired.stderr):
        assert "locked" not in words
        assert "Traceback" not in words
    assert world.units(new.run_id) == {"finished": 30}
    assert len(world.collected(new.run_id)) == 30
    assert sum(world.units(old.run_id).values()) == 12
    assert world.invoke("mturk/download_results", "--all-runs").exit_code == 0
    assert world.collected() == world.submitted()
    events = "SELECT count(*) FROM events WHERE kind = 'hit-created'"
    assert world.sql(events) == [(42,)]
