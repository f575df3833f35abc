"""The benchmark itself, at its smallest: that it measures, shows and writes; not how fast anything is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import table
from tests.benchmarks.measures import Sample
from tests.benchmarks.table import LOOP, OURS, POOL, Figure, Section


def sample(seconds: float, calls: float = 10, refused: float = 0) -> Sample:
    return Sample(calls, seconds, client_cpu=0.5, server_cpu=0.25, refused=refused, megabytes=50)


def a_section() -> Section:
    sides = {
        OURS: [sample(1), sample(4), sample(3)],
        LOOP: [sample(10), sample(20), sample(30)],
        POOL: [sample(2, refused=1), sample(2, refused=1), sample(3, refused=1)],
    }
    return Section("status", "10 HITs", sides, limit=1.5, estimated=frozenset({LOOP}))


def test_a_ratio_is_that_of_one_round_and_the_middle_one_counts() -> None:
    section = a_section()
    assert section.ratio(LOOP, OURS) == 10  # of 10, 5 and 10; the medians alone would give 6.7
    assert section.ratio(OURS, POOL) == 1
    assert section.ratio(OURS, "somebody else") is None
    assert section.of_limit(OURS) == 2


def test_a_line_fits_a_screen_and_says_what_was_reckoned_and_refused() -> None:
    section = a_section()
    section.aim("time, of the pool's", section.ratio(OURS, POOL), 1.1)
    head, title, ours, loop, pool, figure = table.show([section], full_size=True).splitlines()
    assert max(map(len, (head, ours, loop, pool))) <= 100
    assert title == "-- status: 10 HITs"
    assert ours.split() == ["crowdops", "10", "3.00", "0.50", "0.25", "-", "50", "10.00", "1.00", "2.00"]
    assert loop.startswith("~") and "10.0%" in pool
    assert figure.strip() == "time, of the pool's 1.00  (aim: at most 1.1; met)"


def test_little_work_is_not_judged() -> None:
    figure = Figure("times as fast", 3, 9, at_least=True)
    assert "NOT met" in figure.show(full_size=True)
    assert figure.show(full_size=False) == "times as fast 3.00  (aim at full size: at least 9)"


def test_what_a_part_took_is_reckoned_without_what_is_done_once() -> None:
    whole = sample(3, calls=11).times(5, {"seconds": 2, "cpu": 0.25, "prepared": 1})
    assert (whole.calls, whole.seconds, whole.client_cpu, whole.server_cpu) == (51, 11, 1.5, 1.25)


SMALLEST = ["--no-peers", "--scale", "0.002", "--latency-ms", "0", "--part", "0.5"]


def test_a_row_is_measured_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, page = tmp_path / "bench.json", tmp_path / "page.md"
    page.write_text(f"Before\n{command.BEGIN}\nan older run\n{command.END}\nAfter\n")
    command.main([*SMALLEST, "--json", str(document), "--page", str(page), "status"])
    shown = capsys.readouterr().out
    [status] = json.loads(document.read_text())["sections"]
    sides = {side["side"]: side for side in status["sides"]}
    assert status["row"] == "status"
    assert sides[OURS]["median"]["calls"] <= 3
    assert sides[LOOP]["estimated"] and sides[LOOP]["median"]["calls"] == 2
    assert all(side["median"]["seconds"] > 0 and side["median"]["megabytes"] > 0 for side in sides.values())
    text = page.read_text()
    assert text.startswith("Before\n") and text.endswith("After\n") and "older" not in text
    assert "-- status: 2 of 20 HITs, 0 ms a call" in text and "-- status: 2 of 20 HITs" in shown


@pytest.mark.long
def test_two_rows_are_measured_and_a_deletion_is_refused_nothing(tmp_path: Path) -> None:
    document = tmp_path / "bench.json"
    command.main([*SMALLEST, "--json", str(document), "status", "delete"])
    status, delete = json.loads(document.read_text())["sections"]
    assert (status["row"], delete["row"]) == ("status", "delete")
    assert not [side for side in delete["sides"] if side["median"]["refused"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["statu"], "no row statu; there are launch, rate,"),
        (["--scale", "0"], "--scale and --part are more than 0"),
    ],
)
def test_what_cannot_be_measured_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert said in capsys.readouterr().err


def test_a_page_without_a_place_for_the_run_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Nothing here\n")
    with pytest.raises(SystemExit, match="nothing was written"):
        command.write_page(page, "a run")
    assert page.read_text() == "Nothing here\n"
