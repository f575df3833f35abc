"""Questions at a terminal: one key at a time, and a line of its own for what is said without an answer."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest

from crowdops.console import prompts


def typed(monkeypatch: pytest.MonkeyPatch, *keys: str) -> str:
    """What is taken for the answer to a question when a terminal hands over these, one after the other."""
    left = list(keys)
    monkeypatch.setattr(click, "getchar", lambda: left.pop(0))
    return prompts.key("[a]pprove [s]kip back [p] [q]uit", "aspq", lambda: "1 of 2")


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["S"], "s"),
        (["sp", "p"], "p"),  # typed faster than it is read: no key
        (["aspq", "\x1b[A", "x", "a"], "a"),
        ([""], "q"),  # of a terminal that is gone
    ],
)
def test_one_key_is_an_answer(monkeypatch: pytest.MonkeyPatch, keys: list[str], answer: str) -> None:
    assert typed(monkeypatch, *keys) == answer


def leave(*arguments: object, **options: object) -> str:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("getchar", lambda: prompts.key("Which?", "q", lambda: "")),
        ("prompt", lambda: prompts.line("Why?")),
        ("confirm", lambda: prompts.is_confirmed("Really?")),
    ],
)
def test_what_is_said_after_ctrl_c_has_a_line_of_its_own(
    name: str, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(click, name, leave)
    with pytest.raises(KeyboardInterrupt):
        ask()
    assert capsys.readouterr().err.endswith("\n")
