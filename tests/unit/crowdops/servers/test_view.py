"""How servers, credentials and capacity are shown: the keys and headings that people and programs know."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crowdops.console import columns
from crowdops.registry import Server
from crowdops.servers import view
from crowdops.servers.capacity import Step
from crowdops.servers.heroku import view as heroku_view
from crowdops.servers.heroku.account import Credentials
from crowdops.servers.status import ServerStatus

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAME, URL = "crowdops-pilot-1-0123abcd", "https://pilot.example.org"


def status(*, orphan: bool, marked: bool) -> ServerStatus:
    detail = {"task_name": "pilot-1"}
    server = Server("heroku-1", "20261122-114502-k3f9", "heroku", NAME, "up", URL, detail, NOW, None)
    return ServerStatus(server, True, True, 2, "up", True, orphan, Decimal("0.0312"), marked, "a note")


def test_a_status_has_a_fact_a_key() -> None:
    assert list(columns.document(view.STATUS, status(orphan=True, marked=True)).items()) == [
        ("name", NAME),
        ("kind", "heroku"),
        ("run_id", "20261122-114502-k3f9"),
        ("crowd", False),
        ("task_name", "pilot-1"),
        ("url", URL),
        ("exists", True),
        ("scaled", 2),
        ("dyno_state", "up"),
        ("answers", True),
        ("leftover", True),
        ("created_at", NOW),
        ("cost_so_far", Decimal("0.0312")),
        ("marked", True),
        ("note", "a note"),
    ]


@pytest.mark.parametrize(
    "orphan,marked,cell", [(True, True, "yes"), (False, True, "no"), (False, False, "unmarked")]
)
def test_a_table_of_statuses_tells_the_unmarked_from_the_others(
    orphan: bool, marked: bool, cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    columns.table(view.STATUS, [status(orphan=orphan, marked=marked)])
    headings, _, row = capsys.readouterr().out.splitlines()
    assert " ".join(headings.split()) == (
        "server run task_name exists scaled state answers leftover created cost url"
    )
    assert " ".join(row.split()) == (
        f"{NAME} 20261122-114502-k3f9 pilot-1 yes 2 up yes {cell} 2026-11-22T12:00:00Z $0.0312 {URL}"
    )


def test_steps_are_shown_to_a_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    shown = view.step_columns(500)
    step = Step(4, 95, 0, 19.04, 190.06, 700.0)
    columns.table(shown, [step])
    assert capsys.readouterr().out.splitlines()[2].split() == ["4", "95", "0", "19.0", "190.1", "700.0"]
    assert columns.document(shown, step) == {
        "workers": 4,
        "pages": 95,
        "errors": 0,
        "pages_per_second": 19.0,
        "median_ms": 190.1,
        "percentile_95_ms": 700.0,
        "keeps_up": False,
    }


@pytest.mark.parametrize(
    "sees_config,words", [(True, "yes"), (False, "no: make one"), (None, "not known, there is no app")]
)
def test_credentials_are_told_one_fact_a_line(sees_config: bool | None, words: str) -> None:
    credentials = Credentials("me@example.org", True, 4400, 2, 98, 1, sees_config)
    lines = heroku_view.describe(credentials).splitlines()
    assert lines[:2] == ["Account:             me@example.org", "May create apps:     yes"]
    assert lines[2].startswith(f"May see config vars: {words}")
    assert lines[3:] == [
        "Apps:                2 of its own, 98 more of 100",
        "With our prefix:     1",
        "API calls left:      4400",
    ]
    document = columns.document(heroku_view.CREDENTIALS, credentials)
    assert document == {**credentials._asdict(), "can_launch": sees_config is not False}
