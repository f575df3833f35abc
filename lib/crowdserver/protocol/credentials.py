"""The requester's key pair: one per crowd server, in a file of the form that AWS's own tools read."""

import configparser
import os
import secrets
import string
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

KEY_ID_VARIABLE = "CROWD_ACCESS_KEY_ID"
SECRET_VARIABLE = "CROWD_SECRET_ACCESS_KEY"

_PERMISSIONS_OF_OTHERS = 0o077


class CredentialsError(Exception):
    """The key pair cannot be used; the message says why in one line."""


class Credentials(NamedTuple):
    """A key pair. Its repr does not show the secret."""

    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r}, '***')"


def from_environment(environment: Mapping[str, str]) -> Credentials | None:
    """Return the key pair in CROWD_ACCESS_KEY_ID and CROWD_SECRET_ACCESS_KEY, for a server without a disk.

    None when neither is set. Raises CredentialsError when only one of the two is.
    """
    key_id, secret = environment.get(KEY_ID_VARIABLE), environment.get(SECRET_VARIABLE)
    if bool(key_id) != bool(secret):
        raise CredentialsError(
            f"{KEY_ID_VARIABLE} and {SECRET_VARIABLE} belong together; only one of them is set"
        )
    return Credentials(key_id, secret) if key_id and secret else None


def load_or_create(path: Path) -> Credentials:
    """Return the key pair in a file, after making the file if there is none.

    Safe to repeat; two servers that start at once agree on one pair. Raises CredentialsError for a file that
    others may read or that holds no key pair.
    """
    try:
        if not path.exists():
            _create(path)
        if path.stat().st_mode & _PERMISSIONS_OF_OTHERS:
            raise CredentialsError(f"others can read {path}; run: chmod 600 {path}")
        return _read(path)
    except OSError as error:
        raise CredentialsError(f"cannot use {path}: {error.strerror}") from error


def _read(path: Path) -> Credentials:
    # No interpolation: a secret may well contain a per cent sign.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
        section = parser["default"]
        return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"])
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"{path} holds no key pair: it needs [default] with aws_access_key_id and aws_secret_access_key"
        ) from error


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file 0600. Linked into place it appears whole, and only for the first who comes.
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(_text(_new_pair()))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        # Another server was first; its pair counts.
        pass
    finally:
        os.unlink(draft)


def _new_pair() -> Credentials:
    letters = string.ascii_uppercase + string.digits
    key_id = "CROWD" + "".join(secrets.choice(letters) for _ in range(15))
    return Credentials(key_id, secrets.token_urlsafe(30))


def _text(pair: Credentials) -> str:
    return (
        "[default]\n"
        f"aws_access_key_id = {pair.access_key_id}\n"
        f"aws_secret_access_key = {pair.secret_access_key}\n"
    )
