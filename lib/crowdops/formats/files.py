"""Files that are given to scripts: to be read whole, so they must have an end. Files that appear whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from crowdops.errors import UsageError


def check(path: Path) -> None:
    """UsageError for a pipe or a device, which may have no end. OSError for what is not there."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a folder, the system says it itself
        raise UsageError(f"{path} is a pipe or a device: save what it gives to a file.")


def read(path: Path) -> bytes:
    """Return what is in a file. UsageError as check(); OSError if it cannot be read."""
    check(path)
    return path.read_bytes()


def read_text(path: Path) -> str:
    """Return a file's text without a byte order mark, its lines ended alike.

    As read(); UnicodeDecodeError if it is not UTF-8.
    """
    check(path)
    return path.read_text(encoding="utf-8-sig")


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put a file in a path's place: whole or not at all, whatever happens meanwhile. OSError if that fails.

    It has this mode whatever the umask is. Its draft lies beside it, hidden, under another ending.
    """
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
