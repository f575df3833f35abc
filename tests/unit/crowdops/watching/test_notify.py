"""Telling people: when, what, and what stays a secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from crowdops.config import channels, settings
from crowdops.config.channels import Channels
from crowdops.config.settings import Selection, Settings
from crowdops.errors import UsageError
from crowdops.watching import notify
from crowdops.watching.findings import Finding, Level
from tests.support.ping_servers import WebhookServer
from tests.support.processes import wait_until
from tests.support.reports import finding, report

SECRET = "token-of-the-hook"
CRASHED, OTHER = finding(Level.CRITICAL), finding(Level.CRITICAL, run_id="20261122-114503-ab2c")
LATE = finding(Level.WARNING, "expiring")
HOUR = timedelta(hours=1)


@pytest.fixture
def hook() -> Iterator[WebhookServer]:
    """A receiver of webhooks."""
    with WebhookServer() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """The settings of an empty home."""
    (tmp_path / "home").mkdir()
    return settings.resolve({}, quiet=False, verbose=False, as_json=False)


def tell(
    home: Settings, hook: WebhookServer, *findings: Finding, at: float = 0, **options: timedelta
) -> list[str]:
    """Tell the receiver of a check, so many hours after the first."""
    url = hook.notify_url(SECRET)
    made = report(*findings, after=at * HOUR)
    channels = Channels(notify_urls=[url], **options)  # type: ignore[arg-type]
    return notify.tell(home, channels, Selection(), made)


def kinds(hook: WebhookServer) -> list[str]:
    """What the receiver was told, in order."""
    return [document["type"] for document in hook.documents]


def test_it_is_told_when_the_state_changes(home: Settings, hook: WebhookServer) -> None:
    for number, findings in enumerate([(), (), (LATE,), (LATE,), (CRASHED,), (CRASHED, LATE), (), ()]):
        assert tell(home, hook, *findings, at=number) == []
    assert kinds(hook) == ["warning", "failure", "success"]


def test_what_is_told_is_a_document_of_five_fields(home: Settings, hook: WebhookServer) -> None:
    tell(home, hook, CRASHED, LATE)
    (document,) = hook.documents
    assert set(document) == {"version", "title", "message", "attachments", "type"}
    assert document["version"] == "1.0" and document["attachments"] == []
    assert document["title"].startswith("CROWDOPS CRITICAL on ")
    line, *findings = document["message"].splitlines()
    assert line.startswith("CROWDOPS CRITICAL: ") and "|" not in line
    assert findings == [
        "CRITICAL: Run pilot-1 has crashed with 20 HITs out. Next: make recover",
        "WARNING: Run pilot-1 has crashed with 20 HITs out. Next: make recover",
    ]


def test_more_that_is_critical_is_told_too(home: Settings, hook: WebhookServer) -> None:
    for findings in [(CRASHED,), (CRASHED, OTHER), (CRASHED, OTHER), (OTHER,), (OTHER, CRASHED)]:
        tell(home, hook, *findings)
    assert kinds(hook) == ["failure"] * 3


def test_it_is_told_again_after_so_long_while_it_stays(home: Settings, hook: WebhookServer) -> None:
    for hours in (0, 1, 3.9, 4, 5, 8, 8.5):
        tell(home, hook, CRASHED, at=hours, remind_after=4 * HOUR)
    assert kinds(hook) == ["failure"] * 3
    tell(home, hook, at=9, remind_after=4 * HOUR)
    tell(home, hook, at=99, remind_after=4 * HOUR)
    assert kinds(hook)[3:] == ["success"]


def test_a_clock_that_was_set_back_silences_no_reminder(home: Settings, hook: WebhookServer) -> None:
    for hours in (1000, 0, 1):
        tell(home, hook, CRASHED, at=hours, remind_after=4 * HOUR)
    assert len(hook.documents) == 2


@pytest.mark.parametrize("behaviour", ["fail", "break", "redirect"])
def test_whom_it_did_not_reach_it_tells_at_the_next_check(
    home: Settings, hook: WebhookServer, behaviour: str
) -> None:
    hook.behaviour = behaviour
    (trouble,) = tell(home, hook, CRASHED)
    assert trouble.startswith("Number 1 of --notify (json://) was not told: ") and SECRET not in trouble
    assert not [request for request in hook.requests if request.path == "/other"]
    hook.behaviour = "answer"
    assert tell(home, hook, CRASHED) == [] and tell(home, hook, CRASHED) == []
    assert kinds(hook) == ["failure"]


def test_one_that_hangs_is_left_alone_and_the_others_are_told(
    home: Settings, hook: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "SECONDS", 2.0)
    with WebhookServer() as hanging:
        hanging.behaviour = "drip"
        urls = [hanging.notify_url(SECRET), hook.notify_url()]
        troubles = notify.tell(home, Channels(notify_urls=urls), Selection(), report(CRASHED))
    assert troubles == ["Number 1 of --notify (json://) was not told: no answer within 2 s."]
    assert kinds(hook) == ["failure"]


def test_two_checks_of_different_runs_may_tell_the_same(home: Settings, hook: WebhookServer) -> None:
    urls = Channels(notify_urls=[hook.notify_url()])
    for _ in range(2):
        notify.tell(home, urls, Selection(task_names=("pilot-*",)), report(CRASHED))
        notify.tell(home, urls, Selection(task_names=("main-*",)), report())
    assert kinds(hook) == ["failure"]


def test_no_secret_is_kept_and_nobody_else_can_read_who_was_told(home: Settings, hook: WebhookServer) -> None:
    tell(home, hook, CRASHED)
    (path,) = home.home.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert SECRET not in path.read_text() and "127.0.0.1" not in path.read_text()
    assert json.loads(path.read_text())["told"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"told": 1}', '{"told": {"x": ["BAD", [], "x"]}}', '{"told": {"x": [1]}}']
)
def test_without_a_file_of_use_it_is_told_anew(home: Settings, hook: WebhookServer, text: str) -> None:
    tell(home, hook, CRASHED)
    (path,) = home.home.iterdir()
    path.write_text(text)
    assert tell(home, hook, CRASHED) == [] and tell(home, hook, CRASHED) == []
    assert kinds(hook) == ["failure"] * 2


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path, home: Settings, hook: WebhookServer) -> None:
    gone = home._replace(home=tmp_path / "gone")
    assert tell(gone, hook, CRASHED) == []
    assert not gone.home.exists() and kinds(hook) == ["failure"]


def test_who_was_told_is_forgotten_before_the_file_grows(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify.messenger, "send", lambda urls, message, seconds: [""] * len(urls))
    urls = [f"json://127.0.0.1/{number}" for number in range(notify.MOST_TOLD + 20)]
    notify.tell(home, Channels(notify_urls=urls), Selection(), report(CRASHED))
    (path,) = home.home.iterdir()
    assert len(json.loads(path.read_text())["told"]) == notify.MOST_TOLD


def test_a_message_of_many_findings_is_one_that_services_take(home: Settings, hook: WebhookServer) -> None:
    many = [
        finding(Level.CRITICAL, run_id=str(number))._replace(text="x\x1b[2J" * 60) for number in range(50)
    ]
    tell(home, hook, *many)
    message = hook.documents[0]["message"]
    assert len(message) <= notify.MOST_LETTERS and "\x1b" not in message


def test_no_thread_and_no_file_stays_behind(
    home: Settings, hook: WebhookServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.chdir(user)
    tell(home, hook, CRASHED)
    before = threading.active_count()
    for number in range(4):
        tell(home, hook, *((CRASHED,) if number % 2 else ()))
    assert len(hook.documents) == 5
    # A thread of the service here may still be closing its last connection.
    wait_until(lambda: threading.active_count() <= before)
    assert not list(user.iterdir()) and len(list(home.home.iterdir())) == 1


def test_a_url_of_no_service_is_refused_when_it_is_new(home: Settings, hook: WebhookServer) -> None:
    wrong = Channels(notify_urls=[hook.notify_url(), f"slak://{SECRET}"])
    with pytest.raises(UsageError, match=r"Number 2 of --notify \(slak://\) is of no service") as refused:
        notify.check(home, wrong, Selection())
    assert SECRET not in str(refused.value)
    notify.check(home, Channels(notify_urls=[hook.notify_url()]), Selection())
    assert hook.requests == []


def test_urls_are_those_of_the_options_or_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROWDOPS_NOTIFY_URLS", " mailtos://a:b@c  json://d \n json://d ")
    assert channels.notify_urls(()) == ["mailtos://a:b@c", "json://d"]
    assert channels.notify_urls(("json://e", "json://e")) == ["json://e"]
    assert channels.notify_urls(("",)) == []
    with pytest.raises(UsageError, match="Number 2 of --notify is no URL") as refused:
        channels.notify_urls(("json://e", SECRET))
    assert SECRET not in str(refused.value)


def test_a_file_of_secrets_that_others_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text(
        f"CROWDOPS_NOTIFY_URLS=json://127.0.0.1/{SECRET}\nCROWDOPS_PING_URL=https://x.example/{SECRET}\n"
    )
    path.chmod(0o644)
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(path))
    for read in (lambda: channels.notify_urls(()), lambda: channels.ping_url(None)):
        with pytest.raises(UsageError, match="others can read it: chmod 600") as refused:
            read()
        assert SECRET not in str(refused.value)
    path.chmod(0o600)
    assert channels.notify_urls(()) == [f"json://127.0.0.1/{SECRET}"]
