"""The links to a run's pages, and the token that they are signed with."""

from __future__ import annotations

import hmac
import secrets
import stat
from pathlib import Path

from crowdops.console import output
from crowdops.errors import UsageError, files_explained

TOKEN_FILE = "server-token"


def new_token(folder: Path) -> str:
    """Return the run's token, made on the first call and kept in the run's folder. Safe to repeat.

    The links in the run's HITs are signed with it, so a run has one for its whole life. Whoever calls this
    holds the run's lock.
    """
    with files_explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / TOKEN_FILE).exists():
        with output.destination(folder / TOKEN_FILE) as file:  # for nobody else to read from the start
            file.write(secrets.token_urlsafe(32))
    return read_token(folder)


def read_token(folder: Path) -> str:
    """Return the run's token. UsageError if there is none, or if others can read it."""
    path = folder / TOKEN_FILE
    try:
        mode = path.stat().st_mode
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. The run's pages cannot be served without it.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{path} holds a secret and others can read it: chmod 600 {path}")
    return token


def unit_url(base: str, token: str, index: int) -> str:
    """Return the address of a unit's page; its key is what opens it."""
    key = hmac.digest(token.encode(), b"unit:%d" % index, "sha256").hex()
    return f"{base.rstrip('/')}/unit/{index}?key={key}"
