"""render_report: how runs went, as one page and as one JSON document, a bonus file, and aliases."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crowdops.results import collect
from tests.support.lots import LOTS, Lot, ledger
from tests.support.works import Work, read_csv, write_csv
from tests.support.world import World

SCRIPT = "local/render_report"


def report(world: World, *arguments: str) -> Any:
    return world.json(SCRIPT, *(arguments or ("--all-runs",)))


@pytest.fixture
def work(world: World) -> Work:
    """Four units, each done by three workers, in twenty seconds an assignment."""
    work = Work(world, units=4, workers=3)
    work.collect()
    world.sql(
        "UPDATE assignments SET accepted_at = '2026-01-01T00:00:00.000000Z',"
        " submitted_at = '2026-01-01T00:00:20.000000Z'"
    )
    return work


def test_a_report_says_how_a_run_stands(world: World) -> None:
    work = Work(world, units=2)
    found = report(world, "--run", work.run.run_id)
    assert found["title"] == "pilot-1"
    assert found["progress"]["answers"] == found["progress"]["asked"] == 2
    assert found["costs"]["unreviewed"] == 2
    assert found["next_command"] == f"make review RUN={work.run.run_id}"


def test_a_run_that_is_launched_meanwhile_is_not_the_last_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.launch("first")
    refresh = collect.refresh

    def meanwhile(*arguments: Any) -> Any:
        with world.registry() as registry:
            registry.add_run(run._replace(run_id="20991231-235959-zzzz"))
        return refresh(*arguments)

    monkeypatch.setattr(collect, "refresh", meanwhile)
    assert [one["run_id"] for one in report(world, "--run", "last")["runs"]] == [run.run_id]


def test_a_report_has_every_number(work: Work) -> None:
    work.review("--approve-all", "--yes")
    found = report(work.world)
    assert found["durations"]["spread"]["median"] == 20.0 and found["durations"]["untimed"] == 0
    assert found["pay"]["by_worker"]["median"] == pytest.approx(9.0)
    assert (found["pay"]["below_line"], found["pay"]["below_floor"]) == (6, 0)
    [field] = found["agreement"]["fields"]
    assert (field["field"], field["answers"], field["units"]) == ("label", 12, 4)
    assert field["disputed"][0]["answers"] == [
        {"value": "cat", "number": 2},
        {"value": "dog", "number": 1},
    ]
    busy = found["workers"][0]
    assert (busy["worker_id"], busy["assignments"], busy["earned"]) == ("AWORKER3", 3, "0.15")
    assert found["approval"]["approved"] == 12 and found["approval"]["waiting"] == 0
    [day] = found["costs"]["days"]
    assert day["so_far"] == found["costs"]["spent"] == "0.72"


def test_assignments_without_moments_are_counted_apart(work: Work) -> None:
    work.world.sql("UPDATE assignments SET accepted_at = NULL WHERE unit_index = 0")
    work.world.sql("UPDATE assignments SET submitted_at = NULL WHERE unit_index = 1")
    found = report(work.world, "--all-runs", "--offline")
    assert (found["durations"]["untimed"], found["pay"]["untimed"]) == (6, 6)
    assert found["durations"]["spread"]["number"] == 6
    assert (found["progress"]["answers"], found["progress"]["undated"]) == (12, 3)


# Money


def sums(documents: list[Any], key: str) -> Decimal:
    return sum((Decimal(one[key]) for one in documents), Decimal(0))


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lots=st.lists(LOTS, min_size=1, max_size=2))
def test_the_sums_are_those_of_print_account_and_of_the_ledger(world: World, lots: list[Lot]) -> None:
    world.crowd.empty()
    for path in world.home.glob("registry.db*"):
        path.unlink()
    for number, lot in enumerate(lots):
        for command in lot.payments(lot.launch(world, f"pilot-{number}")):
            assert world.invoke(*command, "--yes").exit_code == 0
    found, account = report(world), world.json("mturk/print_account")["total"]
    costs = found["costs"]
    assert Decimal(costs["spent"]) == ledger(world)[0]
    for key in ("rewards", "fees", "bonuses", "bonus_fees", "spent", "unreviewed_cost", "to_spend"):
        assert Decimal(costs[key]) == Decimal(account[key]), key
    for key in ("rewards", "fees", "bonuses", "bonus_fees", "spent"):
        assert sums(costs["days"], key) == Decimal(costs[key]), key
    if costs["days"]:
        assert costs["days"][-1]["so_far"] == costs["spent"]
    assert sums(found["workers"], "earned") == Decimal(costs["rewards"]) + Decimal(costs["bonuses"])
    assert sums(found["runs"], "spent") == Decimal(costs["spent"])
    assert sums(found["workers"], "lift") == Decimal(found["pay"]["lift"])


def test_the_topup_file_is_paid_as_it_stands_and_then_nothing_is_due(work: Work, tmp_path: Path) -> None:
    world, path = work.world, tmp_path / "bonuses of it's.csv"
    work.review("--approve-all", "--yes")
    result = world.invoke(SCRIPT, "--all-runs", "--json", "--topup-file", str(path))
    due = json.loads(result.stdout)["pay"]
    rows = read_csv(path)
    assert len(rows) == due["due_workers"] == 6
    assert sums(rows, "amount") == Decimal(due["due"]) == Decimal(due["lift"]) == Decimal("0.22")
    assert all(row["reason"].startswith("A bonus that brings your pay to $12.00 an hour") for row in rows)
    assert f"6 bonuses for ${due['due']}, ${due['due_cost']} with fees" in result.stderr
    plan = world.invoke("mturk/pay_bonuses", str(path), "--dry-run")
    assert plan.exit_code == 0 and f"6 bonuses for ${due['due_cost']} with fees." in plan.stderr
    assert world.invoke("mturk/pay_bonuses", str(path), "--yes").exit_code == 0
    result = world.invoke(SCRIPT, "--all-runs", "--json", "--topup-file", str(path))
    after = json.loads(result.stdout)["pay"]
    assert (after["due"], after["lift"], after["below_line"]) == ("0.00", "0.00", 0)
    assert read_csv(path) == [] and "nobody's approved work is below $12.00 an hour" in result.stderr
    assert world.invoke("mturk/pay_bonuses", str(path), "--yes").exit_code == 0


def test_a_file_that_was_paid_in_part_is_never_paid_twice(work: Work, tmp_path: Path) -> None:
    world, path, again = work.world, tmp_path / "a.csv", tmp_path / "b.csv"
    work.review("--approve-all", "--yes")
    world.invoke(SCRIPT, "--all-runs", "--json", "--topup-file", str(path))
    rows = read_csv(path)
    part = write_csv(tmp_path / "part.csv", rows[:2])
    assert world.invoke("mturk/pay_bonuses", str(part), "--yes").exit_code == 0
    world.invoke(SCRIPT, "--all-runs", "--json", "--topup-file", str(again))
    assert read_csv(again) == rows[2:]
    for file in (again, path):
        assert world.invoke("mturk/pay_bonuses", str(file), "--yes").exit_code == 0
    paid = world.sql("SELECT amount FROM bonuses WHERE state = 'paid'")
    assert sum(Decimal(amount) for (amount,) in paid) == sums(rows, "amount")


def test_an_equal_bonus_for_work_that_came_in_late_is_another_one(work: Work, tmp_path: Path) -> None:
    world, path = work.world, tmp_path / "bonuses.csv"
    work.review("--approve-all", "--yes")
    late = (
        "UPDATE assignments SET status = ?, approved_at = ? WHERE worker_id = 'AWORKER2' AND unit_index = 0"
    )
    world.sql(late, "Submitted", None)
    for status, moment in (("Submitted", None), ("Approved", "2026-01-01T01:00:00.000000Z")):
        world.sql(late, status, moment)
        world.invoke(SCRIPT, "--all-runs", "--json", "--offline", "--topup-file", str(path))
        assert world.invoke("mturk/pay_bonuses", str(path), "--yes").exit_code == 0
    # 20 s at $12 and at $0.05: $0.02 for the first assignment, and as much for the two of them.
    paid = world.sql("SELECT amount, reason FROM bonuses WHERE worker_id = 'AWORKER2'")
    assert sorted(amount for amount, _ in paid) == ["0.02", "0.02"]
    assert report(world, "--all-runs", "--offline")["pay"]["due"] == "0.00"


def test_only_approved_work_is_in_the_topup_file(work: Work, tmp_path: Path) -> None:
    decisions = [{"n": "0", "decision": "approve"}, {"n": "1", "decision": "reject", "feedback": "Empty"}]
    work.review("--apply", str(work.decisions(*decisions)), "--yes")
    path = tmp_path / "bonuses.csv"
    result = work.world.invoke(SCRIPT, "--all-runs", "--json", "--topup-file", str(path))
    [row] = read_csv(path)
    assert (row["assignment_id"], row["amount"]) == (work.assignments[0], "0.02")
    assert "1 bonus for $0.02" in result.stderr
    assert "10 assignments are not reviewed, and not in it." in result.stderr
    found = json.loads(result.stdout)
    assert found["approval"]["reasons"] == [{"feedback": "Empty", "rejections": 1, "workers": 1}]
    assert Decimal(found["pay"]["lift"]) > Decimal(found["pay"]["due"]) == Decimal("0.02")
    assert found["pay"]["with_rejected"]["least"] < found["pay"]["by_worker"]["least"]


def test_a_bonus_that_may_have_been_sent_counts_as_sent(work: Work, tmp_path: Path) -> None:
    work.review("--approve-all", "--yes")
    path = tmp_path / "bonuses.csv"
    work.world.invoke("mturk/pay_bonuses", str(work.bonuses({"n": "0", "amount": "1.00"})), "--yes")
    work.world.sql("UPDATE bonuses SET state = 'sending', settled_at = NULL")
    work.world.sql("UPDATE assignments SET bonus = NULL")
    work.world.invoke(SCRIPT, "--all-runs", "--json", "--offline", "--topup-file", str(path))
    assert work.worker(0) not in {row["worker_id"] for row in read_csv(path)}
    assert len(read_csv(path)) == 5


def test_runs_at_several_endpoints_have_no_common_topup_file(work: Work, tmp_path: Path) -> None:
    other = work.world.launch("pilot-2")
    work.world.put_elsewhere(other, "http://127.0.0.1:9")
    path = tmp_path / "bonuses.csv"
    result = work.world.invoke(SCRIPT, "--all-runs", "--offline", "--topup-file", str(path))
    assert result.exit_code == 2 and "http://127.0.0.1:9 (local)" in result.stderr
    assert not path.exists()


@pytest.mark.parametrize(
    ("topup_file", "page", "said"),
    [
        ("-", "a.html", "--topup-file needs a file: stdout has the report."),
        ("a.csv", "./a.csv", "cannot be the report and the bonus file as well."),
    ],
)
def test_a_bonus_file_needs_a_place_of_its_own(
    topup_file: str, page: str, said: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = world.invoke(SCRIPT, "--all-runs", "--offline", "--topup-file", topup_file, "-o", page)
    assert (result.exit_code, result.stdout) == (2, "") and said in result.stderr
    assert list(tmp_path.glob("*.*")) == [] and not Path("-").exists()


# Gold answers and fields


def test_gold_answers_are_those_of_review(work: Work, tmp_path: Path) -> None:
    gold = write_csv(tmp_path / "gold.csv", [{"input.text": "message 0", "answer.label": "cat"}])
    found = report(work.world, "--all-runs", "--gold", str(gold))
    judged = {row["worker_id"]: (row["gold_right"], row["gold_answered"]) for row in found["workers"]}
    assert judged == {
        **{f"AWORKER{number}": (0, 0) for number in (4, 5, 6)},
        "AWORKER1": (1, 1),
        "AWORKER2": (0, 1),
        "AWORKER3": (1, 1),
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--field", "labl"), "no assignment of these runs has a field 'labl'. Did you mean label?"),
        (("--hourly-pay", "twelve"), "--hourly-pay: 'twelve' is not an amount of dollars"),
        (("--gold", "GOLD"), "no assignment of these runs has a field 'lable'. Did you mean label?"),
        (("--anonymous", "--topup-file", "x.csv"), "--topup-file means nothing with --anonymous"),
    ],
)
def test_what_matches_nothing_is_refused(
    arguments: tuple[str, ...], said: str, work: Work, tmp_path: Path
) -> None:
    gold = write_csv(tmp_path / "gold.csv", [{"input.text": "message 0", "answer.lable": "cat"}])
    words = [str(gold) if word == "GOLD" else word for word in arguments]
    result = work.world.invoke(SCRIPT, "--all-runs", "--offline", *words)
    assert (result.exit_code, result.stdout) == (2, "") and said in result.stderr


@pytest.mark.parametrize("name", ["label", "answer.label"])
def test_a_field_is_named_as_in_review(name: str, work: Work) -> None:
    found = report(work.world, "--all-runs", "--offline", "--field", name)
    assert [field["field"] for field in found["agreement"]["fields"]] == ["label"]


# Aliases


def test_no_id_of_a_worker_is_left_in_an_anonymous_report(work: Work, tmp_path: Path) -> None:
    world = work.world
    work.review(
        "--apply",
        str(work.decisions({"n": "1", "decision": "reject", "feedback": "AWORKER2, why?"})),
        "--yes",
    )
    answer = json.dumps({"label": "I am aworker3!", "AWORKER1": "x"})
    world.sql("UPDATE assignments SET answer = ? WHERE unit_index = 0", answer)
    world.sql("UPDATE units SET input = ? WHERE unit_index = 1", json.dumps({"asked": "AWORKER4"}))
    world.sql("UPDATE task_runs SET reason = 'AWORKER5 was alone'")
    path = tmp_path / "report.json"
    for output in (["-o", str(path)], []):
        result = world.invoke(SCRIPT, "--all-runs", "--json", "--anonymous", *output)
        assert result.exit_code == 0, result.stderr
    text = path.read_text()
    assert "AWORKER" in world.invoke(SCRIPT, "--all-runs", "--json").stdout
    assert "aworker" not in (text + result.stdout + result.stderr).lower()
    found, again = json.loads(text), json.loads(result.stdout)
    assert found["anonymous"] is True and found["approval"]["reasons"][0]["feedback"].endswith(", why?")
    names = [row["worker_id"] for row in found["workers"]]
    assert names == [row["worker_id"] for row in again["workers"]] and len(set(names)) == 6
    assert f"I am {names[0]}!" in text


# Where the endpoint is silent


def test_a_report_is_made_without_the_endpoint_and_says_so(work: Work) -> None:
    world = work.world
    world.put_elsewhere(work.run, "http://127.0.0.1:9")
    result = world.invoke(SCRIPT, "--run", work.run.run_id, "--json", "--timeout", "1")
    assert result.exit_code == 1 and "could not be looked at" in result.stderr
    assert json.loads(result.stdout)["progress"]["answers"] == 12
    result = world.invoke(SCRIPT, "--run", work.run.run_id, "--json", "--offline")
    assert (result.exit_code, result.stderr) == (0, "")


def test_offline_calls_nobody(work: Work) -> None:
    _, calls = work.world.calls_of(SCRIPT, "--all-runs", "--offline")
    assert calls == {}


def test_a_registry_without_runs_makes_an_empty_report(world: World) -> None:
    found = report(world, "--all-runs", "--offline")
    assert found["verdict"] == "There are no runs." and found["workers"] == []


# The page


def test_the_page_lies_in_the_runs_folder_and_is_for_nobody_else(world: World) -> None:
    work = Work(world, units=2)
    result = world.invoke(SCRIPT, "--run", work.run.run_id)
    assert result.exit_code == 0, result.stderr
    path = Path(result.stdout.strip())
    assert path == world.home / "runs" / work.run.run_id / "report.html"
    assert path.stat().st_mode & 0o777 == 0o600
    page = path.read_text()
    assert page.startswith("<!DOCTYPE html>") and f"make review RUN={work.run.run_id}" in page


def test_a_page_of_several_runs_and_an_anonymous_one_have_names_of_their_own(world: World) -> None:
    first, _ = Work(world, units=1), Work(world, units=1)
    reports = world.home / "reports"
    for selectors, wanted in (
        (("--task-name", "pilot-1"), reports / "pilot-1.html"),
        (("--all-runs", "--anonymous"), reports / "pilot-1.anonymous.html"),
        (
            ("--run", first.run.run_id, "--anonymous"),
            world.home / "runs" / first.run.run_id / "report.anonymous.html",
        ),
    ):
        result = world.invoke(SCRIPT, *selectors, "--offline")
        assert result.stdout == f"{wanted}\n" and wanted.exists()
        assert ("with aliases for workers" in wanted.read_text()) is ("--anonymous" in selectors)


def test_page_and_numbers_go_where_they_are_asked_to(world: World, tmp_path: Path) -> None:
    work, _ = Work(world, units=1), Work(world, units=1)
    common = ("--run", work.run.run_id, "--offline")
    to_stdout = world.invoke(SCRIPT, *common, "-o", "-")
    assert to_stdout.stdout.startswith("<!DOCTYPE html>") and to_stdout.stdout.rstrip().endswith("</html>")
    page = tmp_path / "elsewhere.html"
    assert world.invoke(SCRIPT, *common, "-o", str(page)).stdout == f"{page}\n"
    assert page.read_text().startswith("<!DOCTYPE html>")
    numbers = tmp_path / "numbers.json"
    assert world.invoke(SCRIPT, *common, "--json", "-o", str(numbers)).stdout == ""
    assert json.loads(numbers.read_text())["title"] == "pilot-1"
    refused = world.invoke(SCRIPT, *common, "-o", str(tmp_path / "no" / "such.html"))
    assert refused.exit_code == 2 and "cannot be written" in refused.stderr
    (world.home / "reports").write_text("in the way")
    refused = world.invoke(SCRIPT, "--task-name", "pilot-*", "--offline")
    assert refused.exit_code == 2 and "Name a file: -o report.html" in refused.stderr
