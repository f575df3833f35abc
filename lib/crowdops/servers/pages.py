"""The pages of a run: embedded in its HITs, or on a task server that lives as long as the run."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import Error, ServerFailed, Unreachable, UsageError
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import external_question, html_question
from crowdops.providers import task_server
from crowdops.registry import Assignment, Run, Server, Unit
from crowdops.servers import links, sites
from crowdops.servers.backend import backend_of

MAX_RESTARTS = 3
SITES_SECONDS = 60.0  # between two looks at where the crowd server is seen


class Pages(ABC):
    """Where the workers of a run find their pages. Unless a kind says otherwise, nothing runs for them."""

    @abstractmethod
    def question(self, unit: Unit) -> str:
        """Return the Question XML of a unit's HIT. Called from several threads."""

    def are_up(self) -> bool:
        """Return whether the pages can be had, after a try to mend them. ServerFailed after the last try."""
        return True

    def release(self, assignments: Sequence[Assignment]) -> None:  # noqa: B027 - most need nothing done
        """Let the workers of assignments that have come in open others."""

    def close(self) -> None:  # noqa: B027 - most need nothing done
        """Take down what serves the pages: the run has ended. Safe to repeat."""


class EmbeddedPages(Pages):
    """Pages inside the HITs themselves: nothing to run, nothing to take down."""

    def __init__(self, context: Context, run: Run) -> None:
        self._page = Page(context.settings.run_folder(run.run_id) / "template.html")

    def question(self, unit: Unit) -> str:
        number = unit.unit_index + 1
        return html_question(self._page.render(unit.input or {}, number), number)


class ServedPages(Pages):
    """Pages on a task server of one kind; it is restarted when it dies, a few times.

    One that somebody else runs is waited for, as long as the run's patience lasts; so is Heroku.
    """

    def __init__(self, context: Context, run: Run, server: Server, token: str) -> None:
        self._context, self._server, self._token = context, server, token
        self._patience = float(run.parameters.no_submission_patience)
        self._backend = backend_of(server.kind)
        # What others run knows neither our leases nor the token, and must not learn it.
        self._is_ours = server.kind != "url" and not server.detail.get("own_app")
        self._restarts = self._revivals = 0  # tries, and those that brought it up
        self._away_since: float | None = None
        self._next_sites = 0.0

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self._server.url or ""

    def question(self, unit: Unit) -> str:
        return external_question(links.unit_url(self.url, self._token, unit.unit_index))

    def are_up(self) -> bool:
        name = f"The task server {self._server.name}"
        if self._backend.is_answering(self._server, self._context.settings.timeout):
            if self._away_since is not None:
                self._context.say(f"{name} answers again.")
            self._away_since = None
            self._tell_sites()
            return True
        if self._server.kind == "url":
            self._wait_for(f"{name} does not answer, and is run by somebody else. Ask them to start it.")
            return False
        if self._restarts >= MAX_RESTARTS:
            if self._revivals:
                raise ServerFailed(f"{name} was restarted {self._revivals} times and is down again.")
            raise ServerFailed(f"{name} is down, and {MAX_RESTARTS} tries to restart it have failed.")
        return self._restart(name)

    def _tell_sites(self) -> None:
        """Tell the server now and then where the crowd server is seen: it may have moved since the launch."""
        if self._is_ours and time.monotonic() >= self._next_sites:
            self._next_sites = time.monotonic() + SITES_SECONDS
            sites.tell(self._context, self._server, self._token)

    def _restart(self, name: str) -> bool:
        """Try to bring the server up again; what cannot be tried, because Heroku is away, is no try."""
        if self._away_since is None:
            self._context.say(
                f"{name} does not answer. Launching pauses;"
                f" restarting it ({self._restarts + 1} of {MAX_RESTARTS})."
            )
        try:
            self._server = self._backend.restart(self._context, self._server)
        except Unreachable as error:
            self._wait_for(f"{name} cannot be restarted now: {error}")
            return False
        except ServerFailed as error:
            self._restarts += 1
            self._context.say(f"{error}")
            return False
        self._restarts += 1
        self._revivals += 1
        self._away_since = None
        self._context.say(f"{name} answers again.")
        return True

    def _wait_for(self, problem: str) -> None:
        """Say once that launching pauses for this. ServerFailed when it has lasted longer than patience."""
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
            self._context.say(
                f"{problem} Nothing is launched until it answers, for {self._patience:g} s at most."
            )
        elif now - self._away_since > self._patience:
            raise ServerFailed(f"{problem} That has lasted {self._patience:g} s (no_submission_patience).")

    def release(self, assignments: Sequence[Assignment]) -> None:
        if assignments and self._is_ours:
            holders = [(assignment.assignment_id, assignment.worker_id) for assignment in assignments]
            task_server.release(self.url, self._token, holders, self._context.settings.timeout)

    def close(self) -> None:
        _take_down(self._context, self._server)


