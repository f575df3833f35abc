"""Messages to workers: each text reaches a worker at most once, whatever happens in between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from crowdops.bulk import Tally
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import NotSent, ProviderError, Unreachable, UsageError
from crowdops.providers.mturk.workers import MESSAGE_LENGTH, MOST_RECIPIENTS, SUBJECT_LENGTH

PRESS_NOTE = "Stopping: the messages under way are finished."


DOUBTFUL = "an earlier attempt broke off, and it may have arrived: it is not sent again"


class Message(NamedTuple):
    """A text and its subject."""

    subject: str
    text: str

    @property
    def digest(self) -> str:
        """What two messages of the same text share, whatever their subjects."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Plan(NamedTuple):
    """Who is to get a message, who has it, and who may have it."""

    recipients: list[str]
    told: list[str]
    doubtful: list[str]


def read(path: Path, subject: str) -> Message:
    """Return the message of a text file. UsageError if it is too long or empty."""
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    for name, value, most in (("subject", subject.strip(), SUBJECT_LENGTH), ("text", text, MESSAGE_LENGTH)):
        if not 0 < len(value) <= most:
            raise UsageError(f"The {name} has {len(value)} characters; it must have 1 to {most}.")
    return Message(subject.strip(), text)


def plan(context: Context, message: Message, worker_ids: Sequence[str]) -> Plan:
    """Return whom to send a message to, each once. No API call."""
    states = context.registry.notice_states(context.settings.endpoint, message.digest)
    found = Plan([], [], [])
    place = {"sent": found.told, "sending": found.doubtful}
    for worker_id in dict.fromkeys(worker_ids):
        place.get(states.get(worker_id, ""), found.recipients).append(worker_id)
    return found


def send(context: Context, message: Message, recipients: Sequence[str], progress: Progress) -> Tally[str]:
    """Send a message in batches, one after another. Those whom it did not reach are among the failed.

    Safe to repeat: who has it, or may have it, is written down before the call.
    """
    tally: Tally[str] = Tally()
    waiting = list(recipients)
    with Interrupts() as presses:
        presses.note = lambda count: PRESS_NOTE
        while waiting and not presses.count:
            batch, waiting = waiting[:MOST_RECIPIENTS], waiting[MOST_RECIPIENTS:]
            failures, silent = _send(context, context.settings.endpoint, message, batch)
            tally.failed += failures.items()
            tally.settled += [worker_id for worker_id in batch if worker_id not in failures]
            progress.update(len(recipients) - len(waiting))
            if silent:
                break
        tally.interrupted = presses.count > 0 and bool(waiting)
    progress.close()
    tally.add_untried(waiting)
    return tally


def tell(context: Context, message: Message, worker_id: str) -> list[str]:
    """Send a message to one worker who has not got it. Returns a line if it did not arrive."""
    failures, _ = _send(context, context.settings.endpoint, message, [worker_id])
    return [f"{worker_id} could not be told: {why}" for why in failures.values()]


def _send(
    context: Context, endpoint: str, message: Message, batch: Sequence[str]
) -> tuple[dict[str, str], bool]:
    """Send one batch. Returns why it did not reach some, and whether the endpoint is silent."""
    context.registry.intend_notices(endpoint, message.digest, batch)
    try:
        failures = context.provider.notify(message.subject, message.text, batch)
    except NotSent as error:
        failures = dict.fromkeys(batch, str(error))
    except Unreachable as error:  # nobody knows: the rows stay 'sending'
        return dict.fromkeys(batch, f"{error} It may have arrived, and is not sent again."), True
    except ProviderError as error:
        failures = dict.fromkeys(batch, str(error))
    outcomes = [(worker_id, failures.get(worker_id)) for worker_id in batch]
    context.registry.settle_notices(endpoint, message.digest, outcomes)
    return failures, False


def text_trouble(name: str, text: str, most: int) -> str | None:
    """Return why the API would not take a text for workers, or None."""
    if len(text) > most:
        return f"the {name} has {len(text)} characters; at most {most} are allowed"
    if any(c < " " and c not in "\t\n\r" for c in text):
        return f"the {name} holds control characters"
    return None
