"""One line that is kept up to date, at a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crowdops.console import layout, output, progress, status_line
from crowdops.console import terminal as streams

ERASED = "\r\x1b[J"  # with what a window that became narrower has made two lines of


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A stderr that is a terminal, whose width is in COLUMNS."""
    monkeypatch.setattr(streams, "is_one", lambda number: number == streams.STDERR)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    yield monkeypatch
    assert not status_line.erase(), "a line was left"


def test_the_line_comes_back_after_what_is_said(
    terminal: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bar = progress.progress(6, "pilot-1", quiet=False, noun="answered")
    bar.update(2, "outstanding 3")
    first = capfd.readouterr().err
    output.say("one\ntwo")
    assert capfd.readouterr().err == f"{ERASED}one\ntwo\n{first}"
    bar.close()
    assert capfd.readouterr().err == ERASED


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120])
def test_it_fits_and_keeps_what_matters_most(
    terminal: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], columns: int
) -> None:
    terminal.setenv("COLUMNS", str(columns))
    bar = progress.progress(400, "my-new-task-pilot-1", quiet=False, noun="answered")
    bar.update(120, "outstanding 20 · planned 260 · ended without an answer 3", left="until 16:11")
    bar.close()
    drawn = capfd.readouterr().err.split(ERASED)[1]
    assert drawn.endswith("\r"), "the cursor waits at its beginning"
    drawn = drawn.rstrip("\r")
    assert layout.width(drawn) < columns
    known = ("120 of 400 answered", "outstanding 20", "planned 260", "until 16:11")
    assert [text in drawn for text in known] == [columns > 30, columns > 50, columns > 70, columns >= 80]


def test_time_left_follows_the_pace(terminal: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    terminal.setattr(progress.time, "monotonic", lambda: now)
    bar = progress.progress(110, "pilot-1", quiet=False, noun="answered")
    bar.update(10)
    assert "left" not in capfd.readouterr().err
    now = 160.0
    bar.update(30)
    assert "30 of 110 answered · 4 min left" in capfd.readouterr().err
    bar.close()


def test_of_two_lines_the_last_one_that_was_drawn_is_seen(
    terminal: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    outer, inner = progress.progress(4, "outer", quiet=False), progress.progress(2, "inner", quiet=False)
    outer.update(1)
    inner.update(1)
    inner.close()
    assert "outer" in capfd.readouterr().err.split(ERASED)[-1]
    outer.close()


def test_where_nothing_was_said_before_a_pipe_hears_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(progress.counted(range(3), "HITs listed:", quiet=False)) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")


def test_what_is_silent_shows_how_many_there_were(
    terminal: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    terminal.setattr(progress, "REFRESH_SECONDS", 0.0)
    assert list(progress.counted(range(3), "HITs listed:", quiet=False)) == [0, 1, 2]
    assert capfd.readouterr().err == "".join(f"{ERASED}HITs listed: {n}\r" for n in (1, 2, 3)) + ERASED


def test_a_dumb_terminal_gets_lines(terminal: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    terminal.setenv("TERM", "dumb")
    bar = progress.progress(4, "expired", quiet=False)
    bar.update(1)
    bar.close()
    bar = progress.progress(None, "deleted", quiet=False)  # of how many is not known
    bar.update(2)
    bar.close()
    assert capfd.readouterr().err == "expired: 1/4\ndeleted: 2\n"
