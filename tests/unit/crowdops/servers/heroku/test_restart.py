"""A server that goes down in the middle of a run: mended at its address, or given up with a clear word."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import requests

from crowdops.context import Context
from crowdops.errors import ServerFailed, Unreachable
from crowdops.registry import Server
from crowdops.servers.heroku import backend, deploy
from tests.support.processes import wait_until
from tests.support.servers import HerokuServers


@pytest.fixture
def server(heroku: HerokuServers) -> Server:
    """A server that is up."""
    heroku.launch_app(heroku.add_run())
    (made,) = heroku.rows("up")
    return made


def mend(heroku: HerokuServers, server: Server) -> Server:
    with Context.open(heroku.settings, quiet=True) as context:
        return backend.restart(context, server)


def test_a_server_that_hangs_is_started_anew_at_its_address(heroku: HerokuServers, server: Server) -> None:
    before = heroku.emulator.get(f"/apps/{server.name}/dynos")[0]["id"]
    assert mend(heroku, server).url == server.url
    assert heroku.emulator.get(f"/apps/{server.name}/dynos")[0]["id"] != before
    assert backend.is_answering(server, 5)


def test_a_server_that_was_scaled_to_nothing_is_scaled_up_again(
    heroku: HerokuServers, server: Server
) -> None:
    heroku.emulator.call("PATCH", f"/apps/{server.name}/formation/web", {"quantity": 0})
    wait_until(lambda: not backend.is_answering(server, 5))
    mend(heroku, server)
    assert backend.is_answering(server, 5)


def test_a_server_that_only_its_marks_tell_of_is_mended_at_the_size_it_has(
    heroku: HerokuServers, server: Server
) -> None:
    with closing(sqlite3.connect(heroku.home / "registry.db")) as database:
        database.execute("DELETE FROM servers")
        database.commit()
    with Context.open(heroku.settings) as context:
        (status,) = backend.survey(context).statuses
    assert not status.known and "size" not in status.server.detail
    assert (status.server.server_id, status.server.url) == (server.server_id, server.url)
    mend(heroku, status.server)
    assert backend.is_answering(status.server, 5)


def test_a_server_that_crashes_again_is_given_up_with_its_log(heroku: HerokuServers, server: Server) -> None:
    heroku.emulator.order("boot-crash", count=9)
    with pytest.raises(ServerFailed, match="crashed as it started(.|\n)*ordered_to_crash"):
        mend(heroku, server)


def test_an_app_that_is_gone_is_said_to_be_gone(heroku: HerokuServers, server: Server) -> None:
    heroku.emulator.call("DELETE", f"/apps/{server.name}")
    with pytest.raises(ServerFailed, match="is gone from Heroku, and its address with it"):
        mend(heroku, server)


def test_a_heroku_that_fails_is_no_end_of_the_run_by_itself(heroku: HerokuServers, server: Server) -> None:
    heroku.emulator.order("error-before", operation="DELETE /apps/{app}/dynos", status=503)
    with pytest.raises(Unreachable, match="failed to restart app"):
        mend(heroku, server)
    assert requests.get(f"{server.url}/health", timeout=5).ok


def test_a_server_that_comes_up_too_late_is_given_up(
    heroku: HerokuServers, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "BOOT_SECONDS", 1)
    heroku.emulator.order("slow-boot", seconds=20)
    with pytest.raises(ServerFailed, match="its dynos are starting"):
        mend(heroku, server)
