"""Runs at several servers: each is looked at at its own, and one that is down is not taken for nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crowdops.config.settings import Selection
from crowdops.context import Context
from crowdops.errors import NotSent
from crowdops.registry import END_STATES, Run
from crowdops.runs.lifecycle import Lifecycle
from crowdops.runs.outage import Outage
from tests.support.crowds import Crowd
from tests.support.gates import Gate
from tests.support.processes import free_port
from tests.support.scripts import Invoked
from tests.support.works import Work
from tests.support.world import World

STATUS, RECOVER = "mturk/print_outstanding_hit_status", "local/recover"


def at(world: World, crowd: Crowd) -> None:
    world.setenv(AWS_ENDPOINT_URL_MTURK=crowd.url)


def crash_at_both(world: World, other: Crowd) -> tuple[Run, Run]:
    """Leave a run behind at each of two servers. The first is the ambient one."""
    at(world, other)
    there = world.crash("pilot-2")
    at(world, world.crowd)
    return world.crash("pilot-1"), there


def found_by(result: Invoked) -> dict[str, dict[str, object]]:
    return {run["run_id"]: run for run in json.loads(result.stdout)["runs"]}


@pytest.mark.parametrize("ambient", ["localhost", "another port", "nobody"])
def test_cron_finds_a_crashed_run_whatever_the_ambient_endpoint_is(
    world: World, moved: Crowd, ambient: str
) -> None:
    run = world.crash()
    port = world.crowd.url.rpartition(":")[2]
    urls = {"localhost": f"http://localhost:{port}", "another port": moved.url}
    world.setenv(AWS_ENDPOINT_URL_MTURK=urls.get(ambient, f"http://127.0.0.1:{free_port()}"))
    result = world.invoke(STATUS, "--check")
    assert result.exit_code == 4
    assert run.run_id in result.stdout
    assert world.invoke(RECOVER, "--yes", "--no-wait").exit_code == (1 if ambient == "nobody" else 0)
    assert world.statuses(world.hit_ids(run)) == ["Reviewable"] * 2
    assert world.run(run.run_id).state in END_STATES


def test_a_usual_endpoint_that_is_down_and_has_no_runs_is_no_news(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = f"http://127.0.0.1:{free_port()}"
    run = world.crash()
    monkeypatch.delenv("AWS_ENDPOINT_URL_MTURK")
    environment = world.settings.environment
    from crowdops.config.environments import ENVIRONMENTS

    monkeypatch.setitem(ENVIRONMENTS, environment, ENVIRONMENTS[environment]._replace(endpoint=usual))
    assert world.invoke(STATUS, "--check").exit_code == 4
    assert world.invoke(RECOVER, "--yes").exit_code == 0
    assert world.run(run.run_id).state in END_STATES


def test_status_looks_at_each_server_and_says_which(world: World, other: Crowd) -> None:
    here, there = crash_at_both(world, other)
    result = world.invoke(STATUS, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert {place["endpoint"]: place["runs"] for place in document["places"]} == {
        world.crowd.url: [here.run_id],
        other.url: [there.run_id],
    }
    runs = found_by(result)
    assert [runs[run.run_id]["outstanding"] for run in (here, there)] == [2, 2]
    assert document["endpoint"] == world.crowd.url
    assert document["orphan_hits"] == 4


def test_a_server_that_is_down_hides_no_other_and_its_runs_are_shown_as_of_the_last_time(
    world: World, other: Crowd
) -> None:
    here, there = crash_at_both(world, other)
    other.stop()
    result = world.invoke(STATUS, "--json")
    assert result.exit_code == 1
    runs = found_by(result)
    assert (runs[here.run_id]["as_of"], runs[here.run_id]["outstanding"]) == (None, 2)
    known = runs[there.run_id]
    assert (known["hits"], known["outstanding"], known["safe_to_shut_down"]) == (None, 2, False)
    assert str(known["as_of"]).endswith("Z")
    (not_seen,) = json.loads(result.stdout)["not_looked_at"]
    port = other.url.rpartition(":")[2]
    assert not_seen["what"] == other.url
    assert f"make crowd ARGS='--port {port}'" in not_seen["why"]
    shown = world.invoke(STATUS)
    assert shown.exit_code == 1
    assert "not known" in shown.stdout
    assert "2 HITs outstanding as of 20" in shown.stdout
    assert "it is safe to shut down" not in shown.stdout.replace("Whether it is safe", "")


@pytest.mark.parametrize("chosen", [[], ["--all-runs"], ["--task-name", "pilot-1"]])
def test_the_status_of_an_endpoint_that_is_down_is_what_the_registry_knows(
    world: World, other: Crowd, chosen: list[str]
) -> None:
    at(world, other)
    run = world.launch("pilot-1")
    other.stop()
    result = world.invoke(STATUS, *chosen)
    assert result.exit_code == 1
    assert run.run_id in result.stdout and "not known" in result.stdout
    assert f"{run.run_id} (pilot-1): 2 HITs outstanding as of 20" in result.stdout
    checked = world.invoke(STATUS, *chosen, "--check")
    assert checked.exit_code == 1
    assert "could not be looked at" in checked.stderr


def test_check_exits_as_left_over_for_what_it_saw_and_as_not_known_for_what_it_did_not(
    world: World, other: Crowd
) -> None:
    here, there = crash_at_both(world, other)
    other.stop()
    result = world.invoke(STATUS, "--check")
    assert (result.exit_code, "Not known: " in result.stderr) == (4, True)
    assert world.invoke("mturk/expire_hits", "--run", here.run_id, "--yes").exit_code == 0
    assert world.invoke(STATUS, "--check").exit_code == 1
    other.start()
    assert world.invoke("mturk/expire_hits", "--run", there.run_id, "--yes").exit_code == 0
    assert world.invoke(STATUS, "--check").exit_code == 0


def test_recover_ends_what_it_reaches_and_never_says_that_nothing_is_left(world: World, other: Crowd) -> None:
    here, there = crash_at_both(world, other)
    other.stop()
    result = world.invoke(RECOVER, "--yes")
    assert result.exit_code == 1
    assert world.run(here.run_id).state in END_STATES
    assert world.run(there.run_id).state == "running"
    again = world.invoke(RECOVER, "--yes")
    assert again.exit_code == 1
    assert "Nothing is left over" not in again.stdout
    assert f"Not known: {other.url}" in again.stderr
    other.start()
    assert world.invoke(RECOVER, "--yes").exit_code == 0
    assert world.run(there.run_id).state in END_STATES
    assert "Nothing is left over" in world.invoke(RECOVER, "--yes").stdout


def test_recover_resumes_each_run_at_its_own_server(world: World, other: Crowd) -> None:
    here, there = crash_at_both(world, other)
    for run, crowd in ((here, world.crowd), (there, other)):
        client = crowd.client()
        for hit_id in world.hit_ids(run):
            client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    assert world.invoke(RECOVER, "--resume", "--yes").exit_code == 0
    assert [world.run(run.run_id).state for run in (here, there)] == ["finished", "finished"]
    assert world.sql("SELECT count(*) FROM units WHERE state = 'failed'") == [(0,)]


def test_results_are_those_of_every_server_and_of_one_that_is_down_what_is_stored(
    world: World, other: Crowd
) -> None:
    here, there = crash_at_both(world, other)
    world.do(world.hit_ids(here)[0], "AWORKER1")
    other.stop()
    result = world.invoke("mturk/download_results", "--all-runs", "--json")
    assert result.exit_code == 1
    assert [row["worker_id"] for row in json.loads(result.stdout)] == ["AWORKER1"]
    assert f"{other.url} could not be looked at" in result.stderr
    assert f"run {there.run_id} (pilot-2)" in result.stderr
    assert world.invoke("mturk/download_results", "--all-runs", "--offline").exit_code == 0


def test_a_run_is_resumed_where_its_server_is_now(world: World, moved: Crowd) -> None:
    run = world.crash()
    world.put_elsewhere(run, f"http://127.0.0.1:{free_port()}", run.crowd_server_id)
    world.sql("DELETE FROM addresses")
    at(world, moved)
    for hit_id in world.hit_ids(run):
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    result = world.invoke("mturk/launch_run", "--resume", run.run_id, "--yes")
    assert result.exit_code in (0, 1)
    assert world.run(run.run_id).state == "finished"
    assert world.run(run.run_id).endpoint == moved.url


def test_another_database_in_the_place_of_the_runs_is_no_run_of_ours(world: World, other: Crowd) -> None:
    run = world.crash()
    world.put_elsewhere(run, other.url, run.crowd_server_id)
    world.sql("DELETE FROM addresses")
    at(world, other)
    result = world.invoke(RECOVER, "--yes")
    assert result.exit_code == 1
    assert f"{run.run_id} (pilot-1)" in result.stderr
    assert other.database.server_id() in result.stderr
    assert world.run(run.run_id).state == "running"
    assert set(other.calls()) <= {"ListHITs", "GetAccountBalance"}


def test_an_old_registry_learns_which_server_its_runs_are_at(world: World) -> None:
    run = world.crash()
    world.put_elsewhere(run, world.crowd.url, None)
    world.sql("DELETE FROM addresses")
    _, calls = world.calls_of(STATUS)
    assert set(calls) == {"ListHITs"}
    assert world.run(run.run_id).crowd_server_id == world.crowd.database.server_id()


def test_a_compensation_is_made_once_and_a_text_sent_once_wherever_the_server_is(
    work: Work, moved: Crowd, tmp_path: Path
) -> None:
    world, text = work.world, tmp_path / "message.txt"
    text.write_text("Thank you.")
    world.client.approve_assignment(AssignmentId=work.assignments[0])
    makeup = ("--task-name", "pilot-1", "--worker", "AWORKER1", "--amount", "0.50", "--reason", "It broke")
    commands = [
        ("mturk/launch_makeup_hits", *makeup, "--yes"),
        ("mturk/notify_workers", str(text), "--subject", "Hello", "--worker", "AWORKER1", "--yes"),
    ]
    for command in commands:
        assert world.json(*command)["done"] == 1
    away = f"http://127.0.0.1:{free_port()}"
    world.sql("UPDATE task_runs SET endpoint = ?", away)
    world.sql("UPDATE addresses SET endpoint = ?", away)
    world.sql("UPDATE notices SET endpoint = ?", away)
    at(world, moved)
    assert world.json(*commands[1])["already"] == 1
    names = {endpoint for (endpoint,) in world.sql("SELECT endpoint FROM task_runs")}
    assert names == {moved.url}
    with Context.open(world.settings) as context:
        there, _ = context.choose(Selection(task_names=("pilot-1",)))
        assert (there.settings.endpoint, there.first_endpoint) == (moved.url, away)


def test_a_compensation_is_not_made_again_at_another_name_of_the_server(work: Work) -> None:
    world, port = work.world, work.world.crowd.url.rpartition(":")[2]
    makeup = ("--task-name", "pilot-1", "--worker", "AWORKER1", "--amount", "0.50", "--reason", "It broke")
    assert world.json("mturk/launch_makeup_hits", *makeup, "--yes")["done"] == 1
    world.setenv(AWS_ENDPOINT_URL_MTURK=f"http://localhost:{port}")
    assert world.json("mturk/launch_makeup_hits", *makeup, "--yes")["already"] == 1


def test_a_living_run_goes_where_another_command_has_seen_its_server(world: World, moved: Crowd) -> None:
    run, away = world.launch(), f"http://127.0.0.1:{free_port()}"
    assert run.crowd_server_id
    said: list[str] = []
    with Context.open(world.settings._replace(endpoint=away, timeout=2.0)) as opened:
        context = replace(opened, say=said.append)
        outage = Outage(context, run._replace(endpoint=away), Lifecycle(context.interrupts))
        context.registry.move_runs(run.crowd_server_id, "local", moved.url)
        outage.note(NotSent("Nothing listens there."))
        assert context.provider.balance() > 0
        outage.note(None)
    assert said[1:] == [
        f"It was seen at {moved.url} since: the run goes on there.",
        "The endpoint answers again.",
    ]


def test_a_rebuilt_registry_knows_the_server_of_its_runs(world: World) -> None:
    run = world.crash()
    (world.home / "registry.db").unlink()
    assert world.invoke("local/rebuild_registry").exit_code == 0
    assert world.run(run.run_id).crowd_server_id == run.crowd_server_id
    assert world.sql("SELECT place, endpoint FROM addresses") == [(run.crowd_server_id, world.crowd.url)]


@pytest.mark.parametrize("has_identity", [True, False])
def test_a_server_of_two_names_is_walked_over_once(world: World, has_identity: bool) -> None:
    with Gate(world.crowd.url) as gate:
        url = world.crowd.url if has_identity else gate.url
        world.setenv(AWS_ENDPOINT_URL_MTURK=url)
        world.crash()
        world.setenv(AWS_ENDPOINT_URL_MTURK=f"http://localhost:{url.rpartition(':')[2]}")
        document = world.json(STATUS)
    assert (document["orphan_hits"], len(document["places"])) == (2, 1)
    assert document["api_calls"] == 2


def test_a_command_for_one_server_says_which_runs_it_leaves_out(world: World, other: Crowd) -> None:
    here, _ = crash_at_both(world, other)
    result = world.invoke("mturk/print_account", "--all-runs", "--json")
    assert result.exit_code == 0
    assert "Left out, at other servers: 1." in result.stderr
    [group] = json.loads(result.stdout)["task_names"]
    assert [run["run_id"] for run in group["runs"]] == [here.run_id]
    quiet = world.invoke("mturk/print_account", "--run", here.run_id)
    assert "left out" not in quiet.stderr
