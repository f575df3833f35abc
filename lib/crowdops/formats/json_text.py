"""JSON as every reader takes it: numbers that JSON does not have are null."""

from __future__ import annotations

import json
import math
from typing import Any


def dumps(value: object) -> str:
    """Return a value as JSON text on one line. NaN and Infinity are null, at any depth (RFC 8259, 6)."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(field) for name, field in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
