"""Whole runs whose pages are served on this machine."""

import json
import signal

import pytest
import requests

from crowdops.errors import WrongState
from crowdops.servers import links
from tests.support.crowds import Crowd
from tests.support.gates import Call
from tests.support.half_sent import held
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.serving import FRAGILE_APP, SERVED_PAGE
from tests.support.world import World

pytestmark = pytest.mark.gated


def assert_no_server_is_left(world: World) -> None:
    assert world.server_processes() == []
    assert world.server()["state"] == "gone"
    assert world.json("local/print_server_status") == {"servers": [], "foreign_apps": 0, "not_looked_at": []}


def test_two_workers_do_a_run_on_its_own_server_which_goes_when_the_run_ends(world: World) -> None:
    seen = set()

    def look(call: Call) -> None:
        if call.operation == "CreateHITWithHITType":
            seen.add((world.server()["state"], world.health()["run_id"]))

    world.gate.before = look
    ticked = "".join(f'<input type="checkbox" name="tags" value="{tag}" required>' for tag in ("a", "b|c"))
    launch = world.serve(units=4, page=SERVED_PAGE.replace("<button>", f"{ticked}<button>"))
    ada, bob = world.sign_in("Ada"), world.sign_in("Bob")
    for worker in (ada, bob, ada, bob):
        world.fill_in(worker, world.take(worker))
    assert launch.end() == 0, launch.said
    assert seen == {("up", launch.run_id)}, "it answered before the first HIT existed"
    assert "The task server answers at http://127.0.0.1:" in launch.said
    rows = world.json("mturk/download_results", "--run", launch.run_id)
    assert sorted(row["input"]["text"] for row in rows) == [f"message {number}" for number in range(4)]
    assert all(row["answer"]["label"] in ("cat", "dog") for row in rows)
    assert {(row["answer"]["tags"], *row["answer_values"]["tags"]) for row in rows} == {("a|b|c", "a", "b|c")}
    assert_no_server_is_left(world)


def test_a_unit_shows_its_own_row_and_nobody_without_its_link_sees_any(world: World) -> None:
    world.serve(units=3)
    first, second = world.sign_in("Ada"), world.sign_in("Bob")
    tasks = [world.take(first), world.take(second)]
    for task in tasks:
        index = task.frame_url.partition("?")[0].rpartition("/")[2]
        page = requests.get(task.frame_url, timeout=5).text
        assert [text for text in ("message 0", "message 1", "message 2") if text in page] == [
            f"message {index}"
        ]
    url = world.server()["url"]
    assert requests.get(f"{url}/unit/0", timeout=5).status_code == 403
    assert requests.post(f"{url}/drain", timeout=5).status_code == 403


def test_a_worker_at_the_cap_is_refused_until_the_run_has_seen_the_submission(world: World) -> None:
    launch = world.serve(units=3, allowed_concurrent=1)
    worker = world.sign_in("Ada")
    first, second = world.take(worker), world.take(worker)
    form = worker.read(first)
    with pytest.raises(WrongState, match="First finish what you have open"):
        worker.read(second)
    assert world.health()["active"] == 1
    worker.submit(form, [("assignmentId", first.assignment_id), ("label", "cat")])
    wait_until(lambda: world.health()["active"] == 0)  # no script told the server: the run did
    world.fill_in(worker, second)
    third = world.take(worker)
    wait_until(lambda: world.health()["active"] == 0)
    world.fill_in(worker, third)
    assert launch.end() == 0, launch.said


# A server that dies


def start_and_kill(world: World, units: int = 6) -> Script:
    """Launch a run with two units at once, and kill its server when both are out and it has looked again."""
    launch = world.serve(units=units, max_num_concurrent_units=2)
    world.wait_for_units("outstanding", 2)
    looks = world.gate.count("ListReviewableHITs")
    wait_until(lambda: world.gate.count("ListReviewableHITs") > looks)
    world.kill_server()
    return launch


def test_a_server_that_dies_is_noticed_within_one_poll_and_restarted_at_its_address(
    world: World,
) -> None:
    launch = world.serve(units=3, max_num_concurrent_units=2)
    worker = world.sign_in("Ada")
    task = world.take(worker)
    before = world.server()
    world.kill_server()
    looks = world.gate.count("ListReviewableHITs")
    launch.hear("does not answer. Launching pauses; restarting it (1 of 3).")
    assert world.gate.count("ListReviewableHITs") <= looks + 1
    launch.hear(f"The task server {before['name']} answers again.")
    assert world.server()["url"] == before["url"]
    assert world.server()["pid"] != before["pid"]
    world.fill_in(worker, task)
    for _ in range(2):
        world.fill_in(worker, world.take(worker))
    assert launch.end() == 0, launch.said
    assert_no_server_is_left(world)


