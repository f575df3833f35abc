"""Messages to workers: each text reaches a worker at most once, whatever happens in between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from crowdops import bulk
from crowdops.bulk import Action, BulkResult, Outcome
from crowdops.context import Context
from crowdops.errors import NotSent, Unreachable, UsageError
from crowdops.formats import files
from crowdops.providers.mturk.workers import MESSAGE_LENGTH, MOST_RECIPIENTS, SUBJECT_LENGTH

IN_DOUBT = "an earlier attempt broke off, and it may have arrived: it is not sent again"
_Batch = Sequence[str]  # the workers whom one call reaches


class Message(NamedTuple):
    """A text and its subject."""

    subject: str
    text: str

    @property
    def digest(self) -> str:
        """What two messages of the same text share, whatever their subjects."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class MessagePlan(NamedTuple):
    """Who is to get a message, who has it, and who may have it."""

    recipients: list[str]
    told: list[str]
    in_doubt: list[str]

    @property
    def known(self) -> BulkResult[str]:
        """What comes of it without a call: who has it already, and who may have it."""
        in_doubt = [(worker_id, IN_DOUBT) for worker_id in self.in_doubt]
        return BulkResult(already=len(self.told), failed=in_doubt)


def read(path: Path, subject: str) -> Message:
    """Return the message of a text file. UsageError if it is too long or empty."""
    try:
        text = files.read_text(path).strip()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start + 1}). Save the file as UTF-8.") from error
    message = Message(subject.strip(), text)
    for name, value, most in (("subject", message.subject, SUBJECT_LENGTH), ("text", text, MESSAGE_LENGTH)):
        if not 0 < len(value) <= most:
            raise UsageError(f"The {name} has {len(value)} characters; it must have 1 to {most}.")
    return message


def plan(context: Context, message: Message, worker_ids: Sequence[str]) -> MessagePlan:
    """Return whom to send a message to, each once. No API call."""
    states = context.registry.message_states(context.first_endpoint, message.digest)
    message_plan = MessagePlan([], [], [])
    lists = {"sent": message_plan.told, "sending": message_plan.in_doubt}
    for worker_id in dict.fromkeys(worker_ids):
        lists.get(states.get(worker_id, ""), message_plan.recipients).append(worker_id)
    return message_plan


def send(context: Context, message: Message, recipients: Sequence[str]) -> BulkResult[str]:
    """Send a message in batches, one after another. Those whom it did not reach are among the failed.

    Safe to repeat: who has it, or may have it, is written down before the call.
    """
    starts = range(0, len(recipients), MOST_RECIPIENTS)
    batches: list[_Batch] = [recipients[start : start + MOST_RECIPIENTS] for start in starts]
    errors: dict[str, str] = {}
    told: list[str] = []
    with closing(context.progress(len(recipients), "told")) as bar:

        def show(*_: object) -> None:
            bar.update(len(told), f"{len(errors)} failed" if errors else "")

        action = _sending(context, message, errors, told)
        sent = context.carry_out_quietly(action, batches, show, threads=1)
    if not sent.interrupted:
        reached = {*told, *errors}
        errors.update((worker_id, bulk.NOT_TRIED) for worker_id in recipients if worker_id not in reached)
    return BulkResult(told, len(told), failed=list(errors.items()), interrupted=sent.interrupted)


def tell(context: Context, message: Message, worker_id: str) -> str | None:
    """Send a message to one worker who has not got it. Returns why it did not arrive, or None if it did."""
    errors: dict[str, str] = {}
    bulk.carry_out(_sending(context, message, errors, []), [[worker_id]], threads=1)
    return errors.get(worker_id)


def _sending(
    context: Context, message: Message, errors: dict[str, str], told: list[str]
) -> Action[_Batch, dict[str, str]]:
    """Return what sends a message to a batch; workers go to `told`, or to `errors` with the reason."""
    key = (context.first_endpoint, message.digest)

    def call(batch: _Batch) -> dict[str, str]:
        return context.provider.notify(message.subject, message.text, batch)

    def settle(outcome: Outcome[_Batch, dict[str, str]]) -> bool:
        batch, error = outcome.item, outcome.error
        in_doubt = isinstance(error, Unreachable) and not isinstance(error, NotSent)
        why = f"{error} It may have arrived, and is not sent again." if in_doubt else str(error)
        errors.update(dict.fromkeys(batch, why) if error else outcome.get())
        if not in_doubt:  # else the rows stay 'sending'
            context.registry.set_delivered(*key, [(worker_id, errors.get(worker_id)) for worker_id in batch])
        outcome.get()
        told.extend(worker_id for worker_id in batch if worker_id not in errors)
        return False

    return Action(
        call=call,
        settle=settle,
        explain=lambda batch, why: (", ".join(batch), str(why)),
        intend=lambda batch: context.registry.intend_messages(*key, batch),
    )


def text_problem(name: str, text: str, most: int) -> str | None:
    """Return why the API would not take a text for workers, or None."""
    if len(text) > most:
        return f"the {name} has {len(text)} characters; at most {most} are allowed"
    if any(character < " " and character not in "\t\n\r" for character in text):
        return f"the {name} holds control characters"
    return None
