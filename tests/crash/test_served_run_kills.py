"""kill -9 of a run that is served on this machine, at its commits: no server is left that is not found."""

from __future__ import annotations

import signal

import pytest

from tests.support import sweeps
from tests.support.world import World

pytestmark = pytest.mark.gated

# The registry's commits of a launch: 1 the run, 2 its units, 3 the server's intent, 4 its pid, 5 that it is
# up.
COMMITS = (
    [(when, n) for n in range(1, 10) for when in ("before", "after")]
    if sweeps.FULL
    else [
        ("after", 3),
        ("before", 4),
        ("after", 5),
    ]
)


@pytest.mark.parametrize(("when", "number"), COMMITS)
def test_a_run_that_is_killed_at_a_commit_leaves_no_server_that_is_not_found(
    world: World, when: str, number: int, record_property: sweeps.Record
) -> None:
    launch = world.serve(units=2, struck=("SIGKILL", when, str(number)))
    assert launch.end() == -signal.SIGKILL, launch.said
    sweeps.count(record_property, "launch_run until its first HIT, then kill_servers")
    left = world.json("local/print_server_status")["servers"]
    assert all(server["leftover"] for server in left)
    running = {process.environ()["CROWDOPS_SERVER"] for process in world.server_processes()}
    assert running == {server["name"] for server in left if server["exists"]}
    killed = world.json("local/kill_servers", "--yes")
    assert (killed["selected"], killed["failed"]) == (len(left), [])
    assert world.server_processes() == []
    assert world.json("local/kill_servers", "--yes")["selected"] == 0
