"""The pages of a run: embedded in its HITs, or on a task server that lives as long as the run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Protocol

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import Error, ServerFailed, UsageError
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import external_question, html_question
from crowdops.providers import task_server
from crowdops.registry import Assignment, Run, Server, Unit
from crowdops.servers import links

MAX_RESTARTS = 3
KINDS = {"local": "local.backend", "heroku": "heroku.backend", "url": "external"}


class Pages(Protocol):
    """Where the workers of a run find their pages."""

    def question(self, unit: Unit) -> str:
        """Return the Question XML of a unit's HIT. Called from several threads."""

    def are_up(self) -> bool:
        """Look once; try to mend. False while they are down. ServerFailed when mending has no more tries."""

    def release(self, assignments: Sequence[Assignment]) -> None:
        """These assignments have come in: their workers may open others."""

    def close(self) -> None:
        """The run has ended. Safe to repeat."""


class Embedded:
    """Pages inside the HITs themselves: nothing to run, nothing to take down."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def question(self, unit: Unit) -> str:
        number = unit.unit_index + 1
        return html_question(self._page.render(unit.input or {}, number), number)

    def are_up(self) -> bool:
        return True

    def release(self, assignments: Sequence[Assignment]) -> None:
        pass

    def close(self) -> None:
        pass


class Served:
    """Pages on a task server of one kind; it is restarted when it dies, a few times."""

    def __init__(self, context: Context, server: Server, token: str) -> None:
        self._context, self._server, self._token = context, server, token
        self._kind = backend(server.kind)
        # What others run knows neither our leases nor the token, and must not learn it.
        self._is_ours = server.kind != "url" and not server.detail.get("own_app")
        self._restarts = 0

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self._server.url or ""

    def question(self, unit: Unit) -> str:
        assert self._server.url is not None
        return external_question(links.unit_url(self._server.url, self._token, unit.unit_index))

    def are_up(self) -> bool:
        if self._kind.is_answering(self._server, self._context.settings.timeout):
            return True
        name = f"The task server {self._server.name}"
        if self._restarts >= MAX_RESTARTS:
            raise ServerFailed(f"{name} was restarted {MAX_RESTARTS} times and is down again.")
        self._restarts += 1
        self._context.say(
            f"{name} does not answer. Launching pauses; restarting it ({self._restarts} of {MAX_RESTARTS})."
        )
        try:
            self._server = self._kind.restart(self._context, self._server)
        except ServerFailed as error:
            self._context.say(f"{error}")
            return False
        self._context.say(f"{name} answers again.")
        return True

    def release(self, assignments: Sequence[Assignment]) -> None:
        if assignments and self._is_ours:
            holders = [(assignment.assignment_id, assignment.worker_id) for assignment in assignments]
            task_server.release(self._server.url or "", self._token, holders, self._context.settings.timeout)

    def close(self) -> None:
        if self._kind.take_down(self._context, self._server):
            self._context.say(f"The task server {self._server.name} is down.")


class Left:
    """What is left of the pages of a run that nobody attends: enough to settle its HITs and to clean up."""

    def __init__(self, context: Context, run: Run, parameters: Parameters) -> None:
        self._context, self._run = context, run
        self._folder = context.settings.home / "runs" / run.run_id
        self._served = [
            server
            for server in context.registry.servers("creating", "up", "gone")
            if server.run_id == run.run_id
        ]
        self._embedded = parameters.server_kind == "none"

    def question(self, unit: Unit) -> str:
        """Return the question as it was when the run launched. UsageError if that cannot be known any more."""
        if self._embedded:
            return Embedded(Page(self._folder / "template.html")).question(unit)
        urls = [server.url for server in self._served if server.url]
        if not urls:
            raise UsageError(
                f"The registry has no server of {self._run.run_id}, and so no address of its pages."
            )
        return external_question(links.unit_url(urls[-1], links.read_token(self._folder), unit.unit_index))

    def are_up(self) -> bool:
        return False

    def release(self, assignments: Sequence[Assignment]) -> None:
        pass

    def close(self) -> None:
        """Take down every server of the run. Raises the last failure, once all were tried."""
        failure: Error | None = None
        for server in self._served:
            if server.state == "gone":
                continue
            try:
                if backend(server.kind).take_down(self._context, server):
                    self._context.say(f"The task server {server.name} is down.")
            except Error as error:
                failure = error
        if failure:
            raise failure


def backend(kind: str) -> ModuleType:
    """Return the module that runs servers of a kind. Imported late: it may bring a provider's library."""
    return importlib.import_module(f"crowdops.servers.{KINDS[kind]}")


def provide(
    context: Context, run: Run, parameters: Parameters, should_stop: Callable[[], bool] = lambda: False
) -> Pages:
    """Return the run's pages, its task server up and answering with the run's id.

    ServerFailed if it does not come up; nothing of it is left then.
    """
    folder = context.settings.home / "runs" / run.run_id
    if parameters.server_kind == "none":
        return Embedded(Page(folder / "template.html"))
    token = links.new_token(folder)
    context.say(f"Starting a task server ({parameters.server_kind}) for {run.run_id} ...")
    # A deploy takes minutes, and somebody may think better of it.
    patience = {"should_stop": should_stop} if parameters.server_kind == "heroku" else {}
    launch = backend(parameters.server_kind).launch
    server = launch(context, run, parameters, folder, token, **patience)
    context.say(f"The task server answers at {server.url}")
    return Served(context, server, token)


def reopen(context: Context, run: Run, parameters: Parameters) -> Pages:
    """Return the pages of a run that had some before: on the server that stands, mended if need be, else on a new one.

    A server whose launch was cut off is taken down. ServerFailed if none comes up.
    """
    if parameters.server_kind == "none":
        return provide(context, run, parameters)
    kind, folder = backend(parameters.server_kind), context.settings.home / "runs" / run.run_id
    mine = [server for server in context.registry.servers("creating", "up") if server.run_id == run.run_id]
    for server in mine:
        if server.state == "up":
            try:
                if not kind.is_answering(server, context.settings.timeout):
                    context.say(f"The task server {server.name} does not answer; restarting it ...")
                    server = kind.restart(context, server)
                return Served(context, server, links.read_token(folder))
            except ServerFailed as error:
                context.say(f"{error}")
        backend(server.kind).take_down(context, server)
    return provide(context, run, parameters)


def check(parameters: Parameters, settings: Settings) -> None:
    """UsageError if the pages cannot be provided as the parameters ask, as far as can be told by looking."""
    if settings.amazon and parameters.server_kind == "url" and not parameters.url.startswith("https://"):
        raise UsageError(f"url {parameters.url}: Amazon's workers need HTTPS.")
    if settings.amazon and parameters.server_kind == "local":
        raise UsageError(
            'kind = "local" serves on this machine only; workers elsewhere need heroku, url or none.'
        )
