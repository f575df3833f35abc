"""Telling people: when the state of what a check looks at changes, and again while it stays.

Who was told what is kept in one small file in the home, under hashes of the URLs, which are secrets. Without
the file everybody is told anew of what is not well, and nothing else is lost.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from crowdops.config.channels import Channels
from crowdops.config.settings import Selection, Settings
from crowdops.console import output
from crowdops.errors import UsageError
from crowdops.formats import files
from crowdops.providers import messenger
from crowdops.providers.messenger import Message
from crowdops.watching import plugin_output
from crowdops.watching.findings import Finding, Level, Report

FILE = "notified.json"
MOST_TOLD = 100  # channels that are remembered, those that were told last
SECONDS = 10.0  # for all that are told, side by side
MOST_FINDINGS = 10  # in a message
MOST_LETTERS = 1800  # of a message: the least that a common service takes are 2000

KINDS = {
    Level.OK: "success",
    Level.WARNING: "warning",
    Level.CRITICAL: "failure",
    Level.UNKNOWN: "failure",
}


class Told(NamedTuple):
    """What a channel was told last: the state, what was critical by then, and when (ISO 8601)."""

    level: str
    critical: Sequence[str]
    at: str


class Channel(NamedTuple):
    """Somebody to tell. `key` is what it is remembered by, `name` what can be shown of it."""

    url: str
    key: str
    name: str


def check(settings: Settings, channels: Channels, selected: Selection) -> None:
    """UsageError for a URL that is new here and of no service: it would be found out when it matters."""
    told = _read(settings.home) if channels.notify_urls else {}
    for one in _channels(settings, channels.notify_urls, selected):
        if one.key not in told and not messenger.is_usable(one.url):
            raise UsageError(f"{one.name} is of no service that apprise knows, or lacks something.")


def tell(settings: Settings, channels: Channels, selected: Selection, report: Report) -> list[str]:
    """Tell whoever is to be told of a check. Returns in sentences who could not be.

    A channel that was not reached is told by the next check.
    """
    told = _read(settings.home) if channels.notify_urls else {}
    them, now = _channels(settings, channels.notify_urls, selected), _told(report)
    due = [one for one in them if _is_due(told.get(one.key), now, channels.remind_after)]
    reasons = messenger.send([one.url for one in due], _message(report), SECONDS) if due else []
    missed = {
        one.key: f"{one.name} was not told: {why}." for one, why in zip(due, reasons, strict=True) if why
    }
    reached = {one.key for one in due} - missed.keys()
    news = {one.key: _kept(told, one, now, reached) for one in them if one.key not in missed}
    return [*missed.values(), *_write(settings.home, told, news)]


def _kept(told: Mapping[str, Told], channel: Channel, now: Told, reached: set[str]) -> Told:
    """Return what to remember of a channel: one that was not told anything now was told when it was."""
    before = told.get(channel.key)
    return now if before is None or channel.key in reached else now._replace(at=before.at)


def _told(report: Report) -> Told:
    critical = sorted({_name(finding) for finding in report.findings if finding.level == Level.CRITICAL})
    return Told(report.level.name, critical, output.timestamp(report.at) or "")


def _name(finding: Finding) -> str:
    return f"{finding.code} {finding.run_id or ''}".strip()


def _is_due(before: Told | None, now: Told, remind_after: timedelta | None) -> bool:
    """Return whether a channel is told now: of another state, of more that is critical, or once more."""
    if before is None:
        return now.level != Level.OK.name
    if before.level != now.level or not set(now.critical) <= set(before.critical):
        return True
    if now.level == Level.OK.name or remind_after is None:
        return False
    since = datetime.fromisoformat(now.at) - datetime.fromisoformat(before.at)
    return not timedelta(0) <= since < remind_after  # before 0 the clock was set back


def _channels(settings: Settings, urls: Sequence[str], selected: Selection) -> list[Channel]:
    """Return the channels. Two checks of different runs may share a URL, and each has its own state."""
    scope = [settings.environment, sorted(selected.runs), sorted(selected.task_names)]
    channels = []
    for number, url in enumerate(urls, start=1):
        key = hashlib.sha256(json.dumps([url, scope]).encode()).hexdigest()[:32]
        name = f"Number {number} of --notify ({output.clean(url.partition('://')[0])}://)"
        channels.append(Channel(url, key, name))
    return channels


def _message(report: Report) -> Message:
    lines = [plugin_output.first_line(report)]
    for finding in report.findings[:MOST_FINDINGS]:
        next_command = f" Next: {finding.next}" if finding.next else ""
        lines.append(f"{finding.level.name}: {finding.text}{next_command}")
    if len(report.findings) > MOST_FINDINGS:
        lines.append(f"And {len(report.findings) - MOST_FINDINGS} more, which check_runs -v lists.")
    body = output.lines("\n".join(lines))
    if len(body) > MOST_LETTERS:
        body = f"{body[: MOST_LETTERS - 1]}…"
    return Message(f"CROWDOPS {report.level.name} on {socket.gethostname()}", body, KINDS[report.level])


def _read(home: Path) -> dict[str, Told]:
    try:
        document = json.loads((home / FILE).read_text(encoding="utf-8"))
        told = {key: Told(*entry) for key, entry in document["told"].items()}
        for one in told.values():
            Level[one.level], set(one.critical), datetime.fromisoformat(one.at)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
    return told


def _write(home: Path, told: Mapping[str, Told], news: Mapping[str, Told]) -> list[str]:
    """Remember who was told what, unless that is known. Returns in a sentence why it could not be."""
    merged = {**told, **news}
    if all(told.get(key) == one for key, one in merged.items()):
        return []
    newest = sorted(merged.items(), key=lambda entry: entry[1].at)[-MOST_TOLD:]
    data = json.dumps({"told": dict(newest)}, indent=1).encode()
    try:
        files.replace(home / FILE, data)
    except FileNotFoundError:  # without a home there is no run, either
        return []
    except OSError as error:
        return [f"Who was told is not remembered: {home / FILE}: {error.strerror}."]
    return []
