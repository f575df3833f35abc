"""launch_server --crowd: a crowd server with its database, its key shown once, and gone only by its name."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
import requests

from crowdops.providers.crowd_server import client
from crowdops.providers.crowd_server.people import NewKey
from crowdops.servers.heroku.crowd import Launched
from crowdops.servers.heroku.deploy import AppPlan, Hosting
from tests.support.postgresql import Cluster
from tests.support.servers import HerokuServers
from tests.support.terminals import Terminal

HOSTING = Hosting("basic", 1, "")


def files_of(heroku: HerokuServers) -> str:
    """Return all that stands in the files of a home, whatever they are."""
    files = [path.read_bytes() for path in heroku.home.rglob("*") if path.is_file()]
    return b"\n".join(files).decode(errors="replace")


def test_it_serves_both_sides_from_postgresql_and_goes_only_when_its_name_is_typed(
    heroku: HerokuServers, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []
    invite = client.invite

    def look_and_invite(*args: Any, **more: Any) -> client.Invitation:
        held.append(files_of(heroku))
        return invite(*args, **more)

    monkeypatch.setattr(client, "invite", look_and_invite)
    heroku.emulator.call("POST", "/_control/databases", {"url": cluster.create_database()})
    result = heroku.invoke("launch_server", "--crowd", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    name, url, secret = told["name"], told["url"].rstrip("/"), told["aws_secret_access_key"]
    assert name.startswith("crowdops-crowd-") and told["state"] == "up"
    # Whoever has the key is the requester, and the link lets a worker in.
    key = {each: told[each] for each in ("aws_access_key_id", "aws_secret_access_key")}
    mturk = boto3.client("mturk", region_name="us-east-1", endpoint_url=url, **key)
    assert mturk.get_account_balance()["AvailableBalance"] == "10000.00"
    assert told["invitation"].startswith(f"{url}/sign-in/")
    assert "sign out" in requests.get(told["invitation"], timeout=30).text.lower()
    # The secret is on stdout and at Heroku, and nowhere else.
    config = heroku.emulator.get(f"/apps/{name}/config-vars")
    assert config["CROWD_SECRET_ACCESS_KEY"] == secret
    assert config["CROWD_PUBLIC_URL"].rstrip("/") == url and config["CROWDOPS_CROWD"] == "1"
    assert secret not in result.stderr and secret not in files_of(heroku)
    assert len(held) == 1 and secret not in held[0]  # a kill at that moment would have left it
    (addon,) = heroku.emulator.get(f"/apps/{name}/addons")
    assert (addon["plan"]["name"], addon["state"]) == ("heroku-postgresql:essential-0", "provisioned")
    _update(heroku, name)
    assert mturk.get_account_balance()["AvailableBalance"] == "10000.00"
    _look_and_take_down(heroku, name)


def _update(heroku: HerokuServers, name: str) -> None:
    """Build it anew: with the first try failing, it serves on."""
    before = heroku.emulator.get(f"/apps/{name}/config-vars")
    heroku.emulator.order("build-failure")
    failed = heroku.invoke("launch_server", "--update", name)
    assert failed.exit_code == 1 and "The build of app" in failed.stderr
    assert heroku.status()["servers"][0]["answers"] is True
    updated = heroku.world.json("heroku/launch_server", "--update", name)
    assert (updated["name"], updated["state"]) == (name, "up")
    releases = [release["description"] for release in heroku.emulator.get(f"/apps/{name}/releases")]
    assert sum(text.startswith("Deploy") for text in releases) == 2
    assert heroku.emulator.get(f"/apps/{name}/config-vars") == before


def _look_and_take_down(heroku: HerokuServers, name: str) -> None:
    (server,) = heroku.status()["servers"]
    shown = [server[key] for key in ("name", "crowd", "leftover", "answers", "run_id")]
    assert shown == [name, True, False, True, None]
    table = heroku.invoke("print_server_status")
    assert "(a crowd server)" in table.stdout and "goes only by its name" in table.stderr
    assert heroku.kill("--all-runs")["selected"] == 0
    heroku.world.sql("DELETE FROM servers")  # its marks say what it is without the registry
    assert heroku.status()["servers"][0]["crowd"] is True
    for typed, left in ((name[:-1], [name]), (name, [])):
        with Terminal("heroku/kill_servers", name, size=(100, 24)) as terminal:
            terminal.expect(rf"{name} is a crowd server[\s\S]*name: ")
            terminal.enter(typed)
            assert terminal.end() == 0
        assert heroku.apps() == left


def test_a_database_that_heroku_cannot_provide_leaves_no_app(heroku: HerokuServers) -> None:
    heroku.emulator.order("addon-failure")
    result = heroku.invoke("launch_server", "--crowd")
    assert result.exit_code == 1
    assert "Heroku could not provide it" in result.stderr and "was deleted again" in result.stderr
    assert (heroku.apps(), heroku.rows("creating", "up")) == ([], [])
    unknown = heroku.invoke("launch_server", "--crowd", "--plan", "enormous-9")
    assert unknown.exit_code == 1 and "Couldn't find that add-on" in unknown.stderr
    assert heroku.apps() == []


BAD_USES: list[Any] = [
    pytest.param(["--crowd", "last"], "RUN_ID means nothing with --crowd", id="run"),
    pytest.param(["--update", "mine"], "mine is no crowd server of ours at Heroku", id="update"),
    pytest.param(["--update", "x", "--crowd"], "--crowd means nothing with --update", id="both"),
    pytest.param(["last", "--plan", "standard-0"], "--plan means nothing without --crowd", id="plan"),
    pytest.param(
        ["--crowd", "--set", "dynos=2", "--set", "dyno_size=standard-1x"],
        "open up to 32 connections to the database, and essential-0 takes 20",
        id="connections",
    ),
]


@pytest.mark.parametrize("args,text", BAD_USES)
def test_bad_use_is_refused_and_changes_nothing(heroku: HerokuServers, args: list[str], text: str) -> None:
    before = heroku.emulator.calls()
    result = heroku.invoke("launch_server", *args)
    assert result.exit_code == 2 and text in result.stderr, result.stderr
    after = heroku.emulator.calls()
    assert {call for call in after if after[call] != before.get(call)} <= {"GET /account", "GET /apps"}


def test_no_repr_shows_the_secret(heroku: HerokuServers) -> None:
    key = NewKey("first", "CROWDAAAAAAAAAAAAAAA", "hidden")
    plan = AppPlan(heroku.home, None, "crowd", False, HOSTING, {"CROWD_SECRET_ACCESS_KEY": "hidden"}, "x:y")
    server: Any = None
    assert "hidden" not in repr(Launched(server, key, None)) + repr(plan) + repr(key)
