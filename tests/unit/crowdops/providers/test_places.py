"""A run belongs to a server, not to an address."""

import re
from collections.abc import Iterator

import pytest

from crowdops.config.settings import Selection
from crowdops.context import Context
from crowdops.errors import OtherServer, Unreachable, UsageError
from crowdops.providers.mturk.client import MTurk
from crowdops.providers.places import by_server
from crowdops.registry import Run
from tests.support.crowds import Crowd
from tests.support.gates import Gate
from tests.support.processes import free_port
from tests.support.world import World

EXPIRE = "mturk/expire_hits"


def server_ids(world: World) -> set[tuple[str, str | None]]:
    return set(world.sql("SELECT endpoint, crowd_server_id FROM task_runs"))


def moves(world: World) -> list[tuple[str, str]]:
    return world.sql("SELECT target, detail FROM events WHERE kind = 'server-moved'")


def leave_behind(world: World, run: Run) -> None:
    """Let a run be at an address where its server does not answer any more."""
    address = f"http://127.0.0.1:{free_port()}"
    world.sql("UPDATE task_runs SET endpoint = ? WHERE run_id = ?", address, run.run_id)
    world.sql("UPDATE addresses SET endpoint = ?", address)


def test_a_run_remembers_its_server_and_where_it_was_seen(world: World) -> None:
    run = world.launch()
    assert run.crowd_server_id == world.crowd.database.server_id()
    assert world.sql("SELECT place, environment, endpoint FROM addresses") == [
        (run.crowd_server_id, "local", world.crowd.url)
    ]


def test_a_server_at_another_port_is_the_same_place_and_is_remembered(world: World, moved: Crowd) -> None:
    one, two = world.crash("pilot-1"), world.crash("pilot-2")
    leave_behind(world, one)
    leave_behind(world, two)
    world.setenv(AWS_ENDPOINT_URL_MTURK=moved.url)
    assert world.invoke(EXPIRE, "--run", one.run_id, "--yes").exit_code == 0
    assert server_ids(world) == {(moved.url, one.crowd_server_id)}
    assert moves(world) == [(one.crowd_server_id, moved.url)]
    world.setenv(AWS_ENDPOINT_URL_MTURK="http://127.0.0.1:1")
    assert world.invoke(EXPIRE, "--run", two.run_id, "--yes").exit_code == 0
    assert world.statuses(world.hit_ids(one) + world.hit_ids(two)) == ["Reviewable"] * 4
    assert len(moves(world)) == 1


@pytest.mark.parametrize("name", ["localhost:{}", "127.0.0.1:{}/", "LOCALHOST:{}"])
def test_another_name_of_the_same_address_is_the_same_place(world: World, name: str) -> None:
    run = world.crash()
    world.setenv(AWS_ENDPOINT_URL_MTURK="http://" + name.format(world.crowd.url.rpartition(":")[2]))
    with Context.open(world.settings) as context:
        _, runs = context.choose(Selection())
    assert [found.run_id for found in runs] == [run.run_id]


def test_another_database_at_the_same_address_is_refused_before_anything_is_done(
    world: World, other: Crowd
) -> None:
    run = world.launch()
    world.put_elsewhere(run, other.url, run.crowd_server_id)
    world.sql("DELETE FROM addresses")
    world.setenv(AWS_ENDPOINT_URL_MTURK=other.url)
    other.control("calls", method="DELETE")
    result = world.invoke(EXPIRE, "--run", run.run_id, "--yes")
    assert result.exit_code == 1
    for part in (other.url, str(run.crowd_server_id), other.database.server_id(), "its own database (or"):
        assert part in result.stderr
    assert world.statuses(world.hit_ids(run)) == ["Assignable"] * 2
    assert other.calls()["ListHITs"]["ok"] == 0
    client = MTurk(world.settings, run.crowd_server_id)
    with pytest.raises(OtherServer):
        client.notify("Hello", "there", ["AWORKER1"])
    assert other.calls()["NotifyWorkers"]["ok"] == 0


def test_a_server_that_takes_the_place_of_another_meanwhile_is_refused(world: World, other: Crowd) -> None:
    client = MTurk(world.settings)
    client.balance()
    client._client = MTurk(world.settings._replace(endpoint=other.url))._connect()
    client._client.meta.events.register("before-call.mturk", client._name_recipient)
    with pytest.raises(OtherServer):
        client.block("AWORKER1", "never done")
    assert other.calls()["CreateWorkerBlock"]["ok"] == 0


def test_an_address_that_answers_as_before_costs_no_more_call(world: World) -> None:
    run = world.crash()
    _, calls = world.calls_of("mturk/print_outstanding_hit_status", "--run", run.run_id)
    assert calls == {"ListHITs": 2}


