"""The fields of a JSON object that somebody else made, each in its type. TypeError for another one."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def an_object(value: Any) -> dict[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise TypeError("it is no object")
    return value


def a_list(value: Any) -> list[Any]:
    """Return a JSON list."""
    if not isinstance(value, list):
        raise TypeError("it is no list")
    return value


def text(value: Any, name: str) -> str:
    """Return the text of this name. KeyError if there is none."""
    field = an_object(value)[name]
    if not isinstance(field, str):
        raise TypeError(f"{name} is no text")
    return field


def text_or_none(value: Any, name: str) -> str | None:
    """Return the text of this name; None where it is null or absent."""
    return None if an_object(value).get(name) is None else text(value, name)


def number(value: Any, name: str) -> int:
    """Return the number of this name, from 0 to a thousand million. KeyError if there is none."""
    field = an_object(value)[name]
    if not isinstance(field, int) or isinstance(field, bool) or not 0 <= field <= 10**9:
        raise TypeError(f"{name} is no number that counts something")
    return field


def flag(value: Any, name: str) -> bool:
    """Return the truth of this name. KeyError if there is none."""
    field = an_object(value)[name]
    if not isinstance(field, bool):
        raise TypeError(f"{name} is neither true nor false")
    return field


def moment(value: Any, name: str) -> datetime:
    """Return the moment of this name, which must tell its time zone. ValueError if it is none."""
    field = datetime.fromisoformat(text(value, name))
    if field.tzinfo is None or field.year not in range(1970, 2200):
        raise ValueError(f"{name} is no moment")
    return field
