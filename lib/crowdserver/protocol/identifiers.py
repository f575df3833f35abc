"""Identifiers in the form that the MTurk API gives them."""

import base64
import re
import secrets
import string

_FORM = re.compile("[A-Z0-9]{1,64}")


def new_id() -> str:
    """Return an id that nobody can guess, of a HIT, type or assignment: `3` and 29 capitals or digits."""
    return "3" + base64.b32encode(secrets.token_bytes(20)).decode()[:29]


def random_letters(number: int) -> str:
    """Return so many capitals or digits."""
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(number))


def is_id(text: str) -> bool:
    """Return whether a text from an address or a form can be an id at all.

    Anything else, such as a NUL character, a database may refuse with an error of its own.
    """
    return _FORM.fullmatch(text) is not None
