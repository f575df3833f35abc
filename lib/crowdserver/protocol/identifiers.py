"""Identifiers in the form that the MTurk API gives them."""

import re
import secrets
import string

_LETTERS = string.ascii_uppercase + string.digits
_FORM = re.compile("[A-Z0-9]{1,64}")


def new_id() -> str:
    """Make an id for a HIT, a HIT type or an assignment: `3` and 29 capitals or digits, impossible to guess."""
    return "3" + "".join(secrets.choice(_LETTERS) for _ in range(29))


def is_id(text: str) -> bool:
    """Whether a text from an address or a form can be an id at all; anything else a database could choke on."""
    return _FORM.fullmatch(text) is not None
