"""Texts are measured, shortened and wrapped by what is seen of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.console import layout

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # one letter of five characters, two columns wide


def test_width_is_what_is_seen() -> None:
    assert layout.width("abc") == 3
    assert layout.width("日本") == 4
    assert layout.width("e\u0301") == 1
    assert layout.width(FAMILY) == 2
    assert layout.pad("日本", 6) == "日本  "


def test_the_middle_is_left_out() -> None:
    assert layout.shorten("my-new-task-pilot-1", 19) == "my-new-task-pilot-1"
    assert layout.shorten("my-new-task-pilot-1", 12) == "my-new…lot-1"
    assert layout.shorten("日本語日本語", 7) == "日本…語"
    assert layout.shorten(f"{FAMILY}{FAMILY}{FAMILY}{FAMILY}", 5) == f"{FAMILY}…{FAMILY}"


@given(st.text(st.characters(exclude_categories=("C", "Z"))), st.integers(1, 40))
def test_nothing_that_is_shortened_is_too_wide(text: str, columns: int) -> None:
    assert layout.width(layout.shorten(text, columns)) <= columns


@given(st.lists(st.text("abcdefg日", min_size=1, max_size=8)), st.integers(18, 60))
def test_wrapped_lines_fit_and_say_the_same(words: list[str], columns: int) -> None:
    wrapped = layout.wrap(" ".join(words), columns)
    assert wrapped.split() == words
    assert all(layout.width(line) <= columns for line in wrapped.split("\n"))


def test_a_script_without_blanks_is_broken_anywhere_and_an_address_nowhere() -> None:
    text = f"answer {'日本語' * 20} end"
    lines = layout.wrap(text, 21, hang=7).split("\n")
    assert max(map(layout.width, lines)) <= 21 and "".join(line.strip() for line in lines[1:-1]) in text
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    address = f"http://127.0.0.1:8730/{'x' * 40}"
    assert layout.wrap(f"at {address}", 20).split("\n")[1] == address


def test_lines_keep_where_they_began() -> None:
    assert layout.wrap("  one two three four", 12) == "  one two\n  three four"
    assert layout.wrap("name   one two three", 14, hang=7) == "name   one two\n       three"
    assert layout.wrap("a text as long as one likes", None) == "a text as long as one likes"


@pytest.mark.parametrize(
    "command",
    [
        "make expire RUN=20261122-114502-k3f9 ARGS=--stop-run",
        "make recover",
        "make rebuild ARGS='--all-runs --dry-run'",
        "AWS_ENDPOINT_URL_MTURK=URL make recover",
    ],
)
def test_a_command_is_never_broken(command: str) -> None:
    for before in range(1, 60):
        wrapped = layout.wrap(f"{'x' * before} and then: {command}. That is all.", 60)
        assert any(command in line for line in wrapped.split("\n")), wrapped


def test_a_command_that_no_line_can_hold_goes_on_after_a_backslash() -> None:
    command = "make review RUN=20261122-114502-k3f9 ARGS='--apply decisions.csv' FILE=decisions.csv"
    wrapped = layout.wrap(f"Type: {command}", 50)
    lines = wrapped.split("\n")
    assert len(lines) == 2 and all(line.endswith(" \\") for line in lines[:-1])
    assert " ".join(line.removesuffix(" \\") for line in lines) == f"Type: {command}"
    assert max(map(len, lines)) <= 50
