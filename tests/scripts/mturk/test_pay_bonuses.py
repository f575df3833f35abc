"""pay_bonuses: each bonus once, whatever happens; bad rows named; money to the cent."""

from decimal import Decimal

from tests.support.works import Work, document, write_csv
from tests.support.world import World

SCRIPT = "mturk/pay_bonuses"


def paid(work: Work) -> list[tuple[str, str, str]]:
    """What the server's ledger says was paid: worker, amount, reason."""
    return sorted(
        (bonus["WorkerId"], bonus["BonusAmount"], bonus["Reason"])
        for hit_id in work.hits
        for bonus in work.world.client.list_bonus_payments(HITId=hit_id)["BonusPayments"]
    )


def balance(world: World) -> Decimal:
    return Decimal(world.client.get_account_balance()["AvailableBalance"])


def test_bonuses_are_paid_and_stand_in_the_results(work: Work) -> None:
    before = balance(work.world)
    path = work.bonuses(
        {"n": "0", "amount": "0.10"}, {"n": "1", "amount": "$1,5", "reason": "Very well done"}
    )
    result = work.world.invoke(SCRIPT, str(path), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert document(result) == {"selected": 2, "done": 2, "already": 0, "failed": [], "dry_run": False}
    assert paid(work) == [("AWORKER1", "0.10", "Well done"), ("AWORKER2", "1.50", "Very well done")]
    assert before - balance(work.world) == Decimal("1.92")  # 0.10 + 0.02 + 1.50 + 0.30
    with work.world.registry() as registry:
        bonuses = [registry.results_of(each)[0].assignment.bonus for each in work.assignments]
    assert bonuses == [Decimal("0.10"), Decimal("1.50"), None]


def test_a_second_run_is_a_no_op_without_a_call(work: Work) -> None:
    path = work.bonuses({"n": "0"}, {"n": "1"})
    assert work.world.invoke(SCRIPT, str(path), "--yes").exit_code == 0
    result, calls = work.world.calls_of(SCRIPT, str(path), "--yes", "--json")
    assert (result.exit_code, document(result)["done"], document(result)["already"]) == (0, 0, 2)
    assert calls == {}
    assert len(paid(work)) == 2


def test_a_dry_run_shows_the_total_and_only_reads(work: Work) -> None:
    path = work.bonuses({"n": "0", "amount": "0.07"}, {"n": "1", "amount": "0.08"})
    result, calls = work.world.calls_of(SCRIPT, str(path), "--dry-run")
    assert result.exit_code == 0
    assert "2 bonuses for $0.18 with fees." in result.stderr  # 0.014 is a cent, 0.016 are two
    assert calls == {}
    assert paid(work) == []


def test_no_terminal_needs_yes(work: Work) -> None:
    path = work.bonuses({"n": "0"}, {"n": "1"})
    result, calls = work.world.calls_of(SCRIPT, str(path))
    assert (result.exit_code, calls) == (2, {})
    assert "There is no terminal to ask on" in result.stderr


TROUBLES = [
    ({"assignment_id": "3NOSUCH", "worker_id": "AWORKER1"}, "no such assignment has been collected"),
    ({"n": "0", "worker_id": "ASOMEBODYELSE"}, "it is the work of AWORKER1, not of ASOMEBODYELSE"),
    ({"n": "0", "amount": "0"}, "the amount is 0"),
    ({"n": "0", "amount": "0.125"}, "'0.125' has more than two decimals, or separates thousands"),
    ({"n": "0", "amount": "1,250"}, "'1,250' has more than two decimals, or separates thousands"),
    ({"n": "0", "amount": "1.250,00"}, "'1.250,00' separates thousands"),
    ({"n": "0", "amount": ".5"}, "'.5' is not an amount of dollars"),
    ({"n": "0", "amount": "ten"}, "'ten' is not an amount of dollars"),
    ({"n": "0", "amount": ""}, "'' is not an amount of dollars"),
    ({"n": "0", "reason": " "}, "a bonus needs a reason"),
    ({"n": "0", "reason": "x" * 1025}, "the reason has 1025 characters"),
    ({"n": "0", "reason": "bell\a"}, "the reason holds control characters"),
]


def test_bad_rows_are_named_and_the_rest_is_paid(work: Work) -> None:
    path = work.bonuses({"n": "1"}, *(row for row, _ in TROUBLES), {"n": "2"})
    result = work.world.invoke(SCRIPT, str(path), "--yes", "--json")
    found = document(result)
    assert (result.exit_code, found["done"]) == (1, 2)
    for number, (failure, (_, why)) in enumerate(zip(found["failed"], TROUBLES, strict=True), start=2):
        assert failure["error"].startswith(f"row {number}: {why}")
    assert paid(work) == [("AWORKER2", "0.10", "Well done"), ("AWORKER3", "0.10", "Well done")]


def test_a_balance_that_is_too_small_is_named_by_row_and_the_rest_is_paid(work: Work) -> None:
    work.world.set_funds(3 * 6 + 30)  # what is held for the three assignments, and 30 cents
    path = work.bonuses({"n": "0", "amount": "0.50"}, {"n": "1", "amount": "0.20"})
    result = work.world.invoke(SCRIPT, str(path), "--yes")
    assert result.exit_code == 1
    assert "row 1: This Requester has insufficient funds" in result.stderr
    assert paid(work) == [("AWORKER2", "0.20", "Well done")]
    work.world.set_funds(10_000)
    assert work.world.invoke(SCRIPT, str(path), "--yes").exit_code == 0
    assert len(paid(work)) == 2


def test_two_equal_rows_are_not_guessed_at(work: Work) -> None:
    path = work.bonuses({"n": "0"}, {"n": "1"}, {"n": "0"})
    result, calls = work.world.calls_of(SCRIPT, str(path), "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert "row 3 is the same bonus as row 1. If it is meant twice, give it another reason." in result.stderr


def test_a_file_without_its_columns_pays_nothing(work: Work) -> None:
    path = write_csv(work.world.folder / "bonuses.csv", [{"assignment_id": "3A", "amount": "1"}])
    result, calls = work.world.calls_of(SCRIPT, str(path), "--yes")
    assert (result.exit_code, calls) == (2, {})
    assert "has no column worker_id and no column reason" in result.stderr


def test_another_bonus_for_the_same_work_is_pointed_out_and_paid(work: Work) -> None:
    assert work.world.invoke(SCRIPT, str(work.bonuses({"n": "0"}, {"n": "1"})), "--yes").exit_code == 0
    path = work.bonuses({"n": "0", "reason": "And for your patience"}, {"n": "2"})
    result = work.world.invoke(SCRIPT, str(path), "--yes")
    assert result.exit_code == 0
    assert "Their assignments have got 1 other bonus before, $0.10 in all." in result.stderr
    assert len(paid(work)) == 4


def test_a_bonus_over_the_max_cost_is_refused_and_a_smaller_one_is_paid(world: World) -> None:
    work = Work(world, units=2, more='max_cost = "0.50"\n')  # 0.12 are bound by the two assignments
    work.collect()
    path = work.bonuses({"n": "0", "amount": "0.40"}, {"n": "1", "amount": "0.20"})
    result = world.invoke(SCRIPT, str(path), "--yes")
    assert result.exit_code == 1
    assert "row 1: $0.48 more would take the run over its max_cost: $0.12 of $0.50 are bound" in result.stderr
    assert paid(work) == [("AWORKER2", "0.20", "Well done")]


def test_a_lost_registry_pays_nothing_twice(work: Work) -> None:
    path = work.bonuses({"n": "0"}, {"n": "1"})
    copy = (work.world.home / "registry.db").read_bytes()
    assert work.world.invoke(SCRIPT, str(path), "--yes").exit_code == 0
    (work.world.home / "registry.db").write_bytes(copy)
    work.world.crowd.advance(25 * 3600)
    result = work.world.invoke(SCRIPT, str(path), "--yes", "--json")
    assert (result.exit_code, document(result)["already"]) == (0, 2)
    assert len(paid(work)) == 2


def test_trouble_on_the_way_pays_once(work: Work) -> None:
    for kind in ("throttle", "error-before", "error-after", "drop-after"):
        work.world.crowd.control("faults", {"operation": "SendBonus", "kind": kind, "count": 1})
    path = work.bonuses({"n": "0"}, {"n": "1"}, {"n": "2"})
    result = work.world.invoke(SCRIPT, str(path), "--yes")
    assert result.exit_code == 0, result.stderr
    assert len(paid(work)) == 3


def test_decisions_pay_their_bonuses_once(work: Work) -> None:
    rows = [
        {"n": "0", "decision": "approve", "bonus": "0.25"},
        {"n": "1", "decision": "reject", "feedback": "No", "bonus": "0.05"},
        {"n": "2", "decision": "approve", "feedback": "Thanks"},
    ]
    path = work.decisions(*rows)
    for done, already in ((5, 0), (0, 5)):
        result = work.review("--apply", str(path), "--yes", "--json")
        assert (result.exit_code, document(result)["done"], document(result)["already"]) == (0, done, already)
    reason = "A bonus for your work: Sort messages"
    assert paid(work) == [("AWORKER1", "0.25", reason), ("AWORKER2", "0.05", reason)]
    again = work.decisions({"n": "0", "decision": "approve", "bonus": "0.30"}, rows[2])
    result = work.review("--apply", str(again), "--yes")
    assert result.exit_code == 1
    assert "row 1: its review gave it $0.25 already" in result.stderr
    assert len(paid(work)) == 2


def test_a_dry_run_of_decisions_plans_the_bonuses_that_rejections_make_room_for(world: World) -> None:
    """0.18 are bound by three assignments; two rejections give 0.12 back, and the bonus costs 0.24."""
    work = Work(world, units=3, more='max_cost = "0.36"\n')
    work.collect()
    rejections = [{"n": n, "decision": "reject", "feedback": "No"} for n in ("1", "2")]
    path = work.decisions({"n": "0", "decision": "approve", "bonus": "0.20"}, *rejections)
    dry = document(work.review("--apply", str(path), "--dry-run", "--json"))
    result = work.review("--apply", str(path), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert (dry["selected"], dry["failed"]) == (document(result)["done"], []) == (4, [])
    assert len(paid(work)) == 1


def test_rejections_that_are_taken_back_leave_less_for_bonuses(world: World) -> None:
    """After two rejections 0.06 of 0.36 are bound; taking both back makes it 0.18, and 0.24 are too much."""
    work = Work(world, units=3, more='max_cost = "0.36"\n')
    rejections = [{"n": n, "decision": "reject", "feedback": "No"} for n in ("1", "2")]
    work.collect()
    assert work.review("--apply", str(work.decisions(*rejections)), "--yes").exit_code == 0
    back = [{"n": n, "decision": "approve"} for n in ("1", "2")]
    path = work.decisions({"n": "0", "decision": "approve", "bonus": "0.20"}, *back)
    arguments = ("--apply", str(path), "--override-rejection", "--json")
    dry = document(work.review(*arguments, "--dry-run"))
    result = work.review(*arguments, "--yes")
    assert (dry["selected"], document(result)["done"], result.exit_code) == (3, 3, 1)
    assert dry["failed"] == document(result)["failed"]
    assert "$0.24 more would take the run over its max_cost: $0.18 of $0.36" in dry["failed"][0]["error"]
    assert paid(work) == []
