"""find_capacity: against task servers, and against servers that are slow, broken or not the run's own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from crowdops.registry import Run, Server
from crowdops.servers import capacity, links
from crowdops.servers.capacity import Step, Target
from tests.support.servers import LocalServers


def find(local: LocalServers, run: Run, *args: str) -> tuple[int, dict[str, Any]]:
    """Run the script with short steps; its exit code and its document."""
    result = local.invoke("find_capacity", run.run_id, "--json", "--seconds", "0.3", *args)
    assert result.stdout, result.stderr
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def stand_in(local: LocalServers) -> Iterator[Callable[..., tuple[Run, list[str]]]]:
    """Puts a server into the place of a run's own; gives the run, and all paths that were asked for."""
    with ExitStack() as stack:

        def make(
            answer: Callable[[int], tuple[int, dict[str, str]]], **detail: object
        ) -> tuple[Run, list[str]]:
            run = local.add_run(f"pilot-{len(local.rows()) + 1}")
            url, paths = stack.enter_context(_serving(run.run_id, answer))
            links.new_token(local.home / "runs" / run.run_id)
            with local.registry() as registry:
                name = f"local-{run.run_id}"
                registry.add_server(
                    Server(name, run.run_id, "local", name, "creating", url, detail, datetime.now(UTC), None)
                )
                registry.set_server(name, "up", url, detail)
            return run, paths

        yield make


@contextmanager
def _serving(
    run_id: str, answer: Callable[[int], tuple[int, dict[str, str]]]
) -> Iterator[tuple[str, list[str]]]:
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/health":
                self._send(200, {}, json.dumps({"status": "ok", "run_id": run_id, "active": 0}))
                return
            paths.append(self.path)
            self._send(*answer(len(paths)), "a page")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send(200, {}, "{}")

        def _send(self, status: int, headers: dict[str, str], body: str) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", paths
    finally:
        server.shutdown()
        server.server_close()


def test_a_task_server_is_measured_step_by_step_and_no_lease_is_left(local: LocalServers) -> None:
    run = local.add_run(rows=5, allowed_concurrent=1)
    url = local.launch(run)["url"]
    code, found = find(local, run, "--most", "4", "--bound-ms", "60000", "--seconds-per-task", "20")
    assert code == 0
    assert [step["workers"] for step in found["steps"]] == [1, 2, 4]
    assert all(step["keeps_up"] and not step["errors"] and step["pages"] for step in found["steps"])
    health = requests.get(f"{url}/health", timeout=5).json()
    assert (health["active"], health["served"]) == (0, sum(step["pages"] for step in found["steps"]))
    best = max(step["pages_per_second"] for step in found["steps"])
    assert found["max_num_concurrent_units"] == pytest.approx(best * 20 * 0.5, abs=2)
    assert found["dynos"] == 1


def test_one_table_and_one_sentence(local: LocalServers) -> None:
    run = local.add_run()
    name = local.launch(run)["name"]
    result = local.invoke(
        "find_capacity", run.run_id, "--seconds", "0.2", "--most", "2", "--bound-ms", "60000", "-q"
    )
    assert len(result.stdout.splitlines()) == 4
    assert result.stdout.startswith("workers")
    assert result.stderr.startswith(f"{name} keeps up with 2 page loads at once and ")
    assert len(result.stderr.splitlines()) == 1


def test_a_server_that_gets_slow_is_found_out_where_it_does(stand_in: Any, local: LocalServers) -> None:
    turn = threading.Lock()

    def one_at_a_time(number: int) -> tuple[int, dict[str, str]]:
        with turn:
            time.sleep(0.05)
        return 200, {}

    run, _ = stand_in(one_at_a_time)
    code, found = find(local, run, "--bound-ms", "300")
    kept = [step["keeps_up"] for step in found["steps"]]
    assert code == 0
    assert kept == [True] * (len(kept) - 1) + [False]
    assert found["steps"][-1]["workers"] > 1  # 8 at once wait 400 ms each; a busy machine makes it fewer
    assert found["steps"][-1]["percentile_95_ms"] > 300
    assert 0 < found["max_num_concurrent_units"] <= 300  # half of at most 20 pages/s, for 30 s each


def test_pages_that_do_not_come_end_it_as_well(stand_in: Any, local: LocalServers) -> None:
    run, _ = stand_in(lambda number: (503 if number > 3 else 200, {}))
    result = local.invoke("find_capacity", run.run_id, "--seconds", "0.3")
    assert result.exit_code == 1
    assert "does not keep up with a single worker: " in result.stderr
    assert "pages did not come" in result.stderr


def test_a_redirect_is_not_followed_to_anybody_else(stand_in: Any, local: LocalServers) -> None:
    _, elsewhere = stand_in(lambda number: (200, {}))
    with local.registry() as registry:
        other = registry.servers("up")[0].url
    run, asked = stand_in(lambda number: (302, {"Location": f"{other}/unit/0"}))
    code, found = find(local, run)
    assert (code, found["max_num_concurrent_units"]) == (1, 0)
    assert asked and not elsewhere


def test_nothing_is_measured_while_workers_have_pages_open(local: LocalServers) -> None:
    run = local.add_run()
    url = local.launch(run)["url"]
    token = links.read_token(local.home / "runs" / run.run_id)
    query = {"assignmentId": "3A", "hitId": "3H", "workerId": "AWORKER", "turkSubmitTo": "http://127.0.0.1:1"}
    assert requests.get(links.unit_url(url, token, 0), params=query, timeout=5).ok
    result = local.invoke("find_capacity", run.run_id)
    assert result.exit_code == 2
    assert f"Workers have 1 page of {run.run_id} open." in result.stderr


def test_a_server_of_somebody_else_is_not_put_under_load(stand_in: Any, local: LocalServers) -> None:
    own, asked = stand_in(lambda number: (200, {}), own_app=True)
    result = local.invoke("find_capacity", own.run_id)
    assert result.exit_code == 2
    assert "which is not a task server of ours" in result.stderr
    assert asked == []
    unserved = local.add_run("other")
    assert "has no task server" in local.invoke("find_capacity", unserved.run_id).stderr
    assert "The registry has no run" in local.invoke("find_capacity", "20200101-000000-abcd").stderr


STEPS = [
    Step(1, 50, 0, 10.0, 90.0, 100.0),
    Step(2, 90, 0, 18.0, 100.0, 200.0),
    Step(4, 95, 0, 19.0, 190.0, 700.0),
]


def test_the_advice_counts_assignments_dynos_and_the_units_of_the_run(local: LocalServers) -> None:
    run = local.add_run(rows=800)
    parameters = run.parameters._replace(assignments_per_unit=3)
    server = Server(
        "app", run.run_id, "heroku", "app", "up", "http://x", {"dynos": 2}, datetime.now(UTC), None
    )
    target = Target(run._replace(parameters=parameters), server, "token")
    advice = capacity.advise(target, STEPS, bound=500, seconds_per_task=60)
    assert advice.max_num_concurrent_units == 180  # 18 pages/s, half of it, for 60 s, by three workers a unit
    assert advice.dynos == 9  # 800 units on servers of which two dynos carry 180
    assert "not with 4 (95 % within 700 ms, over the bound of 500 ms)" in advice.text
