"""check_credentials: whose key this is, what it may do, and whether a server could be launched now."""

from __future__ import annotations

import pytest

from tests.support.fixtures import COLLEAGUE_TOKEN
from tests.support.heroku.emulator import ACCOUNT_EMAIL
from tests.support.servers import HerokuServers, marked


def test_credentials_say_whose_they_are_and_how_much_room_there_is(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-a-00000001", marked())
    heroku.add_app("blog", {})
    heroku.add_app("crowdops-mate-00000002", {}, team="lab", token=COLLEAGUE_TOKEN)
    result = heroku.invoke("check_credentials")
    assert result.exit_code == 0
    assert ACCOUNT_EMAIL in result.stdout
    assert "2 of its own, 98 more of 100" in result.stdout
    assert "May see config vars: yes" in result.stdout


def test_an_account_without_a_payment_method_cannot_launch(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEROKU_API_KEY", "unpaid-token")
    result = heroku.invoke("check_credentials")
    assert result.exit_code == 1
    assert "add a payment method first" in result.stdout


def test_a_key_of_a_lesser_scope_cannot_launch(heroku: HerokuServers) -> None:
    heroku.add_app("blog", {})
    heroku.emulator.order("error-before", operation="GET /apps/{app}/config-vars", status=403, id="forbidden")
    result = heroku.invoke("check_credentials", "--json")
    assert result.exit_code == 1
    assert '"sees_config": false' in result.stdout


@pytest.mark.parametrize("script", ["check_credentials", "print_server_status"])
def test_a_wrong_key_is_said_so_and_never_shown(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setenv("HEROKU_API_KEY", "HRKU-wrong-and-secret")
    result = heroku.invoke(script)
    assert result.exit_code == 2
    assert "does not accept the key in HEROKU_API_KEY" in result.stderr
    assert "HRKU-wrong-and-secret" not in result.stdout + result.stderr


def test_the_key_may_stand_in_a_private_env_file(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = heroku.folder / "lab.env"
    file.write_text("HEROKU_API_KEY=emulator-token\n")
    file.chmod(0o644)
    monkeypatch.delenv("HEROKU_API_KEY")
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(file))
    result = heroku.invoke("check_credentials")
    assert result.exit_code == 2
    assert "others can read it" in result.stderr
    file.chmod(0o600)
    assert heroku.invoke("check_credentials").exit_code == 0