def test_nothing_is_launched_while_the_server_is_down(world: World) -> None:
    launch = world.serve(units=6, max_num_concurrent_units=2)
    world.wait_for_units("outstanding", 2)
    template = world.home / "runs" / launch.run_id / "server" / "template.html"
    page = template.read_text()
    template.write_text("{% if %}")
    world.kill_server()
    for hit_id in world.open_hits():
        world.do(hit_id)
    launch.hear("(1 of 3)")
    launch.hear("template.html, line 1")
    assert world.gate.count("CreateHITWithHITType") == 2
    template.write_text(page)
    launch.hear("answers again.")
    wait_until(lambda: world.gate.count("CreateHITWithHITType") == 4)
    launch.press()
    assert launch.end() == 0, launch.said


def test_a_server_that_dies_a_fourth_time_ends_the_run(world: World) -> None:
    launch = start_and_kill(world)
    for number in (1, 2):
        launch.hear("answers again.", number)
        world.kill_server()
    launch.hear("answers again.", 3)
    world.kill_server()
    assert launch.end() == 1
    assert "was restarted 3 times and is down again." in launch.said
    assert "Why: The task server local-" in launch.said
    assert world.open_hits() == []
    assert launch.document()["state"] == "finished"
    assert_no_server_is_left(world)


def test_a_server_that_cannot_be_restarted_ends_the_run_and_its_log_says_why(world: World) -> None:
    launch = world.serve(units=6, max_num_concurrent_units=2)
    world.wait_for_units("outstanding", 2)
    (world.home / "runs" / launch.run_id / "server" / "rows.jsonl").unlink()
    world.kill_server()
    assert launch.end() == 1
    assert launch.said.count("its web process ended as it started. The end of its log:") == 3
    assert "rows.jsonl" in launch.said
    assert world.open_hits() == []
    assert_no_server_is_left(world)


def test_a_server_without_its_folder_ends_the_run_as_well(world: World) -> None:
    launch = world.serve(units=6, max_num_concurrent_units=2)
    world.wait_for_units("outstanding", 2)
    (world.home / "runs" / launch.run_id / "server" / "Procfile").unlink()
    world.kill_server()
    assert launch.end() == 1
    assert launch.said.count("cannot be restarted: ") == 3
    assert "Traceback" not in launch.said
    assert_no_server_is_left(world)


# The end


def test_one_press_takes_the_server_down_after_the_last_accepted_work(world: World) -> None:
    launch = world.serve(units=4)
    worker = world.sign_in("Ada")
    task = world.take(worker)
    launch.press()
    launch.hear("Waiting for accepted work")
    assert world.health()["run_id"] == launch.run_id
    world.fill_in(worker, task)
    assert launch.end() == 0, launch.said
    assert len(world.collected()) == 1
    assert_no_server_is_left(world)


def test_a_server_that_dies_while_the_run_waits_is_restarted_for_the_accepted_work(
    world: World,
) -> None:
    launch = world.serve(units=4)
    worker = world.sign_in("Ada")
    task = world.take(worker)
    launch.press()
    launch.hear("Waiting for accepted work")
    world.kill_server()
    launch.hear("answers again.")
    world.fill_in(worker, task)
    assert launch.end() == 0, launch.said
    assert_no_server_is_left(world)


def test_two_presses_take_the_server_down_at_once(world: World) -> None:
    launch = world.serve(units=4)
    worker = world.sign_in("Ada")
    world.take(worker)
    launch.press()
    launch.hear("Press Ctrl-C again to stop now.")
    launch.press()
    assert launch.end() == 130
    assert launch.document()["state"] == "stopped"
    assert_no_server_is_left(world)


def test_a_killed_run_leaves_a_server_that_one_command_finds_and_takes_down(world: World) -> None:
    launch = world.serve(units=4)
    world.wait_for_units("outstanding", 4)
    name = world.server()["name"]
    (living,) = world.json("local/print_server_status")["servers"]
    assert (living["name"], living["answers"], living["leftover"]) == (name, True, False)
    spared = world.invoke("local/kill_servers", "--run", launch.run_id, "--yes")
    assert f"run {launch.run_id} is alive" in spared.stderr
    assert world.health()["run_id"] == launch.run_id
    launch.press(signal.SIGKILL)
    launch.end()
    (left,) = world.json("local/print_server_status")["servers"]
    assert (left["name"], left["answers"], left["leftover"]) == (name, True, True)
    assert world.json("local/kill_servers", "--yes")["done"] == 1
    assert_no_server_is_left(world)
    assert world.json("local/kill_servers", "--yes")["selected"] == 0


def test_a_killed_run_is_resumed_at_the_address_that_its_hits_have(world: World) -> None:
    launch = world.serve(units=2)
    world.wait_for_units("outstanding", 2)
    worker = world.sign_in("Ada")
    task = world.take(worker)
    launch.press(signal.SIGKILL)
    launch.end()
    url = world.server()["url"]
    world.kill_server()
    again = world.start("mturk/launch_run", "--resume", launch.run_id, "--yes")
    again.hear("restarting it ...")
    wait_until(world.is_answering, 30)
    assert world.server()["url"] == url
    world.fill_in(worker, task)
    world.fill_in(worker, world.take(worker))
    assert again.end() == 0, again.said
    assert_no_server_is_left(world)


