"""download_results: every assignment, in forms that nothing in it can break."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from tests.support.documents import rows
from tests.support.world import World

SCRIPT = "mturk/download_results"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "-", "+a"]
NUMBERS = ["-1", "+3.5", "-1,000.25", "1e5", "-2E-3"]


def test_each_assignment_is_a_row_with_its_input(world: World) -> None:
    run = world.crash(units=2, assignments=2)
    one, two = world.hit_ids(run)
    made = [world.do(one, "AWORKER1", label="cat"), world.do(one, "AWORKER2", label="dog", why="x")]
    made.append(world.do(two, "AWORKER1", label="cat"))
    result = world.invoke(SCRIPT, "--run", run.run_id)
    assert result.exit_code == 0
    found = rows(result)
    assert [row["assignment_id"] for row in found] == made
    assert list(found[0]) == [
        "run_id",
        "task_name",
        "unit_index",
        "input.text",
        "hit_id",
        "assignment_id",
        "worker_id",
        "status",
        "accepted_at",
        "submitted_at",
        "approved_at",
        "bonus",
        "answer.label",
        "answer.why",
    ]
    assert found[0]["input.text"] == "message 0" and found[2]["input.text"] == "message 1"
    assert [row["answer.label"] for row in found] == ["cat", "dog", "cat"]
    assert [row["answer.why"] for row in found] == ["", "x", ""]
    assert found[0]["status"] == "Submitted" and found[0]["submitted_at"].endswith("Z")


def test_what_comes_in_later_comes_with_the_next_download(world: World) -> None:
    run = world.crash(units=2)
    hits = world.hit_ids(run)
    assert rows(world.invoke(SCRIPT, "--run", run.run_id)) == []
    world.do(hits[0])
    assert len(rows(world.invoke(SCRIPT, "--run", run.run_id))) == 1
    late = world.accept(hits[1])
    assert world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes").exit_code == 0
    world.submit(late)
    assert len(rows(world.invoke(SCRIPT, "--run", run.run_id))) == 2
    assert world.run(run.run_id).state == "finished"
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id)
    assert len(rows(result)) == 2 and set(calls) == {"ListHITs"}


def test_offline_makes_no_call(world: World) -> None:
    run = world.crash(units=2)
    world.do(world.hit_ids(run)[0])
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--offline")
    assert result.exit_code == 0 and calls == {} and rows(result) == []


def test_an_automatic_approval_shows(world: World) -> None:
    run = world.launch(units=2, more="auto_approval_delay_in_seconds = 60\n")
    world.do(world.hit_ids(run)[0])
    assert rows(world.invoke(SCRIPT, "--run", run.run_id))[0]["status"] == "Submitted"
    world.crowd.advance(120)
    world.sql("UPDATE assignments SET auto_approval_at = '2026-01-01T00:00:00.000000Z'")
    [row] = rows(world.invoke(SCRIPT, "--run", run.run_id))
    assert row["status"] == "Approved" and row["approved_at"]


def test_no_formula_runs_in_a_spreadsheet(world: World) -> None:
    run = world.crash(units=len(FORMULAS))
    for hit_id, value in zip(world.hit_ids(run), FORMULAS, strict=True):
        world.do(hit_id, label=value, **{value: "x"})
    text = world.invoke(SCRIPT, "--run", run.run_id).stdout
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert len(table) == 1 + len(FORMULAS)
    column = table[0].index("answer.label")
    assert [row[column].lstrip("'") for row in table[1:]] == [value.replace("\r", "\n") for value in FORMULAS]
    assert all(row[column].startswith("'") for row in table[1:])
    assert not [
        cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    ]


def test_numbers_stay_numbers(world: World) -> None:
    run = world.crash(units=len(NUMBERS))
    for hit_id, number in zip(world.hit_ids(run), NUMBERS, strict=True):
        world.do(hit_id, label=number)
    assert [row["answer.label"] for row in rows(world.invoke(SCRIPT, "--run", run.run_id))] == NUMBERS


def test_quotes_commas_and_line_breaks_stay_in_their_cell(world: World) -> None:
    run = world.crash(units=2)
    values = ["say \"hi\", then\nleave; 'x'", '日本\u2028é,""']
    for hit_id, value in zip(world.hit_ids(run), values, strict=True):
        world.do(hit_id, label=value)
    found = rows(world.invoke(SCRIPT, "--run", run.run_id))
    assert [row["answer.label"].replace("\r\n", "\n") for row in found] == values


def test_json_has_every_value_as_it_is(world: World) -> None:
    run = world.crash(units=2)
    for hit_id in world.hit_ids(run):
        world.do(hit_id, label="=1+1")
    array = json.loads(world.invoke(SCRIPT, "--run", run.run_id, "--format", "json").stdout)
    lines = world.invoke(SCRIPT, "--run", run.run_id, "--format", "jsonl").stdout.splitlines()
    assert (
        [json.loads(line) for line in lines]
        == array
        == json.loads(world.invoke(SCRIPT, "--run", run.run_id, "--json").stdout)
    )
    assert array[0].keys() == {
        "run_id",
        "task_name",
        "unit_index",
        "input",
        "hit_id",
        "assignment_id",
        "worker_id",
        "status",
        "accepted_at",
        "submitted_at",
        "approved_at",
        "answer",
        "answer_values",
        "bonus",
    }
    assert array[0]["answer_values"] == {"label": ["=1+1"]}
    assert array[0]["answer"] == {"label": "=1+1"} and array[1]["input"] == {"text": "message 1"}


def test_several_values_of_a_name_are_all_kept(world: World) -> None:
    run = world.crash(units=2)
    ticked = [("topics", "sport"), ("topics", "art|craft"), ("why", "a|b")]
    for hit_id in world.hit_ids(run):
        world.do(hit_id, "AWORKER1", *ticked)
    array = json.loads(world.invoke(SCRIPT, "--run", run.run_id, "--json").stdout)
    assert [result["answer"] for result in array] == [{"topics": "sport|art|craft", "why": "a|b"}] * 2
    assert array[0]["answer_values"] == {"topics": ["sport", "art|craft"], "why": ["a|b"]}
    assert rows(world.invoke(SCRIPT, "--run", run.run_id))[0]["answer.topics"] == "sport|art|craft"


def test_answers_from_before_there_were_lists_are_read(world: World) -> None:
    run = world.crash(units=2)
    world.do(world.hit_ids(run)[0], topics="sport")
    assert world.invoke(SCRIPT, "--run", run.run_id).exit_code == 0
    before = '{"topics": "a|b", "tags": ["c", "d"]}'
    world.sql("UPDATE assignments SET answer = ?, answer_values = NULL", before)
    (result,) = json.loads(world.invoke(SCRIPT, "--run", run.run_id, "--json", "--offline").stdout)
    assert result["answer"] == {"topics": "a|b", "tags": ["c", "d"]}
    assert result["answer_values"] == {"topics": ["a|b"], "tags": ["c", "d"]}


def test_nothing_yet_is_an_empty_document(world: World) -> None:
    run = world.crash(units=2)
    for form, wanted in (("json", "[]\n"), ("jsonl", "")):
        assert world.invoke(SCRIPT, "--run", run.run_id, "--format", form).stdout == wanted
    assert world.invoke(SCRIPT, "--run", run.run_id).stdout.count("\n") == 1


def test_a_table_has_a_line_a_unit(world: World) -> None:
    run = world.crash(units=2, assignments=2)
    one, two = world.hit_ids(run)
    (
        world.do(one, "AWORKER1", label="cat\x1bdog"),
        world.do(one, "AWORKER2", label="dog"),
        world.do(two, label="x"),
    )
    lines = world.invoke(SCRIPT, "--run", run.run_id, "--format", "table").stdout.splitlines()
    assert len(lines) == 4 and not [line for line in lines if "\x1b" in line]
    assert "label=dog" in lines[2] and "|" in lines[2]


def test_several_runs_come_in_one_file(world: World) -> None:
    runs = [world.crash(f"pilot-{number}") for number in (1, 2)]
    for run in runs:
        for hit_id in world.hit_ids(run):
            world.do(hit_id)
    found = rows(world.invoke(SCRIPT, "--task-name", "pilot-*"))
    assert [row["run_id"] for row in found] == sorted(run.run_id for run in runs for _ in range(2))


def test_a_file_is_written_whole(world: World, tmp_path: Path) -> None:
    run = world.crash(units=2)
    world.do(world.hit_ids(run)[0])
    path = tmp_path / "results.csv"
    result = world.invoke(SCRIPT, "--run", run.run_id, "--output", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.read_text().count("\n") == 2
    result = world.invoke(SCRIPT, "--run", run.run_id, "--output", str(tmp_path / "no" / "x.csv"))
    assert result.exit_code == 2 and "cannot be written: No such file or directory." in result.stderr
    assert os.listdir(tmp_path / "home" / "runs") == [run.run_id]


def test_an_unreadable_answer_does_not_hide_the_others(world: World) -> None:
    run = world.crash(units=2)
    made = [world.do(hit_id, label="cat") for hit_id in world.hit_ids(run)]
    from sqlalchemy import update

    from crowdserver.storage.schema import assignments

    with world.crowd.database.write() as tx:
        tx.execute(update(assignments).where(assignments.c.id == made[0]).values(answer="<not xml"))
    found = rows(world.invoke(SCRIPT, "--run", run.run_id))
    assert [row["answer.unreadable_answer"] for row in found] == ["<not xml", ""]
    assert [row["answer.label"] for row in found] == ["", "cat"]


def test_a_hit_that_cannot_be_read_is_named_and_the_rest_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crowdops.errors import ProviderError
    from crowdops.providers.mturk.client import MTurk

    run = world.crash(units=3)
    hits = world.hit_ids(run)
    for hit_id in hits:
        world.do(hit_id)
    submissions = MTurk.submissions

    def failing(self: MTurk, hit_id: str, expected: int) -> object:
        if hit_id == hits[0]:
            raise ProviderError("this one not")
        return submissions(self, hit_id, expected)

    monkeypatch.setattr(MTurk, "submissions", failing)
    result = world.invoke(SCRIPT, "--run", run.run_id)
    assert result.exit_code == 1 and len(rows(result)) == 2
    assert result.stderr == f"HIT {hits[0]} (unit 0 of {run.run_id}): this one not\n"
