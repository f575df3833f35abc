"""An answer of the API held against the API's own description, which botocore brings and does not apply.

botocore turns numbers into moments and takes everything else as it comes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crowdops.providers import answers

_TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": datetime}


def before_parse(response_dict: dict[str, Any], **_: object) -> None:
    """Raise ValueError for the body of an answer that botocore should not take apart."""
    body = response_dict["body"]
    answers.check_size(body)
    is_json = "json" in response_dict["headers"].get("content-type", "json")
    if response_dict["status_code"] == 300:  # the one that botocore takes for a success
        raise ValueError("it offers a choice")
    if response_dict["status_code"] < 300 and is_json and body.strip() and not body.lstrip().startswith(b"{"):
        raise ValueError("it is no JSON object")


def fit(answer: dict[str, Any], client: Any, method: str, redaction: answers.Redaction) -> dict[str, Any]:
    """Return what botocore made of an answer to a method: what the API has, in its types, without our keys.

    TypeError for another type. Whether what is needed is there is for whoever reads it.
    """
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    members = operation.output_shape.members
    return {
        name: value if name == "ResponseMetadata" else _fit(value, members[name], redaction, name)
        for name, value in answer.items()
    }


def _fit(value: Any, shape: Any, redaction: answers.Redaction, name: str) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        return {member: _fit(item, members[member], redaction, member) for member, item in value.items()}
    if kind == "list" and isinstance(value, list):
        member = shape.member
        return [_fit(item, member, redaction, name) for item in value]
    if (
        kind not in _TYPES
        or not isinstance(value, _TYPES[kind])
        or (isinstance(value, bool) and kind != "boolean")
    ):
        raise TypeError(f"{name} is no {kind}")
    return redaction.text(value) if isinstance(value, str) else value
