"""Where the outcome of a check goes beside stdout: metrics, the dead man's switch, people.

None of it fails the check.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from crowdops.config.channels import Channels
from crowdops.config.settings import Selection, Settings
from crowdops.console import plugin
from crowdops.registry import locks
from crowdops.watching import plugin_output
from crowdops.watching.findings import Finding, Level, Report
from crowdops.watching.ping import Switch

COMMAND = "check_runs"
NO_CHECK = "no_check"


@contextmanager
def alone(settings: Settings, channels: Channels, selected: Selection, limit: float) -> Iterator[float]:
    """Be the only check in the home, with channels that are of use; gives the moment when it must be over.

    That is `limit` seconds from now, by the monotonic clock. UsageError if another check goes on for half of
    them, or for a wrong channel.
    """
    deadline = time.monotonic() + limit
    with locks.alone(settings.home, COMMAND, min(locks.PATIENCE_SECONDS, limit / 2)):
        if channels.notify_urls:
            from crowdops.watching import notify

            notify.check(settings, channels, selected)
        yield deadline


@contextmanager
def of_check(
    settings: Settings, channels: Channels, selected: Selection, deadline: float
) -> Iterator[Switch]:
    """Tell the switch that a check begins, which must be over at a moment of the monotonic clock.

    One that ends in an exception is told as UNKNOWN, to everybody, after it was said on stdout. Of any other
    whoever is in here sends the outcome.
    """
    switch = Switch(channels, deadline - time.monotonic())

    def tell(kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Exception):
            why, end = plugin.unknown(error, settings)
            send(settings, channels, selected, _failed(why), switch)
            raise end from error
        return False

    with ExitStack() as at_the_end:
        at_the_end.push(tell)
        yield switch


def _failed(why: str) -> Report:
    """Return the report of a check that could not look at anything."""
    return Report(
        at=datetime.now(UTC),
        seconds=0,
        calls=0,
        is_cached=False,
        findings=[Finding(Level.UNKNOWN, NO_CHECK, why, "")],
        measures=(),
        run_counts={},
        runs=(),
        accounts=(),
        orphaned_servers=None,
        is_whole=False,
    )


def send(
    settings: Settings, channels: Channels, selected: Selection, report: Report, switch: Switch
) -> list[str]:
    """Send the outcome of a check on its ways. Returns in lines what went wrong.

    Of the switch only with --verbose: who watches it learns of it there.
    """
    troubles = _write_metrics(channels, report)
    unheard = switch.end(report.level, plugin_output.lines(report, 0)[0])
    troubles += unheard if settings.verbose else []
    if channels.notify_urls:
        from crowdops.watching import notify

        troubles += notify.tell(settings, channels, selected, report)
    return [trouble.replace("|", "/") for trouble in troubles]


def _write_metrics(channels: Channels, report: Report) -> list[str]:
    # Of a check that saw nothing those of the last one stay: their age tells.
    if channels.metrics is None or [one.code for one in report.findings] == [NO_CHECK]:
        return []
    from crowdops.watching import prometheus

    try:
        prometheus.write(report, channels.metrics)
    except OSError as error:
        return [f"The metrics were not written: {channels.metrics}: {error.strerror}."]
    return []
