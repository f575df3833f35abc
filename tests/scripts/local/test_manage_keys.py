"""manage_keys makes key pairs for people and programs, which are revoked alone and told apart in the log."""

from __future__ import annotations

import configparser
from pathlib import Path

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from crowdserver.protocol.validation import VERSION
from tests.support import offers
from tests.support.crowds import Crowd
from tests.support.world import World

SCRIPT = "local/manage_keys"


def test_a_key_works_until_it_is_revoked_and_the_first_cannot_be(world: World, tmp_path: Path) -> None:
    made = world.invoke(SCRIPT, "--new", "ada")
    assert made.exit_code == 0, made.stderr
    assert "shown this once" in made.stderr
    pair = configparser.ConfigParser(interpolation=None)
    pair.read_string(made.stdout)
    key_id, secret = pair["default"]["aws_access_key_id"], pair["default"]["aws_secret_access_key"]
    client = boto3.client(
        "mturk",
        endpoint_url=world.crowd.url,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"
    with pytest.raises(ClientError):
        client.get_hit(HITId="3NOTHING")
    listed = world.invoke(SCRIPT)
    assert key_id in listed.stdout and secret not in listed.stdout
    log = (world.crowd.home / "stderr.log").read_text()
    assert "key ada: GetAccountBalance ok\n" in log
    assert "key ada: GetHIT MechanicalTurk.HITDoesNotExist\n" in log
    assert "key first: keys ok\n" in log and secret not in log

    # Only the first key makes others: with this one as the home's own it is refused.
    first = world.crowd.credentials_file.read_text()
    home = tmp_path / "adas"
    (home / "crowd").mkdir(parents=True, mode=0o700)
    (home / "crowd" / "credentials").touch(mode=0o600)
    (home / "crowd" / "credentials").write_text(made.stdout)
    refused = world.invoke(SCRIPT, "--new", "more", "--home", str(home))
    assert refused.exit_code == 2 and "The key ada may not do this, only the first key." in refused.stderr
    assert world.invoke("local/print_workers", "--home", str(home)).exit_code == 0

    again = world.invoke(SCRIPT, "--new", "ada")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "If its secret is lost, revoke it and make a key of another name." in again.stderr
    for option in ("--new", "--revoke"):  # as of a shell's variable that is not set
        assert world.invoke(SCRIPT, option, "").exit_code == 2
    sign = {"X-Amz-Target": f"{VERSION}.GetHIT ok and more"}
    headers = offers.sign(f"{world.crowd.url}/", b"{}", (key_id, secret), sign)
    assert requests.post(f"{world.crowd.url}/", data=b"{}", headers=headers, timeout=30).status_code == 400
    log = (world.crowd.home / "stderr.log").read_text()
    assert "key ada: keys refused\n" in log
    assert "key ada: ? " in log and "key ada: GetHIT ok" not in log
    assert "no terminal" in world.invoke(SCRIPT, "--revoke", "ada").stderr
    assert world.json(SCRIPT, "--revoke", "ada", "-n")["done"] == 0
    assert world.json(SCRIPT, "--revoke", "ada", "-y")["done"] == 1
    assert world.json(SCRIPT, "--revoke", "ada", "-y")["already"] == 1
    with pytest.raises(ClientError, match="The security token included in the request is invalid"):
        client.get_account_balance()
    assert world.invoke("local/print_workers", "--home", str(home)).exit_code == 2
    for name, message in (("first", "nobody locks the account out"), ("ben", "There is no key by the name")):
        result = world.invoke(SCRIPT, "--revoke", name, "-y")
        assert result.exit_code == 2 and message in result.stderr
    assert world.crowd.credentials_file.read_text() == first
    assert world.invoke(SCRIPT, "--new", "a b").exit_code == 2


def test_without_the_file_of_the_first_key_a_start_makes_another_and_the_named_ones_end(
    tmp_path: Path,
) -> None:
    with Crowd(tmp_path / "crowd") as crowd:
        old = crowd.credentials
        crowd.stop()
        crowd.credentials_file.unlink()
        crowd.start()
        assert crowd.credentials != old
        assert crowd.client().get_account_balance()["AvailableBalance"] == "10000.00"
