"""find_capacity asks a deployed task server as it asks one on this machine."""

from __future__ import annotations

import json

from tests.support.scripts import invoke
from tests.support.servers import HerokuServers


def test_a_deployed_server_is_measured_and_dynos_are_advised(heroku: HerokuServers) -> None:
    run = heroku.add_run(state="running")
    heroku.launch_app(run)
    result = invoke("local/find_capacity", run.run_id, "--json", "--seconds", "0.3", "--most", "2")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert [step["workers"] for step in found["steps"]] == [1, 2]
    assert all(step["pages"] > 0 and step["errors"] == 0 for step in found["steps"])
    assert found["max_num_concurrent_units"] > 0
    assert found["dynos"] >= 1
