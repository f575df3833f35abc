"""The marks of our apps at Heroku: names that Heroku takes, and config vars that say enough."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.providers.heroku.models import App
from crowdops.registry import Server
from crowdops.servers.heroku import marks
from crowdops.servers.heroku.marks import Marks

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINE = "me@example.org"
CONFIG = marks.mark_vars(Marks("20261122-114502-k3f9", "pilot-1", MINE))


def app(**changes: Any) -> App:
    made = App("1-2-3", "crowdops-pilot-1-0123abcd", MINE, None, "http://127.0.0.1:1/", NOW, False)
    return made._replace(**changes)


def row(**changes: Any) -> Server:
    made = Server(
        "heroku-1", None, "heroku", "crowdops-pilot-1-0123abcd", "creating", None, {"team": ""}, NOW, None
    )
    return made._replace(**changes)


@given(st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True))
def test_every_task_name_makes_a_name_that_heroku_takes_and_we_know_again(task_name: str) -> None:
    name = marks.new_name(task_name)
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", name)
    assert marks.is_our_name(name)


def test_two_names_for_one_task_differ() -> None:
    assert marks.new_name("pilot-1") != marks.new_name("pilot-1")


@pytest.mark.parametrize(
    "name", ["crowdops-blog", "my-crowdops-pilot-1-0123abcd", "crowdops-pilot-1-0123ABCD"]
)
def test_other_names_are_not_ours(name: str) -> None:
    assert not marks.is_our_name(name)


@pytest.mark.parametrize(
    "written",
    [
        Marks("20261122-114502-k3f9", "pilot-1", MINE),
        Marks(None, "blog", MINE, own_app=True),
        Marks(None, "crowd", MINE, crowd=True),
    ],
    ids=["run", "own-app", "crowd"],
)
def test_marks_are_read_as_they_were_written(written: Marks) -> None:
    assert marks.read_marks(marks.mark_vars(written)) == written


@pytest.mark.parametrize("missing", ["CROWDOPS_MANAGED", "CROWDOPS_CREATOR"])
def test_half_of_the_marks_are_none(missing: str) -> None:
    assert marks.read_marks({key: value for key, value in CONFIG.items() if key != missing}) is None
    assert marks.read_marks(None) is None


REFUSED: list[Any] = [
    pytest.param(app(name="pilot-1"), CONFIG, "renamed", id="name"),
    pytest.param(app(), {}, "not our marks", id="marks"),
    pytest.param(app(), None, "may not be read", id="unreadable"),
    pytest.param(app(), {**CONFIG, "CROWDOPS_CREATOR": "you@example.org"}, "created by you", id="creator"),
    pytest.param(app(owner="you@example.org"), CONFIG, "belongs to you", id="owner"),
]


@pytest.mark.parametrize("found,config,text", REFUSED)
def test_an_app_that_lacks_a_sign_is_refused_with_the_reason(found: App, config: Any, text: str) -> None:
    assert text in (marks.refusal(found, config, MINE) or "")


def test_an_app_with_all_signs_is_not_refused() -> None:
    assert marks.refusal(app(), CONFIG, MINE) is None
    assert marks.refusal(app(team="lab", owner="lab@herokumanager.com"), CONFIG, MINE) is None


UNINTENDED: list[Any] = [
    pytest.param(app(), {}, None, id="no-row"),
    pytest.param(app(), {"TITLE": "x"}, row(), id="configured"),
    pytest.param(app(name="crowdops-pilot-1-ffffffff"), {}, row(), id="other-name"),
    pytest.param(app(owner="you@example.org"), {}, row(), id="other-owner"),
    pytest.param(app(team="lab"), {}, row(), id="other-team"),
    pytest.param(app(created_at=NOW - timedelta(hours=1)), {}, row(), id="older-than-the-intent"),
    pytest.param(app(name="crowdops-blog"), {}, row(name="crowdops-blog"), id="no-random-tail"),
]


@pytest.mark.parametrize("found,config,intent", UNINTENDED)
def test_only_a_bare_app_that_was_written_down_first_counts_as_cut_off(
    found: App, config: dict[str, str], intent: Server | None
) -> None:
    assert marks.was_intended(app(), {}, row(), MINE)
    assert not marks.was_intended(found, config, intent, MINE)
