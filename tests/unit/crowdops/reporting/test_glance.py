"""What a report says at first sight."""

from decimal import Decimal
from typing import Any

import pytest

from crowdops.registry.tally import Tally
from crowdops.reporting import glance
from crowdops.reporting.agreement import Agreement
from crowdops.reporting.glance import Tile
from tests.support.run_reports import make_report

REPORT = make_report()
ALL_DONE = Tally(20, 0, 0, 0, 0, 60, 60)
FIELD = REPORT.agreement.fields[0]


def said(tile: Tile) -> tuple[str, str, str]:
    return tile.answer, tile.judgement, tile.tone


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"tally": ALL_DONE}, ("Yes", "all work done", "good")),
        ({}, ("Partly", "ended with work undone", "fair")),
        ({"condition": "crashed"}, ("No", "crashed", "poor")),
        ({"condition": "attended", "state": "running"}, ("Not yet", "under way", "plain")),
        ({"state": "failed"}, ("No", "failed", "poor")),
    ],
)
def test_it_says_whether_a_run_finished(changed: dict[str, Any], wanted: tuple[str, str, str]) -> None:
    run = REPORT.runs[0]._replace(**changed)
    assert said(glance.outcome([run], REPORT.approval)) == wanted
    judgement = "ended with work undone" if not changed else wanted[1]
    another = run._replace(tally=ALL_DONE, condition="ended", state="finished")
    several = glance.outcome([run, another], REPORT.approval)
    assert several.judgement in (judgement, f"1 of 2 runs {judgement}")


def test_work_that_was_all_rejected_is_not_well_done() -> None:
    run = REPORT.runs[0]._replace(tally=ALL_DONE)
    rejected = REPORT.approval._replace(approved=0, waiting=0, rejected=60)
    tile = glance.outcome([run], rejected)
    assert said(tile) == ("Yes", "every answer was rejected", "poor")
    assert tile.details[1] == "60 of 60 answers in, 60 rejected"
    assert said(glance.outcome([run], rejected._replace(waiting=1)))[1] == "all work done"


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, ("$18.24", "within $23.24 max_cost", "good")),
        ({"budget": None}, ("$18.24", "no max_cost is set", "plain")),
        ({"budget": Decimal("19.00")}, ("$18.24", "over $19.00 max_cost", "poor")),
    ],
)
def test_it_says_what_it_cost(changed: dict[str, Any], wanted: tuple[str, str, str]) -> None:
    tile = glance.cost(REPORT.costs._replace(**changed))
    assert said(tile) == wanted
    assert sum(part.share for part in tile.meter) <= 1.000001
    assert "$0.96 more if all that is out is approved" in tile.details


@pytest.mark.parametrize(
    ("median", "quartile", "wanted"),
    [
        (15.0, 12.0, ("$15.00/hour", "Yes: above the line", "good")),
        (15.0, 11.0, ("$15.00/hour", "Most: a quarter is below the line", "fair")),
        (11.0, 9.0, ("$11.00/hour", "Not quite: below the line", "fair")),
        (7.0, 5.0, ("$7.00/hour", "No: below the floor", "poor")),
    ],
)
def test_it_says_whether_the_pay_was_decent(
    median: float, quartile: float, wanted: tuple[str, str, str]
) -> None:
    spread = REPORT.pay.by_worker
    assert spread
    spread = spread._replace(median=median, lower_quartile=quartile)
    assert said(glance.pay(REPORT.pay._replace(by_worker=spread))) == wanted
    assert glance.pay(REPORT.pay._replace(by_worker=None)).answer == "Not known"


@pytest.mark.parametrize(
    ("alpha", "wanted"),
    [
        (0.8, ("alpha 0.80", "Yes: agreement is good", "good")),
        (0.7, ("alpha 0.70", "With care: agreement is fair", "fair")),
        (-0.1, ("alpha -0.10", "Doubtful: agreement is poor", "poor")),
        (None, ("All alike", "Yes: everybody gave the same answers", "good")),
    ],
)
def test_it_says_how_far_workers_agree(alpha: float | None, wanted: tuple[str, str, str]) -> None:
    assert said(glance.trust(Agreement([FIELD._replace(alpha=alpha)], 0, 0, 0), [])) == wanted


def test_the_weakest_field_counts_and_free_text_does_not() -> None:
    text = FIELD._replace(field="remark", values=None, alpha=None, percent=0.01)
    short = FIELD._replace(field="short", values=31, alpha=-0.001, percent=0.01)
    weak = FIELD._replace(field="weak", alpha=0.2)
    tile = glance.trust(Agreement([text, short, FIELD, weak], 0, 0, 0), [])
    assert said(tile) == ("alpha 0.20", "Doubtful: weakest field, agreement is poor", "poor")
    assert [detail.split(":")[0] for detail in tile.details] == ["weak", "label"]
    assert "free text" in glance.trust(Agreement([text], 0, 0, 0), []).details[0]


@pytest.mark.parametrize(
    ("right", "wanted"),
    [(19, ("95 % right", "Yes: by gold answers")), (10, ("50 % right", "No: by gold answers"))],
)
def test_gold_answers_say_more_than_agreement(right: int, wanted: tuple[str, str]) -> None:
    worker = REPORT.workers[0]._replace(gold_answered=20, gold_right=right)
    assert said(glance.trust(REPORT.agreement, [worker]))[:2] == wanted


def test_nothing_to_compare_says_so() -> None:
    tile = glance.trust(Agreement([], 0, 0, 0), [])
    assert (tile.answer, tile.tone) == ("Not known", "plain") and "no unit has two answers" in tile.details[0]
