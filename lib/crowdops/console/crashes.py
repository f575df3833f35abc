"""What becomes of an exception that nobody expected: a bug is logged, what the machine refused is said."""

from __future__ import annotations

import errno
import os
import platform
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from crowdops import __version__
from crowdops.config.secrets import Secrets

MOST_BYTES = 5_000_000  # of a log of crashes

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
    """Append the traceback being handled to a log in the home and return its path.

    A log that is full is set aside as crash.log.1, in place of the one before: what cron calls may fail every
    minute. `home` is None where no settings were read. No secret is in it. Where the home cannot be written,
    which may be what went wrong, the log is a new temporary file. None if that cannot be written either.
    """
    given = home or os.environ.get("CROWDOPS_HOME") or "~/.crowdops"
    path = Path(os.path.expanduser(given)) / "crash.log"  # noqa: PTH111 - does not fail without a home
    head = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {Path(sys.argv[0]).name} crowdops {__version__}"
    text = f"=== {head}, Python {platform.python_version()}\n{Secrets().cut_from(traceback.format_exc())}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > MOST_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return _log_elsewhere(text)
    return path


def _log_elsewhere(text: str) -> Path | None:
    import tempfile

    try:
        handle, name = tempfile.mkstemp(prefix="crowdops-crash-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return Path(name)
