"""The secrets that the settings name, and texts without them: what is logged or journalled holds none."""

from __future__ import annotations

import contextlib
import re
from functools import cached_property

from crowdops.config.settings import variable
from crowdops.config.variables import OUTSIDE, VARIABLES
from crowdops.errors import Error

HIDDEN = "***"
_LEAST = 8  # characters; a shorter one is a word that may stand anywhere
_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s/]+@")
_SIGN_IN = re.compile(r"(/sign-in/)[^\s/?#\"'<>]+")


class Secrets:
    """The secrets of the environment and of .env, as they are at the first text."""

    def cut_from(self, text: str) -> str:
        """Return a text with no secret, no password in an address, and no sign-in link that leads in."""
        for secret in self._values:
            text = text.replace(secret, HIDDEN)
        return _SIGN_IN.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1{HIDDEN}@", text))

    @cached_property
    def _values(self) -> list[str]:
        values = []
        for row in (*VARIABLES, *OUTSIDE):
            if row.kind == "secret":
                with contextlib.suppress(Error):  # a .env that cannot be read holds none that was used
                    secret = variable(row.variable)
                    values += [secret, *secret.split()]  # several may stand in one
        return [value for value in values if len(value) >= _LEAST]
