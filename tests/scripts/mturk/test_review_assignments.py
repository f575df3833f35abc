"""review_assignments: the decisions file and the rules, over real HTTP."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from crowdserver.storage import schema
from tests.support.works import Work, document, read_csv, refuse_answers, write_csv
from tests.support.world import World

# The decisions file


def test_a_file_goes_out_is_filled_in_and_is_carried_out(work: Work) -> None:
    path = work.world.folder / "decisions.csv"
    result = work.review("--export", str(path))
    assert result.exit_code == 0, result.stderr
    assert result.stderr == "3 assignments wait for a decision.\n"
    rows = read_csv(path)
    assert [row["input.text"] for row in rows] == ["message 0", "message 1", "message 2"]
    assert [row["answer.label"] for row in rows] == ["cat", "dog", "cat"]
    assert {row["decision"] + row["feedback"] + row["bonus"] for row in rows} == {""}
    rows[0] |= {"decision": "approve", "feedback": "Thank you"}
    rows[1] |= {"decision": "reject", "feedback": "There is no dog"}
    rows[2] |= {"decision": "skip"}
    write_csv(path, rows)
    result = work.review("--apply", str(path), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert document(result) == {"selected": 2, "done": 2, "already": 0, "failed": [], "dry_run": False}
    assert work.statuses() == work.stored() == ["Approved", "Rejected", "Submitted"]
    found = work.world.client.get_assignment(AssignmentId=work.assignments[1])["Assignment"]
    assert found["RequesterFeedback"] == "There is no dog"


def test_the_file_is_enough_to_know_the_runs(work: Work) -> None:
    path = work.decisions({"n": "0", "decision": "approve"}, {"n": "1", "decision": "approve"})
    result = work.world.invoke("mturk/review_assignments", "--apply", str(path), "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.endswith("2 carried out, 0 were so already, 0 failed.\n")
    assert work.statuses() == ["Approved", "Approved", "Submitted"]


def test_a_second_run_is_a_no_op_without_a_call(work: Work) -> None:
    path = work.decisions(
        {"n": "0", "decision": "approve"}, {"n": "1", "decision": "reject", "feedback": "No"}
    )
    assert work.review("--apply", str(path), "--yes").exit_code == 0
    result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path), "--yes", "--json")
    assert (result.exit_code, document(result)["done"], document(result)["already"]) == (0, 0, 2)
    assert calls == {}


def test_a_dry_run_only_reads(work: Work) -> None:
    path = work.decisions({"n": "0", "decision": "approve"}, {"n": "1", "decision": "approve"})
    result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path), "--dry-run")
    assert result.exit_code == 0
    assert "$0.12" in result.stdout  # two rewards of $0.05 with their fees of $0.01
    assert "Dry run: 2 would be carried out" in result.stderr
    assert calls == {}
    assert work.statuses() == ["Submitted"] * 3


def test_no_terminal_needs_yes(work: Work) -> None:
    path = work.decisions({"n": "0", "decision": "approve"}, {"n": "1", "decision": "approve"})
    result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path))
    assert result.exit_code == 2
    assert "There is no terminal to ask on" in result.stderr
    assert calls == {}


TROUBLES = [
    ({"assignment_id": "3NOSUCH", "worker_id": "AWORKER1"}, "no such assignment has been collected"),
    ({"n": "0", "worker_id": "ASOMEBODYELSE"}, "it is the work of AWORKER1, not of ASOMEBODYELSE"),
    ({"n": "0", "worker_id": ""}, "it is the work of AWORKER1, not of nobody"),
    ({"n": "0", "decision": "reject"}, "a rejection needs feedback"),
    ({"n": "1", "feedback": "x" * 1025}, "the feedback has 1025 characters; at most 1024 are allowed"),
    ({"n": "2", "feedback": "bell\a"}, "the feedback holds control characters"),
    ({"n": "3", "bonus": "0"}, "bonus: the amount is 0"),
    ({"n": "4", "bonus": "0.00"}, "bonus: the amount is 0"),
    ({"n": "5", "bonus": "0.125"}, "bonus: '0.125' has more than two decimals, or separates thousands"),
    ({"n": "6", "bonus": "-1"}, "bonus: '-1' is not an amount of dollars"),
    ({"n": "7", "bonus": "1", "decision": ""}, "a bonus without a decision"),
]


def test_bad_rows_are_named_and_the_rest_is_done(world: World) -> None:
    work = Work(world, units=10)
    work.collect()
    rows = [{"decision": "approve", **row} for row, _ in TROUBLES]
    path = work.decisions({"n": "8", "decision": "approve"}, *rows, {"n": "9", "decision": "approve"})
    result = work.review("--apply", str(path), "--yes", "--json")
    found = document(result)
    assert (result.exit_code, found["done"]) == (1, 2)
    for number, (failure, (_, why)) in enumerate(zip(found["failed"], TROUBLES, strict=True), start=2):
        assert failure["error"].startswith(f"row {number}: {why}")
    assert work.statuses() == ["Submitted"] * 8 + ["Approved"] * 2


def hand_on(work: Work) -> None:
    """Let the registry have the first assignment as an earlier worker's, too: ids are handed on."""
    with work.world.registry() as registry:
        [result] = registry.results_of(work.assignments[0])
        assignment = result.assignment
        assert assignment.submitted_at is not None
        earlier = assignment._replace(
            worker_id="AEARLIER", submitted_at=assignment.submitted_at - timedelta(hours=1)
        )
        registry.collect(result.run_id, result.unit_index, assignment.hit_id, [earlier], ended=True)


