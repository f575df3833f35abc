"""The requester's key pair: one per crowd server, in a file of the form that AWS's own tools read."""

import base64
import configparser
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from crowdserver.protocol.identifiers import random_letters

KEY_ID_VARIABLE = "CROWD_ACCESS_KEY_ID"
SECRET_VARIABLE = "CROWD_SECRET_ACCESS_KEY"

_PERMISSIONS_OF_OTHERS = 0o077
_KEY_ID = re.compile(r"\w{16,128}", re.ASCII)  # IAM API reference, AccessKey
_LEAST_SECRET = 32  # characters; sessions and links of workers are signed with it, too


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

    None when neither is set. Raises CredentialsError when only one of the two is, or one could be guessed.
    """
    key_id, secret = environment.get(KEY_ID_VARIABLE), environment.get(SECRET_VARIABLE)
    if bool(key_id) != bool(secret):
        raise CredentialsError(
            f"{KEY_ID_VARIABLE} and {SECRET_VARIABLE} belong together; only one of them is set"
        )
    if not (key_id and secret):
        return None
    if weakness := _weakness(key_id, secret):
        raise CredentialsError(
            f"{KEY_ID_VARIABLE} and {SECRET_VARIABLE}: {weakness}. Without them the server makes a pair"
        )
    return Credentials(key_id, secret)


def load_or_create(path: Path) -> Credentials:
    """Return the key pair in a file, after making the file if there is none.

    Safe to repeat; two servers that start at once agree on one pair. Raises CredentialsError for a file that
    others may read, or that holds no key pair or one that could be guessed.
    """
    try:
        if not path.exists():
            _create(path)
        if path.stat().st_mode & _PERMISSIONS_OF_OTHERS:
            raise CredentialsError(f"others can read {path}; run: chmod 600 {path}")
        if not path.is_file() and not path.is_dir():  # to read a pipe could take for ever
            raise CredentialsError(f"cannot use {path}: it is no file")
        pair = _read(path)
    except OSError as error:
        raise CredentialsError(f"cannot use {path}: {error.strerror}") from error
    if weakness := _weakness(*pair):
        raise CredentialsError(f"{path}: {weakness}. Without the file the server makes a pair: rm {path}")
    return pair


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


def _weakness(key_id: str, secret: str) -> str | None:
    """Return why a key pair could be guessed or cannot be signed with; None for a good one."""
    if not _KEY_ID.fullmatch(key_id):
        return "an access key id is 16 to 128 letters, digits and _"
    if len(secret) < _LEAST_SECRET:
        return f"the secret has {len(secret)} characters and needs {_LEAST_SECRET}"
    return None


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file 0600. Linked into place it appears whole, and only for the first who comes.
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"[default]\naws_access_key_id = {new_key_id()}\n")
            file.write(f"aws_secret_access_key = {secrets.token_urlsafe(30)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        # Another server was first; its pair counts.
        pass
    finally:
        os.unlink(draft)


def new_key_id() -> str:
    """Return an access key id that nobody has."""
    return f"CROWD{random_letters(15)}"


def derived(secret: str, purpose: str) -> str:
    """Return a secret that follows from another one, for a purpose; nothing but that one needs to be kept."""
    digest = hmac.digest(secret.encode(), f"crowdserver.{purpose}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
