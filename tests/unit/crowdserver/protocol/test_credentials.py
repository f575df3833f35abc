"""Key pairs: where they come from, and what is refused."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from crowdserver.protocol.credentials import Credentials, CredentialsError, from_environment, load_or_create


def test_a_new_pair_is_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "crowd" / "credentials"
    pair = load_or_create(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert load_or_create(file) == pair
    assert load_or_create(tmp_path / "other") != pair
    assert os.listdir(file.parent) == ["credentials"]


def test_awss_own_tools_read_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = load_or_create(tmp_path / "credentials")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    found = boto3.session.Session().get_credentials()
    assert (found.access_key, found.secret_key) == (pair.access_key_id, pair.secret_access_key)


def test_many_who_make_the_pair_at_once_agree(tmp_path: Path) -> None:
    for round_number in range(5):
        file = tmp_path / str(round_number)
        with ThreadPoolExecutor(8) as pool:
            pairs = set(pool.map(load_or_create, [file] * 16))
        assert pairs == {load_or_create(file)}
    assert len(os.listdir(tmp_path)) == 5


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "credentials"
    load_or_create(file)
    file.chmod(mode)
    with pytest.raises(CredentialsError, match=f"^others can read {file}; run: chmod 600 {file}$"):
        load_or_create(file)


@pytest.mark.parametrize("content", ["", "no ini", "[default]\naws_access_key_id = A\n", "[other]\n"])
def test_a_file_without_a_pair_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "credentials"
    file.touch(mode=0o600)
    file.write_text(content)
    text = f"^{file} holds no key pair: it needs .default. with aws_access_key_id and aws_secret_access_key$"
    with pytest.raises(CredentialsError, match=text):
        load_or_create(file)


SECRET = "se%cret" * 6


@pytest.mark.parametrize(
    ("key_id", "secret", "said"),
    [
        ("CROWD", SECRET, "an access key id is 16 to 128 letters, digits and _"),
        ("CROWD/0123456789ABC", SECRET, "an access key id is 16 to 128 letters, digits and _"),
        ("", "", "an access key id is 16 to 128 letters, digits and _"),
        ("CROWD0123456789ABCDE", "", "the secret has 0 characters and needs 32"),
        ("CROWD0123456789ABCDE", "s" * 31, "the secret has 31 characters and needs 32"),
    ],
)
def test_a_pair_that_could_be_guessed_is_refused(tmp_path: Path, key_id: str, secret: str, said: str) -> None:
    file = tmp_path / "credentials"
    file.touch(mode=0o600)
    file.write_text(f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")
    with pytest.raises(CredentialsError) as refused:
        load_or_create(file)
    assert str(refused.value) == f"{file}: {said}. Without the file the server makes a pair: rm {file}"
    if key_id and secret:
        with pytest.raises(CredentialsError, match=said):
            from_environment({"CROWD_ACCESS_KEY_ID": key_id, "CROWD_SECRET_ACCESS_KEY": secret})


def test_a_pipe_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "credentials", 0o600)
    with pytest.raises(CredentialsError, match="^cannot use .*: it is no file$"):
        load_or_create(tmp_path / "credentials")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir(mode=0o700)
    with pytest.raises(CredentialsError, match="^cannot use .*: Is a directory$"):
        load_or_create(tmp_path / "credentials")


def test_the_pair_can_come_from_the_environment() -> None:
    both = {"CROWD_ACCESS_KEY_ID": "CROWD0123456789ABCDE", "CROWD_SECRET_ACCESS_KEY": SECRET}
    assert from_environment(both) == Credentials("CROWD0123456789ABCDE", SECRET)
    assert from_environment({}) is None
    for name, value in both.items():
        with pytest.raises(CredentialsError, match="belong together; only one of them is set$"):
            from_environment({name: value})


def test_the_secret_is_in_no_repr() -> None:
    pair = Credentials("CROWDX", "very secret")
    assert "very secret" not in f"{pair!r} {pair} {[pair]}"
    assert "CROWDX" in repr(pair)
