"""download_results: every assignment, in forms that nothing in it can break."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from tests.support.documents import rows
from tests.support.works import Work
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
    assert len(rows(result)) == 2
    assert calls == {"ListHITs": 2, "ListBonusPayments": 2}  # the second page is empty; one call a HIT
    assert result.stderr == "Brought up to date with 4 calls.\n"


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
        "unit_id",
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
    result = world.invoke(SCRIPT, "--run", run.run_id, "--quiet")
    assert result.exit_code == 1 and len(rows(result)) == 2
    assert result.stderr == f"HIT {hits[0]} (unit 0 of {run.run_id}): this one not\n"


@pytest.mark.parametrize(("kind", "marked"), [("launch", 0), ("crash", 2)])
def test_hits_are_marked_only_where_a_process_asks_for_those_that_are_not(
    world: World, kind: str, marked: int
) -> None:
    run = getattr(world, kind)(units=2)
    for hit_id in world.hit_ids(run):
        world.do(hit_id)
    _, calls = world.calls_of(SCRIPT, "--run", run.run_id)
    assert calls.pop("UpdateHITReviewStatus", 0) == marked
    assert calls == {"ListHITs": 2, "ListAssignmentsForHIT": 2, "ListBonusPayments": 2}


def test_what_was_reviewed_and_paid_elsewhere_shows(work: Work) -> None:
    """A rejection that is taken back and a bonus change no counter of a HIT."""
    client, (first, second, third) = work.world.client, work.assignments
    client.reject_assignment(AssignmentId=first, RequesterFeedback="No")
    client.approve_assignment(AssignmentId=second)
    work.collect()
    assert work.stored() == ["Rejected", "Approved", "Submitted"]
    client.approve_assignment(AssignmentId=first, OverrideRejection=True)
    client.reject_assignment(AssignmentId=third, RequesterFeedback="No")
    client.send_bonus(
        WorkerId="AWORKER2", BonusAmount="0.25", AssignmentId=second, Reason="By hand", UniqueRequestToken="x"
    )
    result, calls = work.world.calls_of(SCRIPT, "--all-runs")
    assert [(row["status"], row["bonus"]) for row in rows(result)] == [
        ("Approved", "0.00"),
        ("Approved", "0.25"),
        ("Rejected", "0.00"),
    ]
    assert result.stderr == f"Brought up to date with {sum(calls.values())} calls.\n"
    # One HIT by its counters and two with rejections are read; bonuses of all three, on two pages of one.
    assert calls.pop("UpdateHITReviewStatus", 0) <= 1
    assert calls == {"ListHITs": 2, "ListAssignmentsForHIT": 3, "GetHIT": 2, "ListBonusPayments": 4}


def test_the_hits_that_were_looked_at_longest_ago_are_looked_at_first(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crowdops.payments.catch_up.MOST_LOOKS", 2)
    work.collect()
    for number, assignment_id in enumerate(work.assignments, start=1):
        work.world.client.send_bonus(
            WorkerId=f"AWORKER{number}", BonusAmount="0.10", AssignmentId=assignment_id, Reason="By hand"
        )
    one = work.world.invoke(SCRIPT, "--all-runs")
    assert "taken back elsewhere are as of 20" in one.stderr
    assert "for 1 HIT: the same command looks at the next 1.\n" in one.stderr
    assert sorted(row["bonus"] for row in rows(one)) == ["0.00", "0.10", "0.10"]
    two = work.world.invoke(SCRIPT, "--all-runs", "--quiet")
    assert (sorted(row["bonus"] for row in rows(two)), two.stderr) == (["0.10", "0.10", "0.10"], "")


def test_the_format_is_that_of_the_ending_and_is_said(work: Work, tmp_path: Path) -> None:
    texts = {}
    for ending in ("csv", "tsv", "json", "jsonl", "NDJSON"):
        path = tmp_path / f"results.{ending}"
        result = work.world.invoke(SCRIPT, "--all-runs", "-o", str(path))
        form = "jsonl" if ending == "NDJSON" else ending
        assert (result.exit_code, result.stdout) == (0, "")
        assert f"{path}: 3 assignments as {form}.\n" in result.stderr
        texts[ending] = path.read_text()
    by_comma = list(csv.reader(io.StringIO(texts["csv"], newline="")))
    assert list(csv.reader(io.StringIO(texts["tsv"], newline=""), delimiter="\t")) == by_comma
    assert [json.loads(line) for line in texts["jsonl"].splitlines()] == json.loads(texts["json"])
    assert texts["jsonl"] == texts["NDJSON"]
    stdout = work.world.invoke(SCRIPT, "--all-runs", "--format", "tsv", "--offline").stdout
    assert stdout == texts["tsv"]
    path = tmp_path / "results.txt"
    assert work.world.invoke(SCRIPT, "--all-runs", "-o", str(path), "--format", "table").exit_code == 0


@pytest.mark.parametrize(
    "arguments,why",
    [
        (
            ["-o", "results.xlsx"],
            "no format that can be written ends in .xlsx. There are .csv, .tsv, .json, .jsonl",
        ),
        (["-o", "results.txt"], "no format that can be written ends in .txt."),
        (["-o", "results.csv", "--format", "json"], "results.csv ends as csv does, and the format is json"),
        (["-o", "results.tsv", "--json"], "results.tsv ends as tsv does, and the format is json"),
        (["--json", "--format", "jsonl"], "--json and --format jsonl do not go together."),
    ],
)
def test_a_format_that_cannot_be_meant_is_refused_before_any_call(
    work: Work, arguments: list[str], why: str
) -> None:
    result, calls = work.world.calls_of(SCRIPT, "--all-runs", *arguments)
    assert (result.exit_code, calls) == (2, {})
    assert why in result.stderr


def test_cells_with_tabs_and_formulas_are_safe_in_tsv(world: World) -> None:
    run = world.crash(units=2)
    for hit_id, value in zip(world.hit_ids(run), ("a\tb", "=1+1"), strict=True):
        world.do(hit_id, label=value)
    text = world.invoke(SCRIPT, "--all-runs", "--format", "tsv").stdout
    table = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))
    assert [row[-1] for row in table] == ["answer.label", "a\tb", "'=1+1"]


def test_no_result_holds_json_that_is_none(work: Work) -> None:
    """Older registries hold data with NaN and Infinity, which Python writes and no other reader takes."""
    work.collect()
    data = '{"text": NaN, "list": [1, -Infinity, {"deep": NaN}], "big": 1e999}'
    work.world.sql("UPDATE units SET input = ?", data)
    for form in ("json", "jsonl", "csv", "tsv"):
        text = work.world.invoke(SCRIPT, "--all-runs", "--format", form, "--offline").stdout
        assert "NaN" not in text and "Infinity" not in text
    [line, *_] = work.world.invoke(SCRIPT, "--all-runs", "--format", "jsonl", "--offline").stdout.splitlines()
    assert json.loads(line)["input"] == {"text": None, "list": [1, None, {"deep": None}], "big": None}


# Labels for crowdkit


def test_crowdkit_gets_the_labels_of_a_field_and_the_same_task_in_every_run(world: World) -> None:
    first, second = Work(world, units=2, workers=2), Work(world, units=2, task_name="pilot-2")
    path = world.folder / "labels.csv"
    both = ("--task-name", "pilot-*")
    result = world.invoke(SCRIPT, *both, "--format", "crowdkit", "--field", "label", "-o", str(path))
    assert result.exit_code == 0, result.stderr
    heading, *rows = [line.split(",") for line in path.read_text().splitlines()]
    assert heading == ["task", "worker", "label"]
    documents = [
        json.loads(line)
        for line in world.invoke(SCRIPT, *both, "--format", "jsonl", "--offline").stdout.splitlines()
    ]
    assert len(documents) == 6
    assert rows == [[one["unit_id"], one["worker_id"], one["answer"]["label"]] for one in documents]
    tasks = {(one["run_id"], one["unit_index"]): one["unit_id"] for one in documents}
    assert len(set(tasks.values())) == 2
    assert tasks[first.run.run_id, 0] == tasks[second.run.run_id, 0]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--format", "crowdkit"], "needs --field"),
        (["--format", "crowdkit", "--field", "lable"], "Did you mean label?"),
        (["--format", "jsonl", "--field", "label"], "--field means nothing without --format crowdkit"),
    ],
)
def test_a_field_that_is_none_is_refused_with_the_nearest(
    world: World, arguments: list[str], word: str
) -> None:
    work = Work(world, units=1)
    result = world.invoke(SCRIPT, "--run", work.run.run_id, *arguments)
    assert result.exit_code == 2 and word in result.stderr
