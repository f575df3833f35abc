"""What runs task servers, one backend a kind: this machine, Heroku, or somebody else by a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from crowdops.config.settings import variable
from crowdops.context import Context
from crowdops.errors import Error
from crowdops.registry import Run, Server
from crowdops.servers.status import ServerStatus, Survey


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


def survey_all(context: Context) -> tuple[list[ServerStatus], list[str]]:
    """Return every server of ours, here and at Heroku, and a line for what could not be looked at."""
    statuses: list[ServerStatus] = []
    remarks: list[str] = []
    for kind in ("local", "heroku"):
        if kind == "heroku" and not variable("HEROKU_API_KEY"):
            remarks.append("Heroku was not looked at: HEROKU_API_KEY is not set.")
            continue
        try:
            statuses += backend_of(kind).survey(context).statuses
        except Error as error:
            remarks.append(f"Servers ({kind}) could not be looked at: {error}")
    return statuses, remarks
