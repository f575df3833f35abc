"""simulate_workers rehearses on a real crowd server and shows the tally."""

from __future__ import annotations

import json
import signal

import pytest

from tests.support.offers import Offer, offer
from tests.support.processes import free_port, wait_until
from tests.support.scripts import invoke
from tests.support.world import World

SCRIPT = "local/simulate_workers"
HASTY = ("--seconds-per-task", "0", "--until-idle", "0.4")


def test_the_tally_is_a_table(world: World) -> None:
    offered = offer(world.client, 5)
    result = world.invoke(SCRIPT, "--workers", "2", *HASTY)
    assert (result.exit_code, result.stderr) == (0, "")
    headers, _, numbers = result.stdout.splitlines()
    tally = dict(zip(headers.split(), numbers.split(), strict=True))
    assert tally.pop("refused").isdigit()
    assert tally == {"workers": "2", "submitted": "5", "returned": "0", "abandoned": "0"}
    assert offered.statuses() == ["Reviewable"] * 5


def test_json_is_one_document(world: World) -> None:
    first, second = offer(world.client, 3), offer(world.client, 2, assignments=2)
    result = world.invoke(SCRIPT, "--workers", "3", "--return-rate", "0.3", "--seed", "5", "--json", *HASTY)
    tally = json.loads(result.stdout)
    assert (tally["workers"], tally["submitted"], tally["errors"]) == (3, 7, [])
    assert first.statuses() + second.statuses() == ["Reviewable"] * 5


def test_a_second_rehearsal_finds_nothing_to_do_and_makes_no_new_workers(world: World) -> None:
    offered = offer(world.client, 3)
    first = json.loads(world.invoke(SCRIPT, "--workers", "2", "--json", *HASTY).stdout)
    second = json.loads(world.invoke(SCRIPT, "--workers", "2", "--json", *HASTY).stdout)
    assert (first["submitted"], second["submitted"]) == (3, 0)
    again = offer(world.client, 3)
    world.invoke(SCRIPT, "--workers", "2", *HASTY)
    workers = {one["WorkerId"] for one in offered.submissions() + again.submissions()}
    assert len(workers) <= 2


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_it_refuses_a_marketplace(world: World, environment: str) -> None:
    result = world.invoke(SCRIPT, "--environment", environment, *HASTY)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Simulated workers work in the environment local only, not on {environment}" in result.stderr


def test_without_a_crowd_server_it_fails_in_one_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", url)
    result = invoke(SCRIPT, *HASTY)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: Nothing listens at {url}. Start the crowd server: make crowd")


@pytest.mark.parametrize(
    "wrong",
    [("--workers", "0"), ("--return-rate", "1.1"), ("--seconds-per-task", "-1"), ("--until-idle", "0")],
)
def test_impossible_habits_are_refused(world: World, wrong: tuple[str, str]) -> None:
    result = world.invoke(SCRIPT, *wrong)
    assert result.exit_code == 2
    assert f"Invalid value for '{wrong[0]}'" in result.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_rehearsal_returns_what_is_in_hand_and_shows_its_tally(
    world: World, sign: signal.Signals
) -> None:
    offered = offer(world.client, 2)
    command = ("--workers", "2", "--json", "--seconds-per-task", "60")
    rehearsal = world.start(SCRIPT, *command)
    wait_until(lambda: all_in_hand(offered), 20)
    rehearsal.press(sign)
    assert rehearsal.end() == 130
    tally = rehearsal.document()
    assert (tally["returned"], tally["submitted"], tally["errors"]) == (2, 0, [])
    assert offered.statuses() == ["Assignable"] * 2


def all_in_hand(offered: Offer) -> bool:
    return offered.statuses() == ["Unassignable"] * len(offered.hits)