def test_a_row_that_decides_an_assignment_for_another_worker_is_refused(work: Work) -> None:
    path = work.decisions(
        {"n": "0", "worker_id": "AWORKER2", "decision": "reject", "feedback": "No"},
        {"n": "0", "decision": "approve"},
    )
    result = work.review("--apply", str(path), "--yes", "--json")
    assert (result.exit_code, document(result)["done"]) == (1, 1)
    [failure] = document(result)["failed"]
    assert failure["error"] == "row 1: it is the work of AWORKER1, not of AWORKER2"
    assert work.statuses() == ["Approved", "Submitted", "Submitted"]


@pytest.mark.parametrize("earlier_first", [True, False])
def test_an_assignment_that_two_workers_had_is_decided_for_the_later_one(
    work: Work, earlier_first: bool
) -> None:
    hand_on(work)
    rows = [
        {"n": "0", "worker_id": "AEARLIER", "decision": "reject", "feedback": "No", "bonus": "0.10"},
        {"n": "0", "decision": "approve", "bonus": "0.10"},
    ]
    path = work.decisions(*(rows if earlier_first else reversed(rows)), {"n": "1", "decision": "approve"})
    result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path), "--yes")
    number = 1 if earlier_first else 2
    why = f"{work.assignments[0]}: row {number}: it is decided for AWORKER1, too, who handed it in later"
    assert (result.exit_code, result.stderr.splitlines()[-2:]) == (
        1,
        ["3 carried out, 0 were so already, 1 failed.", why],
    )
    assert work.statuses() == ["Approved", "Approved", "Submitted"]
    assert (calls["ApproveAssignment"], calls.get("RejectAssignment")) == (2, None)
    [bonus] = work.world.client.list_bonus_payments(HITId=work.hits[0])["BonusPayments"]
    assert bonus["WorkerId"] == "AWORKER1"


def test_a_rule_decides_once_about_an_assignment_that_two_workers_had(work: Work) -> None:
    hand_on(work)
    result, calls = work.world.calls_of("mturk/review_assignments", "--all-runs", "--approve-all", "--yes")
    assert result.exit_code == 1
    assert "it is decided for AWORKER1, too, who handed it in later" in result.stderr
    assert calls["ApproveAssignment"] == 3


