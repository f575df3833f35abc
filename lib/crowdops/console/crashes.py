"""What becomes of an exception that nobody expected: a bug is logged, what the machine refused is said."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from crowdops import __version__
from crowdops.config.settings import variable
from crowdops.config.variables import OUTSIDE, VARIABLES
from crowdops.errors import Error

HIDDEN = "***"
LEAST_SECRET = 8  # letters of a part of one; a shorter one is a word that may stand anywhere
_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s/]+@")
# What a machine can refuse anybody, at any file and at any time: no bug of ours.
_REFUSALS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENOENT,
    errno.ESTALE,
)


def refused_by_the_machine(error: Exception) -> str | None:
    """Return in words what the machine refused, such as room on a full disk; None if that was not it."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    return f"{error.filename or 'A file could not be read or written'}: {error.strerror}."


def log(home: Path | None) -> Path | None:
    """Append the traceback being handled to a log in the home and return its path; the log only grows.

    `home` is None where no settings were read. No secret is in it. Where the home cannot be written, which
    may be what went wrong, the log is a new temporary file. None if that cannot be written either.
    """
    given = home or os.environ.get("CROWDOPS_HOME") or "~/.crowdops"
    path = Path(os.path.expanduser(given)) / "crash.log"  # noqa: PTH111 - does not fail without a home
    head = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {Path(sys.argv[0]).name} crowdops {__version__}"
    text = f"=== {head}, Python {platform.python_version()}\n{_without_secrets(traceback.format_exc())}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return _log_elsewhere(text)
    return path


def _without_secrets(text: str) -> str:
    """Return a text with no secret of the environment and of .env, and no password in an address."""
    for row in (*VARIABLES, *OUTSIDE):
        with contextlib.suppress(Error):  # a .env that cannot be read holds none that was used
            secret = variable(row.variable) if row.kind == "secret" else ""
            for part in (secret, *filter(_is_long, secret.split())):  # several may stand in one
                text = text.replace(part, HIDDEN) if part else text
    return _PASSWORD.sub(rf"\1{HIDDEN}@", text)


def _is_long(text: str) -> bool:
    return len(text) >= LEAST_SECRET


def _log_elsewhere(text: str) -> Path | None:
    import tempfile

    try:
        handle, name = tempfile.mkstemp(prefix="crowdops-crash-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return Path(name)
