"""What runs task servers, one backend a kind: this machine, Heroku, or somebody else by a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from crowdops.config.settings import variable
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.errors import CredentialsRefused, Error, ProviderError
from crowdops.registry import Run, Server
from crowdops.servers.status import ServerStatus, Survey, names_of_living

PLACES = {"local": "this machine", "heroku": "Heroku"}  # where servers of a kind are


class AllServers(NamedTuple):
    """Every server of ours, and what could not be looked at. `remarks` say what was not to be looked at."""

    statuses: list[ServerStatus]
    unseen: list[Unseen]
    remarks: list[str]


class Backend(Protocol):
    """Launches, watches and ends task servers of one kind. A module is one: see backend_of()."""

    def launch(
        self, context: Context, run: Run, token: str, *, keep: bool, should_stop: Callable[[], bool]
    ) -> Server:
        """Serve a run's pages, their links signed with the token, and return once they are there.

        Safe to repeat: a server that is up stays. A new one is written down before it exists. ServerFailed if
        it does not come up, or once `should_stop` says so; nothing is left of it then, unless `keep`. Whoever
        calls this holds the run's lock.
        """

    def is_answering(self, server: Server, timeout: float) -> bool:
        """Return whether a server serves its pages."""

    def restart(self, context: Context, server: Server) -> Server:
        """Bring a server up again at its address. ServerFailed if it does not come up."""

    def take_down(self, context: Context, server: Server, *, named: bool = False) -> bool:
        """End a server and write that down; False if it was gone already. Safe to repeat.

        `named` says that somebody typed its name: then it goes although some of our marks are missing.
        """

    def survey(self, context: Context) -> Survey:
        """Return every server of ours: by its marks, by the registry, or both. Only reads."""

    def is_our_name(self, name: str) -> bool:
        """Return whether a name has the form of those that we give to servers of this kind."""

    def why_left(self, context: Context, name: str) -> str | None:
        """Return why a server that survey() does not show is left alone; None if there is none."""


def backend_of(kind: str) -> Backend:
    """Return what runs servers of a kind: local, heroku or url. Imported late: it may bring a provider."""
    if kind == "local":
        from crowdops.servers.local import backend as local

        return local
    if kind == "heroku":
        from crowdops.servers.heroku import backend as heroku

        return heroku
    from crowdops.servers import external

    return external


def survey(context: Context, kind: str) -> Survey:
    """Return what Backend.survey() does; where nobody could look, nothing, and why.

    Raises what is wrong with the settings: UsageError, CredentialsRefused.
    """
    try:
        return backend_of(kind).survey(context)
    except CredentialsRefused:
        raise
    except ProviderError as error:
        return Survey([], None, [_unseen(context, kind, error)])


def survey_all(context: Context) -> AllServers:
    """Return every server of ours, here and at Heroku. Without a key Heroku matters only to who has apps."""
    found = AllServers([], [], [])
    for kind in PLACES:
        if kind == "heroku" and not variable("HEROKU_API_KEY"):
            if names_of_living(context.registry, kind):
                found.unseen.append(_unseen(context, kind, "HEROKU_API_KEY is not set"))
            else:
                found.remarks.append("Heroku was not looked at: HEROKU_API_KEY is not set.")
            continue
        try:
            of_kind = survey(context, kind)
        except Error as error:
            found.unseen.append(_unseen(context, kind, error))
        else:
            found.statuses.extend(of_kind.statuses)
            found.unseen.extend(of_kind.unseen)
    return found


def _unseen(context: Context, kind: str, why: object) -> Unseen:
    return Unseen(PLACES[kind], str(why), names_of_living(context.registry, kind))