def test_what_was_reviewed_otherwise_cannot_be_turned_around(work: Work) -> None:
    work.world.client.approve_assignment(AssignmentId=work.assignments[0])
    work.world.client.reject_assignment(AssignmentId=work.assignments[1], RequesterFeedback="No")
    rows = [
        {"n": "0", "decision": "reject", "feedback": "No"},
        {"n": "1", "decision": "approve"},
        {"n": "2", "decision": "approve"},
    ]
    path = work.decisions(*rows)
    for _ in range(2):  # the second time from what the registry knows by now
        result = work.review("--apply", str(path), "--yes")
        assert result.exit_code == 1
        assert "row 1: it was approved meanwhile" in result.stderr or "row 1: it is approved" in result.stderr
        assert "row 2: it is rejected; --override-rejection takes that back for 30 days" in result.stderr
        work.collect()
        assert work.review("--export", str(work.world.folder / "look.csv")).exit_code == 0
    assert work.statuses() == work.stored() == ["Approved", "Rejected", "Approved"]


def test_the_same_verdict_by_somebody_else_is_success(work: Work) -> None:
    work.world.client.approve_assignment(AssignmentId=work.assignments[0])
    path = work.decisions({"n": "0", "decision": "approve"}, {"n": "1", "decision": "approve"})
    result = work.review("--apply", str(path), "--yes", "--json")
    assert (result.exit_code, document(result)["done"], document(result)["already"]) == (0, 1, 1)
    assert work.stored() == ["Approved", "Approved", "Submitted"]


def test_a_rejection_of_what_was_approved_by_itself_says_so(work: Work) -> None:
    work.world.crowd.advance(8 * 86400)  # the run's auto-approval is after seven days
    path = work.decisions(
        {"n": "0", "decision": "reject", "feedback": "No"}, {"n": "1", "decision": "approve"}
    )
    result = work.review("--apply", str(path), "--yes")
    assert result.exit_code == 1
    assert "row 1: it was approved meanwhile, at " in result.stderr
    assert "0 carried out, 1 was so already, 1 failed." in result.stderr


def test_a_rejection_can_be_taken_back_for_thirty_days(work: Work) -> None:
    path = work.decisions(
        {"n": "0", "decision": "reject", "feedback": "No"}, {"n": "1", "decision": "reject", "feedback": "No"}
    )
    assert work.review("--apply", str(path), "--yes").exit_code == 0
    back = work.decisions({"n": "0", "decision": "approve"})
    assert work.review("--apply", str(back), "--yes", "--override-rejection").exit_code == 0
    assert work.statuses() == work.stored() == ["Approved", "Rejected", "Submitted"]
    work.world.crowd.advance(31 * 86400)
    late = work.decisions({"n": "1", "decision": "approve"})
    result = work.review("--apply", str(late), "--yes", "--override-rejection")
    assert result.exit_code == 1
    assert "row 1: its rejection is final: 30 days have passed" in result.stderr


MALFORMED = [
    ("", "has no column assignment_id"),
    ("assignment_id,decision\n3A,approve\n", "has no column worker_id"),
    ("assignment_id,worker_id,decision\n3A,AW\n", "row 1 has 2 cells, the header has 3"),
    (
        "assignment_id,worker_id,decision\n3A,AW,aprove\n",
        "the decision is 'aprove'; it can be approve, reject",
    ),
    (
        "assignment_id,worker_id,decision\n3A,AW,approve\n3A,AW,skip\n3A,AW,reject\n",
        "rows 1 and 3 both decide",
    ),
    ('assignment_id,worker_id,decision\n3A,AW,"approve\n', "is not CSV"),
    ("assignment_id,worker_id,decision,decision\n3A,AW,approve,reject\n", "the header names decision twice"),
]


def test_a_malformed_file_changes_nothing(work: Work) -> None:
    path = work.world.folder / "malformed.csv"
    for text, why in [*MALFORMED, (None, "No such file or directory")]:
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text.replace("3A", work.assignments[0]))
        result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path), "--yes")
        assert (result.exit_code, calls) == (2, {})
        assert why in result.stderr
    assert work.statuses() == ["Submitted"] * 3


