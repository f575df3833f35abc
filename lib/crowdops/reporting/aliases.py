"""Stable aliases in the place of worker ids, in every text of a report.

An alias is a keyed hash of the id: the same in every report of a home, and without the home's key nobody can
find the worker by trying ids.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crowdops.errors import UsageError, files_explained

KEY_FILE = "alias.key"
_KEY_BYTES = 32
_LETTERS = 8  # of an alias: 40 bits, so that 100,000 workers get different ones
_FEW_LETTERS = 6  # a shorter id is found only where it is a word of its own
_WORD = re.compile(r"\w+")


class Aliases:
    """The aliases of these workers. Ids are found in any spelling, and within other words, too."""

    def __init__(self, key: bytes, worker_ids: Iterable[str]) -> None:
        self._aliases = {worker_id.upper(): _alias(key, worker_id) for worker_id in worker_ids}
        lengths = {len(worker_id) for worker_id in self._aliases if len(worker_id) >= _FEW_LETTERS}
        self._lengths = sorted(lengths, reverse=True)

    def conceal(self, text: str) -> str:
        """Return a text with an alias in the place of each id."""
        if whole := self._aliases.get(text.upper()):
            return whole
        text = _WORD.sub(lambda word: self._aliases.get(word[0].upper(), word[0]), text)
        pieces, start, place = [], 0, 0
        while place < len(text):
            length, alias = self._at(text, place)
            if alias:
                pieces += [text[start:place], alias]
                start = place + length
            place += length if alias else 1
        return "".join([*pieces, text[start:]])

    def _at(self, text: str, place: int) -> tuple[int, str | None]:
        """Return the alias of the id that begins at a place of a text, and the id's length."""
        for length in self._lengths:
            if alias := self._aliases.get(text[place : place + length].upper()):
                return length, alias
        return 0, None

    def conceal_all(self, value: Any) -> Any:
        """Return a value, of named tuples, lists and mappings, with every text of it concealed."""
        if isinstance(value, str):
            return self.conceal(value)
        if isinstance(value, list):
            return [self.conceal_all(part) for part in value]
        if isinstance(value, dict):
            return {self.conceal(name): self.conceal_all(part) for name, part in value.items()}
        if isinstance(value, tuple) and hasattr(value, "_make"):
            return value._make(self.conceal_all(part) for part in value)
        return value


def _alias(key: bytes, worker_id: str) -> str:
    digest = hmac.digest(key, worker_id.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"worker-{base64.b32encode(digest).decode()[:_LETTERS].lower()}"


def read_key(home: Path) -> bytes:
    """Return the home's key, made at its first use. UsageError if it is none."""
    path = home / KEY_FILE
    with files_explained(str(path)):
        if not path.exists():
            _make_key(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(rf"[0-9a-f]{{{2 * _KEY_BYTES}}}", text):
        raise UsageError(f"{path} is no key of aliases. Remove it: the next report makes another.")
    return bytes.fromhex(text)


def _make_key(path: Path) -> None:
    """Write a new key, whole or not at all. Whoever was faster wins."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(_KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
