"""Plausible answers to the form of a task page, whatever it asks; never one that a browser would not send."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from crowdops.errors import ProviderError
from crowdops.formats.form_checks import accepts, number
from crowdops.formats.html_forms import BOX, FILE, FIXED, ONE_OF, SOME_OF, Control
from crowdops.providers.crowd_server.forms import TaskForm, Values

_WORDS = "yes clearly the second one looks right although part is hard to read"
_TRIES = 50
_LONGEST = 20_000  # characters that a simulated worker writes

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


def fill(form: TaskForm, chance: random.Random) -> Values:
    """Return the form filled in, in its order, with one of its buttons; the same for the same `chance`.

    ProviderError names a field that no value was found for.
    """
    values = [(control.name, value) for control in form.controls for value in _values(control, form, chance)]
    return [(name, value) for name, value in values if name] + list(chance.choice(form.buttons))


def _values(control: Control, form: TaskForm, chance: random.Random) -> list[str]:
    if control.kind == FIXED:
        return list(control.options)
    if control.kind == ONE_OF:
        return [chance.choice(control.options)] if control.options else []
    if control.kind in (SOME_OF, BOX):
        chosen = [option for option in control.options if chance.random() < 0.5]
        return chosen or ([chance.choice(control.options)] if control.required and control.options else [])
    if control.kind == FILE:
        return [""]  # none is chosen
    return [_written(control, form, chance)]


def _written(control: Control, form: TaskForm, chance: random.Random) -> str:
    """Return what is written into a control: the first idea that a browser accepts."""
    ideas = _ideas(control, chance)
    if not form.is_checked:
        return next(ideas)
    accepted = next((idea for idea in ideas if accepts(control, idea)), None)
    if accepted is not None or not control.required:
        return accepted or ""
    named = control.name or "without a name"
    wanted = f", which takes {control.pattern}" if control.pattern else ""
    raise ProviderError(f"A simulated worker finds nothing to write into the field {named}{wanted}.")


def _ideas(control: Control, chance: random.Random) -> Iterator[str]:
    if control.kind in ("number", "range"):
        yield _number(control, chance)
        return
    if control.kind in _SPECIAL:
        yield from (_SPECIAL[control.kind](chance) for _ in range(_TRIES))
        yield from filter(None, (control.low, control.high))
        return
    text = " ".join(chance.choices(_WORDS.split(), k=chance.randint(2, 6)))
    while control.shortest is not None and len(text) < min(control.shortest, _LONGEST):
        text = f"{text} {chance.choice(_WORDS.split())}"
    yield text if control.longest is None else text[: control.longest]
    if control.pattern:
        digits = "".join(chance.choices("0123456789", k=12))
        letters = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        for size in range(1, 13):
            yield from (digits[:size], letters[:size], letters[:size].upper(), f"A{digits[:size]}")


def _number(control: Control, chance: random.Random) -> str:
    high, step = number(control.high), number(control.step)
    low = number(control.low) or min(Decimal(0), high or Decimal(0))
    step = step if step and step > 0 else Decimal(1)
    steps = 100 if high is None else max(0, int((high - low) / step))
    return f"{low + step * chance.randint(0, steps):f}"


def _day(chance: random.Random) -> date:
    return date(2020, 1, 1) + timedelta(days=chance.randrange(2000))
