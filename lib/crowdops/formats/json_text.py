"""JSON as every reader takes it, terminals too: all of it can be seen, and its numbers are JSON's."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any


def dumps(value: object) -> str:
    """Return a value as JSON text on one line. NaN and Infinity are null, at any depth (RFC 8259, 6)."""
    try:
        return visible(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:
        return visible(json.dumps(_finite(value), ensure_ascii=False, allow_nan=False))


def visible(text: str) -> str:
    """Return JSON text that says the same, with escapes for what a terminal obeys or nobody sees.

    That is C1 and DEL, the marks of direction, zero-width letters, and half characters, which UTF-8 lacks.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter == "\n" or unicodedata.category(letter) == "Zs"
        else json.dumps(letter)[1:-1]
        for letter in text
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(field) for name, field in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