def test_pages_of_a_run_whose_crowd_server_is_seen_elsewhere_go_there(world: World, other: Crowd) -> None:
    """It was put behind a web server in mid-run: the task server takes workers from there as well."""
    world.setenv(AWS_ENDPOINT_URL_MTURK=other.url)
    launch = world.serve(units=2)
    world.wait_for_units("outstanding", 2)
    lab = "https://lab.example/crowd"
    visit = {"assignmentId": "3A", "hitId": "3H", "workerId": "AWORKER1", "turkSubmitTo": lab}
    token = links.read_token(world.home / "runs" / launch.run_id)
    address = links.unit_url(world.server()["url"], token, 0)
    assert requests.get(address, visit, timeout=30).status_code == 400
    launch.press(signal.SIGKILL)
    launch.end()
    other.stop()
    outside = Crowd(other.home, control=False, extra=(f"--public-url={lab}",))
    with outside as crowd:
        world.setenv(AWS_ENDPOINT_URL_MTURK=crowd.url)
        again = world.start("mturk/launch_run", "--resume", launch.run_id, "--yes")
        wait_until(lambda: requests.get(address, visit, timeout=30).status_code == 200, 60)
        page = requests.get(address, visit, timeout=30)
        assert f'action="{lab}/mturk/externalSubmit"' in page.text
        assert "https://lab.example" in page.headers["Content-Security-Policy"]
        again.press()
        again.end()


# Before the first HIT


def test_a_hit_type_that_cannot_be_made_leaves_no_server(world: World) -> None:
    world.crowd.control("faults", {"operation": "CreateHITType", "kind": "error-before", "count": 1000})
    launch = world.serve("--timeout", "1", units=2)
    assert launch.end() == 1
    world.crowd.control("faults", method="DELETE")
    assert world.sql("SELECT state FROM task_runs") == [("failed",)]
    assert_no_server_is_left(world)


def test_an_app_that_crashes_as_it_starts_fails_the_run_before_any_hit(world: World) -> None:
    app = world.folder / "app"
    app.mkdir()
    (app / "Procfile").write_text(FRAGILE_APP)
    launch = world.serve("--set", f"app_dir={app}", units=2)
    assert launch.end() == 1
    assert "its web process ended as it started. The end of its log:\nno library of that name" in launch.said
    assert world.sql("SELECT state FROM task_runs") == [("failed",)]
    assert world.gate.count("CreateHITType") == 0
    assert_no_server_is_left(world)


def test_a_requesters_own_app_is_served_watched_and_taken_down_alike(world: World) -> None:
    app = world.folder / "app"
    app.mkdir()
    (app / "Procfile").write_text("web: python3 -m http.server $PORT --bind 127.0.0.1\n")
    (app / "index.html").write_text("<!DOCTYPE html><p>our own app</p>")
    launch = world.serve("--set", f"app_dir={app}", units=2)
    world.wait_for_units("outstanding", 2)
    assert "our own app" in requests.get(world.server()["url"], timeout=5).text
    world.kill_server()
    launch.hear("answers again.")
    launch.press()
    assert launch.end() == 0, launch.said
    assert_no_server_is_left(world)


def test_workers_elsewhere_cannot_reach_this_machine_so_amazon_is_refused(world: World) -> None:
    keys = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), world.crowd.credentials, strict=True))
    launch = world.serve("--environment", "sandbox", units=2, variables=keys)
    assert launch.end() == 2
    assert 'kind = "local" serves on this machine only' in launch.said
    assert world.run_ids() == []


def test_the_document_at_the_end_is_that_of_any_run(world: World) -> None:
    launch = world.serve(units=2)
    worker = world.sign_in("Ada")
    for _ in range(2):
        world.fill_in(worker, world.take(worker))
    assert launch.end() == 0, launch.said
    found = launch.document()
    assert (found["state"], found["finished"], found["assignments"]) == ("finished", 2, 2)
    assert json.dumps(found).count("token") == 0


def test_a_run_goes_on_while_both_servers_are_sent_half_requests(world: World) -> None:
    launch = world.serve(units=2)
    world.wait_for_units("outstanding", 2)
    ports = [int(url.rpartition(":")[2]) for url in (world.crowd.url, world.server()["url"])]
    with held(ports[0], 500), held(ports[1], 500):
        worker = world.sign_in("Ada")
        for _ in range(2):
            world.fill_in(worker, world.take(worker))
        assert launch.end() == 0, launch.said
    assert len(world.collected(launch.run_id)) == 2
    assert "restart" not in launch.said
    assert_no_server_is_left(world)
