"""The options that say where the outcome of a check goes beside stdout."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from crowdops.config import channels
from crowdops.config.channels import NOTIFY_URLS, PING_URL, Channels
from crowdops.config.settings import Settings
from crowdops.console import cli, combinations

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "--prometheus", metavar="FILE", help="Write metrics to this file, for a textfile collector."
    ),
    click.option(
        "--ping",
        metavar="URL",
        help=f"Call this dead man's switch before and after. It is a secret: better in {PING_URL}.",
    ),
    click.option("--ping-warnings", is_flag=True, help="Tell the switch of a WARNING as of a failure."),
    click.option(
        "--notify",
        metavar="URL",
        multiple=True,
        help="Tell this service of apprise when the state changes. Repeatable. It is a secret: better in"
        f" {NOTIFY_URLS}.",
    ),
    click.option(
        "--remind-after",
        metavar="HOURS",
        type=click.FloatRange(min=0, min_open=True, max=10_000),
        help="Tell it again while all is not well, every so many hours.",
    ),
]


def with_channels(function: Function) -> Any:
    """Add --prometheus, --ping and --notify with what belongs to them; the script gets `channels: Channels`.

    It has its settings by then: this goes below with_settings.
    """

    @functools.wraps(function)
    def wrapper(
        *args: Any,
        prometheus: str | None,
        ping: str | None,
        ping_warnings: bool,
        notify: tuple[str, ...],
        remind_after: float | None,
        settings: Settings,
        **kwargs: Any,
    ) -> Any:
        given = Channels(
            metrics=channels.metrics_file(prometheus, settings.home),
            ping_url=channels.ping_url(ping),
            warnings_fail=ping_warnings,
            notify_urls=channels.notify_urls(notify),
            remind_after=None if remind_after is None else timedelta(hours=remind_after),
        )
        if not given.ping_url:
            combinations.refuse(f"without --ping or {PING_URL}", ping_warnings=ping_warnings)
        if not given.notify_urls:
            combinations.refuse(f"without --notify or {NOTIFY_URLS}", remind_after=remind_after)
        return function(*args, settings=settings, channels=given, **kwargs)

    return cli.stack(_OPTIONS, wrapper)
