"""The dead man's switch: told that a check begins and how it ended, it notices a check that does not come.

Nothing else notices that cron has died. The form is that of healthchecks: POST to URL/start, then to URL/0
for success or URL/<exit code> for a failure, with the check's line as the body.
https://healthchecks.io/docs/http_api/
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit, urlunsplit

from crowdops.bulk import Errand
from crowdops.config.channels import Channels
from crowdops.errors import Error
from crowdops.providers import pings
from crowdops.watching.findings import Level

START_SECONDS = 1.5
END_SECONDS = 2.5  # for all that is still to be told when the check is over
LEAST_SECONDS = 0.7  # for it, when the check has used up what it had


class Switch:
    """A dead man's switch that is told of one check, beside it. A switch without a URL is told nothing.

    `limit` is how many seconds check and switch may take together; the switch gets a moment in any case.
    """

    def __init__(self, channels: Channels, limit: float) -> None:
        self._url, self._warnings_fail = channels.ping_url, channels.warnings_fail
        self._deadline = time.monotonic() + limit
        self._start = Errand(self._post_start, "start") if self._url else None

    def end(self, level: Level, line: str) -> list[str]:
        """Tell how the check ended. Returns in sentences what of it all the switch did not take."""
        if self._start is None:
            return []
        seconds = max(LEAST_SECONDS, min(END_SECONDS, self._deadline - time.monotonic()))
        outcome = Errand(self._post_end, (level, line)).outcome(seconds)
        if outcome is None:
            return [f"The dead man's switch was not told: no answer within {seconds:.1f} s."]
        return outcome.get()

    def _post_start(self, action: str) -> None:
        pings.post(address(self._url, action), "", START_SECONDS)

    def _post_end(self, ending: tuple[Level, str]) -> list[str]:
        level, line = ending
        code = 0 if level == Level.WARNING and not self._warnings_fail else int(level)
        # In this order: a start that came last would be a check that never ends.
        start = self._start.outcome(START_SECONDS) if self._start else None
        troubles = [f"of the start: {start.error}"] if start and start.error else []
        try:
            pings.post(address(self._url, str(code)), line, END_SECONDS)
        except Error as error:
            troubles.append(f"of the end: {error}")
        return [f"The dead man's switch was not told {trouble}" for trouble in troubles]


def address(url: str, action: str) -> str:
    """Return the URL of an action at a switch: at the end of its path, before any query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{action}", fragment=""))
