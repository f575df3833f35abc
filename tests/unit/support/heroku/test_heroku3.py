"""heroku3, unmodified, against the emulator: what works, and the faults that providers/heroku.py lists.

A fault that is gone makes its test fail: then the way around it can go too.
"""

from __future__ import annotations

from typing import Any

import heroku3.api
import pytest
import requests

from tests.support.heroku.emulator import TOKEN
from tests.support.heroku.running import RunningEmulator, running_emulator
from tests.support.heroku.sources import deploy, states
from tests.support.processes import wait_until


def client_of(emulator: RunningEmulator) -> Any:
    client = heroku3.api.Heroku()
    client._heroku_url = emulator.url
    assert client.authenticate(TOKEN)
    return client


def test_heroku3_sees_scales_and_destroys_an_app(emulator: RunningEmulator) -> None:
    deploy(emulator, "by-heroku3")
    emulator.create_app("bystander")
    client = client_of(emulator)
    assert sorted(app.name for app in client.apps()) == ["by-heroku3", "bystander"]
    app = client.app("by-heroku3")
    app.update_config({"A": "1", "B": "2"})
    assert app.config().to_dict() == {"A": "1", "B": "2"}
    wait_until(lambda: [dyno.state for dyno in app.dynos()] == ["up"])
    assert "app[web.1]: listening soon" in app.get_log()
    app.scale_formation_process("web", 0)
    wait_until(lambda: states(emulator, "by-heroku3") == {})
    assert [release.version for release in app.releases(order_by="version", limit=1, sort="desc")] == [4]
    assert app.enable_feature("http-session-affinity").enabled
    assert app.delete()
    assert [left["name"] for left in emulator.get("/apps")] == ["bystander"]


def test_heroku3_still_asks_for_a_stack_that_is_gone(emulator: RunningEmulator) -> None:
    with pytest.raises(requests.HTTPError, match="Stack cedar not found"):
        client_of(emulator).create_app("wanted")
    assert client_of(emulator).create_app("wanted", stack_id_or_name=None).name == "wanted"


def test_heroku3_still_cannot_create_team_apps(emulator: RunningEmulator) -> None:
    with pytest.raises(AttributeError):
        client_of(emulator).create_app("wanted", team="lab")
    assert emulator.get("/apps") == []


def test_heroku3_still_prints_when_a_list_comes_in_parts(capsys: pytest.CaptureFixture[str]) -> None:
    with running_emulator("--page-size", "1") as emulator:
        emulator.create_app("one-app")
        emulator.create_app("two-app")
        assert len(client_of(emulator).apps()) == 2
    assert "Warning Response was chunked" in capsys.readouterr().out
