"""What can go wrong, as exceptions. Each says what happened, to what, and what to type next.

The message is for the person at the terminal; `exit_code` is what the script ends with
(docs/scripts.md, "Exit codes").
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Error(Exception):
    """A failure that the user is told about in one line, without a traceback."""

    exit_code = 1


class UsageError(Error):
    """The command, a setting or an input file is wrong. Nothing was created."""

    exit_code = 2


class RegistryError(Error):
    """The registry file cannot be used: not a database, too new, read-only, disk full."""


class RegistryAway(RegistryError):
    """The registry file cannot be used now, and may be again: disk full, read-only, moved away, locked.

    `what` is its state, without what helps.
    """

    def __init__(self, what: str, help: str) -> None:
        super().__init__(f"{what} {help}")
        self.what = what


class RegistryMoved(RegistryAway):
    """Another file, or none, is where the registry was opened."""


class RegistryLocked(RegistryAway):
    """Another process holds the registry's lock."""


class OutputLost(Error):
    """What a command had to say could not be written. What it did by then stands."""


class ProviderError(Error):
    """The other side answered, and refused."""


class Unreadable(ProviderError):
    """The other side answered with what cannot be read."""


class Unreachable(ProviderError):
    """The other side did not answer in time, or not at all. The outcome of the call is unknown."""


class NotSent(Unreachable):
    """Nobody took the call: it certainly has no outcome."""


class OtherServer(NotSent):
    """Another server answers at the address of the one that a call is for, and has done nothing."""


class CredentialsRefused(ProviderError):
    """No key, or a key that the other side does not accept."""

    exit_code = 2


class NotFound(ProviderError):
    """The object does not exist there (any more)."""


class AlreadyExists(ProviderError):
    """Another object has the name."""


class WrongState(ProviderError):
    """The object exists, and its state no longer calls for what was asked."""


class InsufficientFunds(ProviderError):
    """The account cannot cover the call."""


class BudgetReached(Error):
    """A run's max_cost does not cover what was to be done."""


class DuplicateToken(ProviderError):
    """The token was used before: the thing probably exists already. Settle it by reading.

    `hit_ids` are the ids that stand in the answer's text, possibly none.
    """

    def __init__(self, message: str, hit_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.hit_ids = tuple(hit_ids)


class AccessDenied(ProviderError):
    """The object exists, and this key may not see or change it."""


class NameTaken(ProviderError):
    """Somebody, anywhere, has an app of this name: try another."""


class AppLimitReached(ProviderError):
    """The account may not have more apps: delete some first."""


class BuildFailed(ProviderError):
    """The source was refused or did not build."""


class ServerFailed(ProviderError):
    """A task server did not come up, or went down for good."""


@contextmanager
def files_explained(what: str | Path) -> Iterator[None]:
    """Turn what the machine refuses while files are read and written into a UsageError.

    `what` is what it says of it: a path, or words such as "The app in DIR cannot be copied".
    """
    try:
        yield
    except shutil.Error as error:  # of a whole folder: a list of (from, to, why)
        raise UsageError(f"{what}: {error.args[0][0][2]}.") from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename and str(error.filename) not in str(what) else ""
        raise UsageError(f"{what}: {place}{error.strerror}.") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' with the nearest known word, or nothing. Case is no difference."""
    words = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(word.casefold(), words, n=1, cutoff=0.5)
    return f" Did you mean {words[close[0]]}?" if close else ""
