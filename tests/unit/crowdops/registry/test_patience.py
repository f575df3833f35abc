"""A registry that cannot be used for a while is tried again, for a bounded time, and that is said once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crowdops.errors import RegistryAway, RegistryError, RegistryLocked
from crowdops.registry import patience
from crowdops.registry.patience import Patience

LOCKED = RegistryLocked("It is locked.", "Wait.")
FULL = RegistryAway("It is full.", "Make room.")


class Clock:
    """A time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now, self.interrupts = 0.0, 0

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def press(self, seconds: float) -> None:
        self.interrupts += 1


def failing(*errors: RegistryError) -> Callable[[], str]:
    """Return what fails in these ways, one after another, and then succeeds."""
    left = list(errors)

    def act() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return act


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def patient(clock: Clock, said: list[str]) -> Patience:
    return Patience(locked=60, away=10, say=said.append, wait=clock.wait, interrupts=lambda: clock.interrupts)


def test_what_passes_is_borne_and_said_once(patient: Patience, said: list[str]) -> None:
    assert patient.try_on(failing(FULL, FULL, FULL)) == "done"
    assert said == ["It is full. Trying again, for 10 s at most.", "The registry can be used again."]


def test_what_stays_is_raised_when_its_time_is_over(patient: Patience, clock: Clock) -> None:
    for error, seconds in ((FULL, 10), (LOCKED, 60)):
        clock.now = 0
        with pytest.raises(type(error)):
            patient.try_on(failing(*[error] * 1000))
        assert clock.now == pytest.approx(seconds)
        patient.try_on(failing())


def test_after_that_each_try_is_one_only_until_one_succeeds(patient: Patience, clock: Clock) -> None:
    with pytest.raises(RegistryAway):
        patient.try_on(failing(*[FULL] * 1000))
    over = clock.now
    with pytest.raises(RegistryAway):
        patient.try_on(failing(FULL))
    patient.try_on(failing(), writes=False)
    with pytest.raises(RegistryAway):
        patient.try_on(failing(FULL))
    assert clock.now == over, "that it can be read does not mean that it can be written"
    patient.try_on(failing())
    assert patient.try_on(failing(FULL)) == "done"


def test_what_is_part_of_something_larger_is_not_tried_again_alone(patient: Patience) -> None:
    inner = failing(FULL)
    tries = []

    def outer() -> str:
        tries.append(1)
        return patient.try_on(inner)

    assert patient.try_on(outer) == "done" and len(tries) == 2


def test_an_interrupt_ends_the_waiting(clock: Clock, said: list[str]) -> None:
    pressed = Patience(locked=60, wait=clock.press, interrupts=lambda: clock.interrupts, say=said.append)
    with pytest.raises(RegistryLocked):
        pressed.try_on(failing(*[LOCKED] * 1000))
    assert clock.interrupts == 1


def test_without_patience_nothing_is_said(clock: Clock, said: list[str]) -> None:
    with pytest.raises(RegistryAway):
        Patience(say=said.append, wait=clock.wait).try_on(failing(FULL))
    assert said == [] and clock.now == 0


def test_another_error_is_raised_at_once(patient: Patience, clock: Clock) -> None:
    with pytest.raises(RegistryError):
        patient.try_on(failing(RegistryError("It is damaged.")))
    assert clock.now == 0
