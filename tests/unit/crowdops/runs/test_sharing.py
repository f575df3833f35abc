"""Several processes at once on one registry."""

from tests.support import fixtures
from tests.support.crowds import wait_until
from tests.support.gates import Call
from tests.support.launching import World
from tests.support.scripts import Script

world = fixtures.launching_world


def test_a_launch_a_status_and_an_expiry_share_a_registry(world: World) -> None:
    def work(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.hand.open_hits()[:10]:
                world.hand.do(hit_id)

    old = world.launch("--detach", units=24)
    assert old.end() == 0
    world.gate.before = work
    status = Script(
        "mturk/print_outstanding_hit_status",
        *("--json", "--watch", "0.1"),
        environment=world.environment(),
        folder=world.folder,
    )
    new = world.launch(units=60, max_num_concurrent_units=15)
    wait_until(
        lambda: len(world.run_ids()) == 2 and world.units(world.run_ids()[1]).get("finished", 0) > 5, 60
    )
    expired = world.script("mturk.expire_hits", "--run", old.run_id, "--yes")
    assert new.end() == 0
    status.press()
    assert status.end() == 130
    assert expired.exit_code == 0, expired.stderr
    assert status.output.count('"checked_at"') > 3
    assert status.said.split() == ["Interrupted."]
    for words in (status.said, new.said, old.said, expired.stderr):
        assert "locked" not in words
        assert "Traceback" not in words
    assert world.units(new.run_id) == {"finished": 60}
    assert len(world.collected(new.run_id)) == 60
    assert sum(world.units(old.run_id).values()) == 24
    assert world.script("mturk.download_results", "--all-runs").exit_code == 0
    assert world.collected() == world.hand.submitted()
    events = "SELECT count(*) FROM events WHERE kind = 'hit-created'"
    assert world.query(events) == [(84,)]