class UnattendedPages(Pages):
    """The pages of a run that nobody attends any more: enough to settle its HITs and to clean up."""

    def __init__(self, context: Context, run: Run) -> None:
        self._context, self._run = context, run
        self._servers = context.registry.servers("creating", "up", "gone", run_id=run.run_id)

    def question(self, unit: Unit) -> str:
        """Return the question as it was when the run launched. UsageError if that is not known any more."""
        if self._run.parameters.server_kind == "none":
            return EmbeddedPages(self._context, self._run).question(unit)
        run_id = self._run.run_id
        urls = [server.url for server in self._servers if server.url]
        if not urls:
            raise UsageError(f"The registry has no server of {run_id}, and so no address of its pages.")
        token = links.read_token(self._context.settings.run_folder(run_id))
        return external_question(links.unit_url(urls[-1], token, unit.unit_index))

    def are_up(self) -> bool:
        return False

    def close(self) -> None:
        """Take down every server of the run. Raises the last failure, once all were tried."""
        failure: Error | None = None
        for server in self._context.registry.servers("creating", "up", run_id=self._run.run_id):
            try:
                _take_down(self._context, server)
            except Error as error:
                failure = error
        if failure:
            raise failure


def _take_down(context: Context, server: Server) -> None:
    if backend_of(server.kind).take_down(context, server):
        context.say(f"The task server {server.name} is down.")


def provide(context: Context, run: Run, should_stop: Callable[[], bool] = lambda: False) -> Pages:
    """Return the run's pages, its task server up and answering with the run's id.

    ServerFailed if it does not come up, or once `should_stop` says so, since a deploy takes minutes; nothing
    of it is left then.
    """
    kind = run.parameters.server_kind
    if kind == "none":
        return EmbeddedPages(context, run)
    token = links.new_token(context.settings.run_folder(run.run_id))
    context.say(f"Starting a task server ({kind}) for {run.run_id} ...")
    server = backend_of(kind).launch(context, run, token, keep=False, should_stop=should_stop)
    context.say(f"The task server answers at {server.url}")
    return ServedPages(context, run, server, token)


def reopen(context: Context, run: Run) -> Pages:
    """Return the pages of a run that had some before: on its server, mended if need be, or on a new one.

    A server whose launch was cut off is taken down, and one of somebody else's may be away: it is waited for
    once the run is attended. ServerFailed if none comes up.
    """
    if run.parameters.server_kind == "none":
        return provide(context, run)
    for server in context.registry.servers("creating", "up", run_id=run.run_id):
        backend = backend_of(server.kind)
        if server.state == "up":
            token = links.read_token(context.settings.run_folder(run.run_id))
            try:
                if server.kind != "url" and not backend.is_answering(server, context.settings.timeout):
                    context.say(f"The task server {server.name} does not answer; restarting it ...")
                    server = backend.restart(context, server)
                return ServedPages(context, run, server, token)
            except Unreachable as error:  # nobody can tell whether it is gone: it is tried again
                context.say(f"{error}")
                return ServedPages(context, run, server, token)
            except ServerFailed as error:
                context.say(f"{error}")
        backend.take_down(context, server)
    return provide(context, run)


def check(parameters: Parameters, settings: Settings) -> None:
    """UsageError if the pages cannot be provided as the parameters ask, as far as can be told by looking."""
    kind = parameters.server_kind
    if kind == "url":
        _check_url(parameters.url, settings)
    if settings.amazon and kind == "local":
        raise UsageError(
            'kind = "local" serves on this machine only; workers elsewhere need heroku, url or none.'
        )
    if kind == "heroku":
        from crowdops.servers.heroku import backend

        backend.check(parameters, settings)
    elif kind == "local" and parameters.app_dir:
        from crowdops.servers.local import start

        start.web_command(parameters.app_dir)


def _check_url(url: str, settings: Settings) -> None:
    if not re.fullmatch(r"https?://[^/?#\s]+[^?#\s]*", url):
        raise UsageError(f"url is {url!r}; write an address without a query: https://tasks.example.org")
    if settings.amazon and not url.startswith("https://"):
        raise UsageError(f"url {url}: Amazon's workers need HTTPS.")
