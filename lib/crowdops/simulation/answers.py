"""Plausible answers to the form of a task page, whatever it asks."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

from crowdops.providers.crowd_server.forms import FIXED, ONE_OF, SOME_OF, Control, Form, Values

_WORDS = "yes clearly the second one looks right although part is hard to read"

_SPECIAL: dict[str, Callable[[random.Random], str]] = {
    "email": lambda chance: f"worker{chance.randint(1, 999)}@example.org",
    "url": lambda chance: f"https://example.org/{chance.randint(1, 999)}",
    "tel": lambda chance: f"555-01{chance.randint(0, 99):02}",
    "color": lambda chance: f"#{chance.randrange(1 << 24):06x}",
    "date": lambda chance: _day(chance).isoformat(),
    "month": lambda chance: f"{_day(chance):%Y-%m}",
    "week": lambda chance: f"{_day(chance):%G-W%V}",
    "time": lambda chance: f"{chance.randrange(24):02}:{chance.randrange(60):02}",
    "datetime-local": lambda chance: f"{_day(chance)}T12:{chance.randrange(60):02}",
}


def fill(form: Form, chance: random.Random) -> Values:
    """Return the form filled in, in its order; the same for the same state of `chance`."""
    return [(control.name, value) for control in form.controls for value in _values(control, chance)]


def _values(control: Control, chance: random.Random) -> list[str]:
    if control.kind == FIXED:
        return list(control.options)
    if control.kind == ONE_OF:
        return [chance.choice(control.options)] if control.options else []
    if control.kind == SOME_OF:
        chosen = [option for option in control.options if chance.random() < 0.5]
        return chosen or ([chance.choice(control.options)] if control.required and control.options else [])
    if control.kind in ("number", "range"):
        return [_number(control, chance)]
    if control.kind in _SPECIAL:
        return [_SPECIAL[control.kind](chance)]
    return [_text(control, chance)]


def _number(control: Control, chance: random.Random) -> str:
    low = 0 if control.low is None else control.low
    high = low + 100 if control.high is None else control.high
    whole = chance.randint(0, max(0, int(high - low)))
    return f"{low + whole:g}"


def _text(control: Control, chance: random.Random) -> str:
    text = " ".join(chance.choices(_WORDS.split(), k=chance.randint(2, 6)))
    return text if control.length is None else text[: control.length]


def _day(chance: random.Random) -> date:
    return date(2020, 1, 1) + timedelta(days=chance.randrange(2000))
