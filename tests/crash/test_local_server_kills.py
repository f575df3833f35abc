"""kill -9 of local/launch_server at its commits: what is left is seen, and goes with one command."""

from __future__ import annotations

import signal

import pytest

from tests.support import sweeps
from tests.support.servers import LocalServers

# The registry's commits of a launch: 1 the intent, 2 the pid, 3 that it is up.
COMMITS = [(when, number) for number in (1, 2, 3) for when in ("before", "after")]


@pytest.mark.parametrize(("when", "number"), COMMITS if sweeps.FULL else COMMITS[2:5])
def test_a_launch_that_is_killed_leaves_nothing_that_is_not_found(
    local: LocalServers, when: str, number: int, record_property: sweeps.Record
) -> None:
    run = local.add_run()
    assert local.strike(when, number, run.run_id) == -signal.SIGKILL
    sweeps.count(record_property, "launch_server, then kill_servers")
    left = local.listed()
    is_running = local.processes() != []
    assert [server["exists"] for server in left if server["exists"]] == [True] * is_running
    assert all(server["leftover"] for server in left)
    assert len(left) == (0 if (when, number) == ("before", 1) else 1)
    killed = local.kill()
    assert (killed["done"], killed["already"], killed["exit_code"]) == (
        int(is_running),
        len(left) - is_running,
        0,
    )
    assert local.processes() == []
    assert local.kill()["selected"] == 0
    assert local.listed() == []