def test_bytes_that_are_no_text_are_named_by_line(work: Work) -> None:
    path = work.decisions({"n": "0", "decision": "approve"}, {"n": "1", "decision": "approve"})
    path.write_bytes(path.read_bytes() + b"\xff\xfe,A,approve,,\n")
    result = work.review("--apply", str(path), "--yes")
    assert result.exit_code == 2
    assert "line 4 is not UTF-8" in result.stderr


@pytest.mark.parametrize(
    "first,second,why",
    [
        (
            "approve,,",
            "reject,No,",
            "rows 1 and 2 both decide on assignment ID: approve, and reject, saying 'No'",
        ),
        (
            "approve,,0.10",
            "approve,,0.20",
            "approve with a bonus of $0.10, and approve with a bonus of $0.20",
        ),
        ("approve,,", "approve,,0.10", "approve, and approve with a bonus of $0.10. Keep one of them."),
        ("approve,Good,", "approve,Bad,", "approve, saying 'Good', and approve, saying 'Bad'"),
    ],
)
def test_a_file_that_contradicts_itself_changes_nothing(
    work: Work, first: str, second: str, why: str
) -> None:
    key = f"{work.assignments[0]},AWORKER1"
    path = work.world.folder / "decisions.csv"
    path.write_text(f"AssignmentId,WorkerId,Decision,Feedback,Bonus\n{key},{first}\n{key},{second}\n")
    result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path), "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert why.replace("ID", work.assignments[0]) in result.stderr


def test_a_decision_that_stands_twice_counts_once_and_that_is_said(work: Work) -> None:
    row = {"n": "0", "decision": "approve", "bonus": "0.10"}
    path = work.decisions(row, {"n": "1", "decision": "approve"}, row, {**row, "bonus": "$0,1"})
    result = work.review("--apply", str(path), "--yes")
    assert result.exit_code == 0, result.stderr
    assert "2 rows say again what another one says, and count once." in result.stderr
    assert "3 carried out, 0 were so already, 0 failed." in result.stderr
    assert len(work.world.client.list_bonus_payments(HITId=work.hits[0])["BonusPayments"]) == 1


@pytest.mark.parametrize("column", ["bonsu", "Bonus amount", "feeback"])
def test_a_misspelt_column_of_decisions_is_not_passed_over(work: Work, column: str) -> None:
    path = work.decisions({"n": "0", "decision": "approve"})
    replaced = "feedback" if column == "feeback" else "bonus"
    rows = [
        {column if name == replaced else name: cell for name, cell in row.items()} for row in read_csv(path)
    ]
    result, calls = work.world.calls_of(
        "mturk/review_assignments", "--apply", str(write_csv(path, rows)), "--yes"
    )
    assert (result.exit_code, calls) == (2, {})
    assert f"is the column '{column}' meant to be" in result.stderr


def test_bonuses_that_were_paid_before_are_not_taken_for_bonuses_to_pay(work: Work) -> None:
    """The column bonus of a results file says what was paid."""
    path = work.world.folder / "results.csv"
    work.world.invoke("mturk/pay_bonuses", str(work.bonuses({"n": "0"})), "--yes")
    assert work.world.invoke("mturk/download_results", "--all-runs", "-o", str(path)).exit_code == 0
    write_csv(path, [{**row, "decision": "approve"} for row in read_csv(path)])
    result, calls = work.world.calls_of("mturk/review_assignments", "--apply", str(path), "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert "was written by download_results: its column bonus says what was paid before" in result.stderr


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_dialects_of_spreadsheets_are_read(work: Work, delimiter: str) -> None:
    """With a byte order mark, CRLF, another separator and a row of empty cells, as they write."""
    path = work.decisions(
        {"n": "0", "decision": "Approve", "feedback": 'say "hi"'},
        {"n": "1", "decision": " REJECT ", "feedback": "No"},
    )
    rows = read_csv(path)
    lines = [list(rows[0]), *(list(row.values()) for row in rows), [""] * len(rows[0])]
    quoted = [delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line) for line in lines]
    path.write_bytes("\ufeff".encode() + "\r\n".join(quoted).encode() + b"\r\n")
    result = work.review("--apply", str(path), "--yes")
    assert result.exit_code == 0, result.stderr
    assert work.statuses() == ["Approved", "Rejected", "Submitted"]