def test_a_server_that_answers_nowhere_is_said_with_every_address_that_was_tried(
    world: World, other: Crowd
) -> None:
    run = world.crash()
    leave_behind(world, run)
    world.setenv(AWS_ENDPOINT_URL_MTURK=other.url)
    result = world.invoke(EXPIRE, "--run", run.run_id, "--yes")
    assert result.exit_code == 1
    assert re.search(r"Nothing listens at \S+\. At ", result.stderr)
    assert re.search(r"Start the crowd server: make crowd ARGS='--port \d+' \(or set", result.stderr)
    assert f"At {other.url} answers the crowd server {other.database.server_id()}" in result.stderr


# Endpoints without an identity: a proxy that hides it


@pytest.fixture
def gate(world: World) -> Iterator[Gate]:
    with Gate(world.crowd.url) as gate:
        yield gate


def test_a_hit_that_both_know_proves_an_endpoint_without_an_identity(world: World, gate: Gate) -> None:
    run = world.crash()
    world.put_elsewhere(run, f"http://127.0.0.1:{free_port()}", None)
    world.sql("DELETE FROM addresses")
    world.setenv(AWS_ENDPOINT_URL_MTURK=gate.url)
    assert world.invoke(EXPIRE, "--run", run.run_id, "--yes").exit_code == 0
    assert world.statuses(world.hit_ids(run)) == ["Reviewable"] * 2
    assert gate.count("GetHIT") == 1
    assert server_ids(world) == {(gate.url, None)}
    world.invoke(EXPIRE, "--run", run.run_id, "--yes")
    assert gate.count("GetHIT") == 1
    assert len(moves(world)) == 1


def test_a_run_from_before_there_were_identities_is_proved_and_gets_its_own(world: World) -> None:
    run = world.crash()
    world.put_elsewhere(run, f"http://127.0.0.1:{free_port()}", None)
    world.sql("DELETE FROM addresses")
    assert world.invoke(EXPIRE, "--run", run.run_id, "--yes").exit_code == 0
    assert server_ids(world) == {(world.crowd.url, world.crowd.database.server_id())}


def test_an_endpoint_that_knows_none_of_the_hits_is_refused(world: World, other: Crowd) -> None:
    run = world.crash()
    address = f"http://127.0.0.1:{free_port()}"
    world.put_elsewhere(run, address, None)
    world.setenv(AWS_ENDPOINT_URL_MTURK=other.url)
    result = world.invoke(EXPIRE, "--run", run.run_id, "--yes")
    assert result.exit_code == 1
    assert f"Nothing listens at {address}" in result.stderr
    assert f"{other.url} knows none of their HITs" in result.stderr
    assert server_ids(world) == {(address, None)}


def test_without_an_identity_an_address_that_answers_is_kept_whatever_the_ambient_one_is(
    world: World, gate: Gate
) -> None:
    world.setenv(AWS_ENDPOINT_URL_MTURK=gate.url)
    run = world.crash()
    world.setenv(AWS_ENDPOINT_URL_MTURK=world.crowd.url)
    with Context.open(world.settings) as context:
        there, _ = context.choose(Selection((run.run_id,)))
        assert (there.settings.endpoint, there.provider.calls) == (gate.url, 0)


def test_runs_of_one_address_without_an_identity_are_at_one_server(world: World) -> None:
    runs = [world.crash("pilot-1"), world.crash("pilot-2"), world.crash("pilot-3")]
    world.put_elsewhere(runs[0], world.crowd.url, None)
    runs = [world.run(run.run_id) for run in runs]
    assert [len(group) for group in by_server(runs)] == [1, 2]
    with Context.open(world.settings) as context:
        _, chosen = context.choose(Selection(task_names=("pilot-*",)))
        assert len(chosen) == 3
        world.put_elsewhere(runs[0], "http://127.0.0.1:1")
        with pytest.raises(UsageError, match="not at one endpoint"):
            context.choose(Selection(task_names=("pilot-*",)))


def test_a_run_whose_server_is_lost_says_so_at_the_first_call_only(world: World) -> None:
    run = world.launch()
    world.put_elsewhere(run, f"http://127.0.0.1:{free_port()}")
    with Context.open(world.settings) as context:
        there, chosen = context.choose(Selection((run.run_id,)))
        assert [found.run_id for found in chosen] == [run.run_id]
        with pytest.raises(Unreachable, match="Nothing listens at"):
            there.provider.balance()
    assert world.invoke("mturk/download_results", "--run", run.run_id, "--offline").exit_code == 0
