"""Notification settings of HIT types: checked and kept. Nothing is ever sent by them."""

import json
from typing import Any

from sqlalchemy import bindparam, update

from crowdserver.operations import hit_types
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.schema import notifications
from crowdserver.storage.upsert import Upsert

# The one that the service model names, and the one that clients send.
_VERSIONS = frozenset({"2006-05-05", "2014-08-15"})
_DESTINATIONS = {"Email": ("@", "an email address"), "SQS": ("://", "the URL of a queue")}
_TOPIC = ("arn:", "the ARN of a topic")

_SET = Upsert(notifications, replace=["specification", "active"])
_SWITCH = (
    update(notifications)
    .where(notifications.c.hit_type_id == bindparam("type"))
    .values(active=bindparam("is_active"))
)


def change(call: Call) -> dict[str, Any]:
    """Answer UpdateNotificationSettings: replaces what is kept for a HIT type, or switches it. Repeatable."""
    hit_type = hit_types.find(call.tx, call.input["HITTypeId"])
    specification, active = call.input.get("Notification"), call.input.get("Active")
    if specification is not None:
        _check(specification, is_test=False)
        text = json.dumps(specification)
        is_active = active is not False
        _SET.execute(call.tx, {"hit_type_id": hit_type.id, "specification": text, "active": is_active})
    elif active is None:
        raise errors.parameter("Give a Notification, or Active, or both.")
    elif call.tx.execute(_SWITCH, {"type": hit_type.id, "is_active": active}).rowcount == 0:
        raise errors.parameter(f"HITType {hit_type.id} has no Notification yet: give one, too.")
    return {}


def send_test(call: Call) -> dict[str, Any]:
    """Answer SendTestEventNotification: checks what would be sent where, and sends nothing."""
    _check(call.input["Notification"], is_test=True)
    return {}


def _check(specification: dict[str, Any], is_test: bool) -> None:
    if specification["Version"] not in _VERSIONS:
        raise errors.not_valid_for("Version", specification["Version"])
    event_types = specification["EventTypes"]
    if not event_types:
        raise errors.parameter("A Notification needs one of the EventTypes at least.")
    if "Ping" in event_types and not is_test:
        raise errors.not_valid_for("EventTypes", "Ping")
    part, what = _DESTINATIONS.get(specification["Transport"], _TOPIC)
    if part not in specification["Destination"]:
        raise errors.parameter(
            f'The Destination "{specification["Destination"]}" is not {what}, which the Transport'
            f" {specification['Transport']} needs."
        )