def test_exported_cells_cannot_run_as_formulas(world: World) -> None:
    work = Work(world, units=2, done=False)
    for number, hit_id in enumerate(work.hits):
        world.do(hit_id, "AWORKER1", label=("=1+1", "@SUM(A1)")[number])
    path = world.folder / "decisions.csv"
    assert work.review("--export", str(path)).exit_code == 0
    assert [row["answer.label"] for row in read_csv(path)] == ["'=1+1", "'@SUM(A1)"]


def test_an_export_has_its_document(work: Work) -> None:
    path = work.world.folder / "decisions.csv"
    result = work.review("--export", str(path), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert document(result) == {"exported": 3, "file": str(path), "not_collected": []}
    assert len(read_csv(path)) == 3


def test_an_export_that_lacks_what_could_not_be_collected_says_so(world: World) -> None:
    work = Work(world, units=1)
    world.crowd.control("faults", {"operation": "ListAssignmentsForHIT", "kind": "error-before", "count": 50})
    result = work.review("--export", str(world.folder / "decisions.csv"), "--json", "--timeout", "1")
    found = document(result)
    assert (result.exit_code, found["exported"], len(found["not_collected"])) == (1, 0, 1)


def test_decisions_go_out_as_the_file_ends_and_come_back(work: Work) -> None:
    path = work.world.folder / "decisions.tsv"
    assert work.review("--export", str(path)).exit_code == 0
    header, *lines = path.read_text().splitlines()
    assert header.endswith("\tdecision\tfeedback\tbonus")
    path.write_text("\n".join([header, *(f"{line[:-2]}approve\t\t" for line in lines)]))
    assert work.review("--apply", str(path), "--yes").exit_code == 0
    assert work.statuses() == ["Approved"] * 3
    result = work.review("--export", str(path.with_suffix(".xlsx")))
    assert (result.exit_code, path.with_suffix(".xlsx").exists()) == (2, False)
    assert "decisions are not written as .xlsx, but as .csv or .tsv" in result.stderr


# The rules


def test_all_that_is_submitted_is_approved(work: Work) -> None:
    work.world.client.reject_assignment(AssignmentId=work.assignments[0], RequesterFeedback="No")
    result = work.review("--approve-all", "--yes", "--json")
    assert (result.exit_code, document(result)["done"]) == (0, 2)
    assert work.statuses() == ["Rejected", "Approved", "Approved"]


def test_what_matches_gold_answers_is_approved(work: Work) -> None:
    gold = write_csv(
        work.world.folder / "gold.csv",
        [
            {"input.text": "message 0", "answer.label": "cat"},
            {"input.text": "message 1", "answer.label": "cat"},
            {"input.text": "message 0", "answer.label": "kitten"},
        ],
    )
    result = work.review("--approve-matching", str(gold), "--yes")
    assert result.exit_code == 0, result.stderr
    assert "1 matches, 1 differs and is left, 1 has no gold answer." in result.stderr
    assert work.statuses() == ["Approved", "Submitted", "Submitted"]


def test_gold_answers_can_name_units_by_number(work: Work) -> None:
    gold = write_csv(
        work.world.folder / "gold.csv",
        [{"unit_index": "1", "answer.label": "dog"}, {"unit_index": "2", "answer.label": "cat"}],
    )
    assert work.review("--approve-matching", str(gold), "--yes").exit_code == 0
    assert work.statuses() == ["Submitted", "Approved", "Approved"]


def test_gold_answers_without_answers_are_refused(work: Work) -> None:
    for columns in ({"unit_index": "1"}, {"answer.label": "cat"}):
        gold = write_csv(work.world.folder / "gold.csv", [columns])
        result, calls = work.world.calls_of(
            "mturk/review_assignments", "--run", work.run.run_id, "--approve-matching", str(gold), "--yes"
        )
        assert (result.exit_code, calls) == (2, {})
        assert "needs columns that name a unit" in result.stderr


def test_what_the_majority_of_a_unit_says_is_approved(world: World) -> None:
    work = Work(world, units=2, workers=3)  # cat dog cat, dog cat cat
    result = work.review("--approve-agreeing", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "4 agree, 2 do not and are left." in result.stderr
    assert work.statuses() == ["Approved", "Submitted", "Approved", "Submitted", "Approved", "Approved"]


def test_only_named_fields_have_to_agree(world: World) -> None:
    work = Work(world, units=2, workers=2, done=False)
    for hit_id in work.hits:
        for number in (1, 2):
            work.assignments.append(world.do(hit_id, f"AWORKER{number}", label="cat", why=f"reason {number}"))
    assert "0 agree, 4 do not" in work.review("--approve-agreeing", "--yes").stderr
    result = work.review("--approve-agreeing", "--field", "label", "--yes")
    assert result.exit_code == 0
    assert work.statuses() == ["Approved"] * 4


@pytest.mark.parametrize("field", ["label", "answer.label", "Answer.label"])
def test_a_field_may_be_named_as_the_results_name_it(world: World, field: str) -> None:
    work = Work(world, units=2, workers=3)  # cat dog cat, dog cat cat
    result = work.review("--approve-agreeing", "--field", field, "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "4 agree, 2 do not and are left." in result.stderr


GOLD = [
    ("input.txet,answer.label\nmessage 0,cat\n", "has a column of the data 'txet'. Did you mean text?"),
    ("unit_index,answer.lable\n0,\n1,dog\n", "has a field 'lable'. Did you mean label?"),
    ("unit_indx,answer.label\n0,cat\n", "is the column 'unit_indx' meant to be unit_index?"),
    ("unit_index,anwser.label\n0,cat\n", "is the column 'anwser.label' meant to be answer.label?"),
    ("unit_index,inputs.text,answer.label\n0,x,cat\n", "is the column 'inputs.text' meant to be input.text?"),
    ("unit_index,answer.why,label\n0,x,cat\n", "is the column 'label' meant to be answer.label?"),
]


@pytest.mark.parametrize("text,why", GOLD)
def test_a_name_that_no_assignment_has_approves_nothing(work: Work, text: str, why: str) -> None:
    path = work.world.folder / "gold.csv"
    path.write_text(text)
    result, calls = work.world.calls_of(
        "mturk/review_assignments", "--run", work.run.run_id, "--approve-matching", str(path), "--yes"
    )
    assert (result.exit_code, calls.keys() & {"ApproveAssignment"}) == (2, set()), result.stderr
    assert why in result.stderr


@pytest.mark.parametrize("field", ["lable", "answer.lable", "text", "Label", ""])
def test_a_field_that_no_assignment_has_approves_nothing(world: World, field: str) -> None:
    work = Work(world, units=2, workers=3)
    result = work.review("--approve-agreeing", "--field", "label", "--field", field, "--yes")
    assert result.exit_code == 2, result.stderr
    assert "no assignment of these runs has a field" in result.stderr
    assert "There are: label. Nothing was done." in result.stderr
    assert work.statuses() == ["Submitted"] * 6


def test_who_has_none_of_the_named_fields_agrees_with_nobody(world: World) -> None:
    work = Work(world, units=2, workers=3, done=False)
    for number, hit_id in enumerate(work.hits):  # a checkbox that is not ticked is not sent
        ticked = [{"spam": "yes"}, {}, {}] if number else [{}, {}, {"other": "x"}]
        work.assignments += [world.do(hit_id, f"AWORKER{n}", note=str(n), **ticked[n]) for n in range(3)]
    for arguments in (["--field", "spam"], ["--field", "spam", "--field", "other"]):
        result = work.review("--approve-agreeing", *arguments, "--yes")
        assert result.exit_code == 0, result.stderr
        assert "0 agree, 6 do not and are left." in result.stderr
    assert work.statuses() == ["Submitted"] * 6


def test_answers_that_cannot_be_read_agree_with_nobody(world: World) -> None:
    work = Work(world, units=1, workers=3)
    with world.crowd.database.write() as tx:
        tx.execute(update(schema.assignments).values(answer="<not xml"))
    result = work.review("--approve-agreeing", "--yes")
    assert (result.exit_code, "0 agree, 3 do not" in result.stderr) == (0, True)


def test_a_field_is_not_asked_for_before_there_is_any_answer(world: World) -> None:
    work = Work(world, units=2, done=False)
    result = work.review("--approve-agreeing", "--field", "label", "--yes")
    assert (result.exit_code, "0 agree, 0 do not" in result.stderr) == (0, True)


def test_gold_rows_without_an_answer_approve_nothing(work: Work) -> None:
    """In MTurk's own spelling of columns."""
    gold = work.world.folder / "gold.csv"
    gold.write_text("HITId;Input.text;Answer.label\nx;message 0;\nx;message 1;dog\n")
    result = work.review("--approve-matching", str(gold), "--yes")
    assert result.exit_code == 0, result.stderr
    assert (
        "1 matches, 0 differ and are left, 2 have no gold answer. 1 row of the file holds no" in result.stderr
    )
    assert work.statuses() == ["Submitted", "Approved", "Submitted"]


def test_a_unit_that_is_not_complete_has_no_majority_yet(world: World) -> None:
    work = Work(world, units=2, workers=3, done=False)
    for number in (1, 2):
        work.assignments.append(world.do(work.hits[0], f"AWORKER{number}", label="cat"))
    result = work.review("--approve-agreeing", "--yes")
    assert result.exit_code == 0
    assert "1 unit is not complete" in result.stderr
    assert work.statuses() == ["Submitted", "Submitted"]


def test_ties_are_nobodys_majority(world: World) -> None:
    work = Work(world, units=2, workers=2)  # cat dog, dog cat
    assert work.review("--approve-agreeing", "--yes").exit_code == 0
    assert work.statuses() == ["Submitted"] * 4


# What does not go together


def test_a_way_is_chosen_before_any_decision(work: Work) -> None:
    for arguments, why in (
        (["--approve-all", "--approve-agreeing"], "--approve-all and --approve-agreeing: one way at a time."),
        (["--approve-all", "--field", "label"], "--field belongs to --approve-agreeing."),
        (["--approve-all", "--override-rejection"], "--override-rejection belongs to --apply"),
        ([], "There is no terminal to talk on. Use --export and --apply"),
    ):
        result = work.review(*arguments, "--yes")
        assert result.exit_code == 2
        assert why in result.stderr


def test_rules_need_to_know_which_runs(work: Work, tmp_path: Path) -> None:
    for way in (["--approve-all", "--yes"], ["--export", str(tmp_path / "all.csv")]):
        result = work.world.invoke("mturk/review_assignments", *way)
        assert result.exit_code == 2
        assert "Say which runs" in result.stderr


def test_runs_of_a_task_name_are_reviewed_together(world: World) -> None:
    lots = [Work(world, units=2, task_name=name) for name in ("pilot-1", "pilot-2", "other-1")]
    result = world.invoke("mturk/review_assignments", "--task-name", "pilot-*", "--approve-all", "--yes")
    assert result.exit_code == 0, result.stderr
    assert [lot.statuses()[0] for lot in lots] == ["Approved", "Approved", "Submitted"]


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_a_rule_fails_where_a_hit_could_not_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    work = Work(world)
    refuse_answers(monkeypatch, work.hits[0])
    result = work.review("--approve-all", option, "--json")
    assert result.exit_code == 1
    found = document(result)
    assert (found["selected"], found["done"]) == (2, 2 if option == "--yes" else 0)
    (failure,) = found["failed"]
    assert failure == {"id": f"HIT {work.hits[0]} (unit 0 of {work.run.run_id})", "error": "this one not"}
