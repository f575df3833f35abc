"""Whole runs whose pages somebody else serves: looked at, and left alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.gates import Call
from tests.support.processes import free_port, wait_until
from tests.support.serving import SERVED_PAGE
from tests.support.world import World

pytestmark = pytest.mark.gated


class Elsewhere:
    """A requester's own server, with every request that it got: its method, path and headers."""

    def __init__(self, **health: object) -> None:
        self.health: dict[str, object] = {"status": "ok", **health}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        elsewhere = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                elsewhere.requests.append((self.command, self.path, dict(self.headers)))
                page = SERVED_PAGE.replace("{{ text }}", self.path.partition("?")[0])
                is_health = self.path == "/health"
                body = (json.dumps(elsewhere.health) if is_health else page).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json" if is_health else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the name that BaseHTTPRequestHandler looks for

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Safe to repeat."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    server.start()
    yield server
    server.stop()


def launch_at(world: World, url: str, *arguments: str, **options: Any) -> Any:
    return world.launch_run("--set", "kind=url", "--set", f"url={url}", *arguments, **options)


def work(world: World, call: Call) -> None:
    """Do all open HITs whenever the run looks."""
    if call.operation == "ListReviewableHITs":
        for hit_id in world.open_hits():
            world.do(hit_id)


def test_a_run_is_done_on_a_server_that_somebody_else_runs_and_goes_on_running(
    world: World, elsewhere: Elsewhere
) -> None:
    launch = launch_at(world, f"{elsewhere.url}/", units=2)
    world.wait_for_units("outstanding", 2)
    first, second = world.sign_in("Ada"), world.sign_in("Bob")
    tasks = [world.take(first), world.take(second)]
    shown = elsewhere.url.replace("127.0.0.1", "localhost")  # so that it gets no cookie of the site
    assert {task.frame_url.partition("?")[0] for task in tasks} == {f"{shown}/unit/{n}" for n in (0, 1)}
    for hit in world.hits():
        assert hit.pending
    for task in tasks:
        world.submit(task.assignment_id)
    assert launch.end() == 0, launch.said
    assert world.server()["state"] == "gone"
    assert {path.partition("?")[0] for _, path, _ in elsewhere.requests} == {"/health"}
    assert world.server_processes() == []


def test_the_runs_token_is_never_sent_to_somebody_elses_server(world: World, elsewhere: Elsewhere) -> None:
    world.gate.before = lambda call: work(world, call)
    launch = launch_at(world, elsewhere.url, units=3)
    assert launch.end() == 0, launch.said
    token = (world.home / "runs" / launch.run_id / "server-token").read_text().strip()
    assert {method for method, _, _ in elsewhere.requests} == {"GET"}
    assert token not in json.dumps(elsewhere.requests)


@pytest.mark.parametrize(
    "health,text",
    [
        ({"status": "starting"}, 'does not answer with {"status": "ok"}'),
        ({"run_id": "another"}, "serves run another"),
    ],
    ids=["not-ok", "another-run"],
)
def test_a_server_that_is_not_ready_for_the_run_is_refused(
    world: World, elsewhere: Elsewhere, health: dict[str, object], text: str
) -> None:
    elsewhere.health.update(health)
    launch = launch_at(world, elsewhere.url, units=2)
    assert launch.end() == 1
    assert text in launch.said
    assert world.sql("SELECT state FROM task_runs") == [("failed",)]
    assert world.hits() == []


def test_a_server_that_is_not_there_is_refused(world: World, elsewhere: Elsewhere) -> None:
    elsewhere.stop()
    launch = launch_at(world, elsewhere.url, units=2)
    assert launch.end() == 1
    assert f"{elsewhere.url}/health does not answer" in launch.said
    assert world.hits() == []


def test_https_is_required_for_amazons_workers(world: World, elsewhere: Elsewhere) -> None:
    keys = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), world.crowd.credentials, strict=True))
    for environment, more in (("sandbox", ()), ("production", ("--set", "max_cost=5"))):
        launch = launch_at(world, elsewhere.url, "--environment", environment, *more, units=2, variables=keys)
        assert launch.end() == 2
        assert "Amazon's workers need HTTPS." in launch.said
    assert world.run_ids() == []
    assert elsewhere.requests == []


def test_a_server_that_comes_back_is_taken_up_again(world: World, elsewhere: Elsewhere) -> None:
    launch = launch_at(
        world, elsewhere.url, units=4, max_num_concurrent_units=2, variables={"CROWDOPS_POLL_INTERVAL": "1"}
    )
    world.wait_for_units("outstanding", 2)
    elsewhere.stop()
    for hit_id in world.open_hits():
        world.do(hit_id)
    launch.hear("is run by somebody else. Ask them to start it.")
    assert world.gate.count("CreateHITWithHITType") == 2
    elsewhere.start()
    wait_until(lambda: world.gate.count("CreateHITWithHITType") == 4)
    world.gate.before = lambda call: work(world, call)
    assert launch.end() == 0, launch.said


def test_a_server_that_is_away_for_many_looks_is_waited_for(world: World, elsewhere: Elsewhere) -> None:
    launch = launch_at(world, elsewhere.url, units=3, max_num_concurrent_units=1)
    world.wait_for_units("outstanding", 1)
    elsewhere.stop()
    looks = world.gate.count("ListReviewableHITs")
    launch.hear("Nothing is launched until it answers, for 43200 s at most.")
    for hit_id in world.open_hits():
        world.do(hit_id)
    wait_until(lambda: world.gate.count("ListReviewableHITs") >= looks + 8)
    world.wait_for_units("finished", 1)  # what is out is collected all the same
    assert world.gate.count("CreateHITWithHITType") == 1
    elsewhere.start()
    world.gate.before = lambda call: work(world, call)
    assert launch.end() == 0, launch.said
    assert launch.said.count("Ask them to start it.") == 1
    assert launch.said.count(f"The task server {elsewhere.url} answers again.") == 1
    assert "restart" not in launch.said


def test_a_server_that_stays_away_ends_the_run_when_its_patience_does(
    world: World, elsewhere: Elsewhere
) -> None:
    launch = launch_at(world, elsewhere.url, units=4, max_num_concurrent_units=2, no_submission_patience=2)
    world.wait_for_units("outstanding", 2)
    elsewhere.stop()
    assert launch.end() == 1
    assert launch.said.count("Ask them to start it.") == 1
    assert "restarted" not in launch.said
    assert world.open_hits() == []


def test_a_run_whose_server_is_away_is_carried_on_and_waits_for_it(
    world: World, elsewhere: Elsewhere
) -> None:
    launch = launch_at(world, elsewhere.url, units=3, max_num_concurrent_units=1)
    world.wait_for_units("outstanding", 1)
    launch.kill()
    elsewhere.stop()
    resumed = world.start("mturk/launch_run", "--resume", launch.run_id, "--yes")
    resumed.hear("Nothing is launched until it answers")
    elsewhere.start()
    world.gate.before = lambda call: work(world, call)
    assert resumed.end() == 0, resumed.said
    assert world.units(launch.run_id) == {"finished": 3}
