"""Data to stdout, talk to stderr, and nothing that breaks either."""

import json
import os
import stat
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.console import output, progress, tables
from crowdops.console.tables import Look
from crowdops.errors import UsageError


@given(st.text())
def test_a_cell_is_one_line_of_bounded_printable_text(text: str) -> None:
    cell = output.cell(text)
    assert len(cell) <= output.CELL_WIDTH
    assert cell.isprintable()
    assert len(cell.splitlines()) <= 1


def test_long_cells_end_in_an_ellipsis_and_short_ones_stay() -> None:
    assert output.cell("x" * 60) == "x" * 60
    assert output.cell("x" * 61) == "x" * 59 + "…"
    assert output.cell(None) == ""
    assert output.cell(Decimal("0.10")) == "0.10"


def test_escape_sequences_become_visible() -> None:
    assert output.clean("\x1b[31mred\x1b[0m\a") == "\\x1b[31mred\\x1b[0m\\x07"
    assert output.clean("a\tb\nc") == "a b c"
    assert output.clean("naïve 日本") == "naïve 日本"


def test_talk_goes_to_stderr_and_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    output.say("first line\nsecond \x1b[2J line")
    found = capfd.readouterr()
    assert found.out == ""
    assert found.err == "first line\nsecond \\x1b[2J line\n"


def test_documents_have_times_in_utc_and_money_as_text(capfd: pytest.CaptureFixture[str]) -> None:
    noon = datetime(2026, 11, 22, 13, 0, 0, 999_999, timezone(timedelta(hours=1)))
    output.document({"at": noon, "cost": Decimal("1.20"), "path": Path("/x"), "name": "日本"})
    text = capfd.readouterr().out
    assert json.loads(text) == {"at": "2026-11-22T12:00:00Z", "cost": "1.20", "path": "/x", "name": "日本"}
    assert "日本" in text


def test_what_json_cannot_say_is_a_bug() -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        output.document({"what": object()})


HOSTILE = "a\x1b[2J\x07\x7f\x9b31m\u202etxt.exe\u200b\u2066\ufeff\ud800\U000e0041 é\u3000漢 🙂"


def test_documents_can_be_seen_and_say_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    output.document({HOSTILE: [HOSTILE]})
    text = capfd.readouterr().out
    assert text.replace("\n", "").replace("\u3000", "").isprintable()
    assert "é\u3000漢 🙂" in text
    assert json.loads(text) == {HOSTILE: [HOSTILE]}


def test_text_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    output.write(f"one\n{HOSTILE}")
    first, second = capfd.readouterr().out.splitlines()
    assert first == "one" and second.isprintable() and "a\\x1b[2J\\x07\\x7f\\x9b31m\\u202etxt" in second


@pytest.mark.parametrize("path", [None, Path("/dev/stdout")])
def test_data_is_exact_in_a_file_and_can_be_seen_on_a_terminal(
    path: Path | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours, theirs = os.openpty()
    if path:
        path = Path(os.ttyname(theirs))
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        with output.destination(path) as file:
            file.write("a\tb\x1b[2J\u202e\x9b,é\n")
        monkeypatch.undo()
        screen = os.read(ours, 100).decode().split()
    assert screen == ["a", "b\\x1b[2J\\u202e\\x9b,é"]
    os.close(ours)
    with output.destination(tmp_path / "file") as file:
        file.write("a\tb\x1b[2J\u202e\x9b,é\n")
    assert (tmp_path / "file").read_text() == "a\tb\x1b[2J\u202e\x9b,é\n"


def test_a_table_keeps_its_columns_whatever_is_in_it(capfd: pytest.CaptureFixture[str]) -> None:
    tables.write(
        [Look("name"), Look("note")], [("a\nb", "1e5"), ("00123", "\x1b[1m" + "y" * 100), ("", None)]
    )
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[2].split() == ["a", "b", "1e5"]
    assert lines[3].startswith("00123") and "\x1b" not in lines[3]


def test_pairs_are_never_cut(capfd: pytest.CaptureFixture[str]) -> None:
    output.pairs({"name": "x\x1b", "advice": "y" * 200, "default": None})
    assert capfd.readouterr().out == "name     x\\x1b\nadvice   " + "y" * 200 + "\ndefault\n"


def test_an_empty_table_shows_its_headers(capfd: pytest.CaptureFixture[str]) -> None:
    tables.write([Look("run"), Look("state")], [])
    assert capfd.readouterr().out.split()[:2] == ["run", "state"]


def test_timestamps_are_utc_to_the_second() -> None:
    assert output.timestamp(datetime(2026, 1, 2, 3, 4, 5, 678, UTC)) == "2026-01-02T03:04:05Z"
    assert output.timestamp(None) is None


# Files


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with output.destination(path) as file:
        file.write("a\r\nb\n")
        assert not path.exists()
    assert path.read_bytes() == b"a\r\nb\n"
    assert [p.name for p in tmp_path.iterdir()] == ["results.csv"]


def test_a_file_that_fails_halfway_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("yesterday's")
    for failure in (KeyboardInterrupt, ValueError):
        with pytest.raises(failure), output.destination(path) as file:
            file.write("half")
            raise failure
    assert path.read_text() == "yesterday's"
    assert [p.name for p in tmp_path.iterdir()] == ["results.csv"]


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"missing/results.csv.*No such file"),
        output.destination(tmp_path / "missing" / "results.csv"),
    ):
        pass


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"), output.destination(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(path.read_text()), daemon=True)
    reader.start()
    with output.destination(path) as file:
        file.write("through the pipe")
    reader.join(10)
    assert found == ["through the pipe"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_link_is_followed_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "latest.csv"
    link.symlink_to(tmp_path / "real" / "results.csv")
    with output.destination(link) as file:
        file.write("x")
    assert link.is_symlink()
    assert (tmp_path / "real" / "results.csv").read_text() == "x"


def test_without_a_path_it_is_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    with output.destination(None) as file:
        file.write("data\n")
    assert capfd.readouterr().out == "data\n"


# Progress


def test_plain_progress_says_the_last_state_once(capfd: pytest.CaptureFixture[str]) -> None:
    shown = progress.progress(1000, "launched", quiet=False)
    for done in range(1001):
        shown.update(done, "outstanding 3")
    shown.close()
    shown.close()
    assert capfd.readouterr().err.splitlines() == [
        "launched: 0/1000 · outstanding 3",
        "launched: 1000/1000 · outstanding 3",
    ]


def test_plain_progress_says_nothing_twice(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    shown = progress.progress(10, "launched", quiet=False)
    for moment, done in ((100.0, 1), (101.0, 2), (106.0, 2), (120.0, 2), (130.0, 3)):
        now = moment
        shown.update(done, "")
    assert capfd.readouterr().err.splitlines() == ["launched: 1/10", "launched: 2/10", "launched: 3/10"]


def test_quiet_progress_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    shown = progress.progress(10, "launched", quiet=True)
    shown.update(10, "all")
    shown.close()
    assert capfd.readouterr() == ("", "")


def test_blanks_and_joiners_of_every_script_are_no_escapes() -> None:
    family = "\U0001f469\u200d\U0001f467"
    assert output.clean(f"日本\u3000語\xa0!\u2009{family}") == f"日本 語 ! {family}"
    assert output.line("می\u200cخواهم") == "می\u200cخواهم"
