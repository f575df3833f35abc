"""The Heroku Platform API, version 3. Only here and in calls.py is heroku3.

heroku3 5.2.1 works and is barely kept. Its faults, each with what is done about it here:

- it cannot be imported without `six`, which it does not declare: our own requirements name both;
- no time limit and no repeats: every call has one time limit, repeats included, and only reads are repeated;
- `from_key` spends a call, does not raise for a bad key, and ignores the proxy settings of the environment:
  the client is put together by hand, and proxies are passed by for loopback only;
- the address is fixed in the package: it is set on the client, from HEROKU_HOST as the official CLI reads it;
- 429 is an exception outside the HTTP errors, and most HTTP errors hide the answer's text: calls.py reads it;
- its session would send our key to the storage host of sources and logs: a keyless session goes there;
- its objects have identifiers in paths unquoted and by names that somebody can change, print warnings on
  stdout, take an existing app of that name for a new one, ask for a stack that is gone, lack sources, and
  fetch logs with TLS unchecked: only its plain calls are used, with quoted ids.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from crowdops.config import settings
from crowdops.console.output import clean
from crowdops.errors import AccessDenied, BuildFailed, NotFound, ProviderError
from crowdops.providers.fields import number, text
from crowdops.providers.heroku.calls import Calls, base_url
from crowdops.providers.heroku.models import (
    Account,
    Addon,
    App,
    Build,
    Dyno,
    Formation,
    read_account,
    read_addon,
    read_app,
    read_build,
    read_config,
    read_dyno,
    read_formation,
    read_source,
)

FIRST_BUILD_POLL_SECONDS = 0.2
BUILD_POLL_SECONDS = 3.0
FAILURE_LINES = 40
LONGEST_LINE = 1000  # characters
_IDENTITY = re.compile(r"[a-z0-9-]{1,36}")  # an app's name or UUID


def connect(timeout: float, sleep: Callable[[float], None] = time.sleep) -> Heroku:
    """Return the Platform API as HEROKU_API_KEY and HEROKU_HOST say, in the environment or .env.

    No call is made. CredentialsRefused without a key.
    """
    url = base_url(settings.variable("HEROKU_HOST"))
    return Heroku(settings.variable("HEROKU_API_KEY"), url, timeout, sleep)


class Heroku:
    """The Platform API with one key. Every call ends within `timeout` seconds, repeats included.

    Reads are repeated after a lost connection, a 429 or a 5xx; changes never are, and one whose outcome is
    not known raises Unreachable: settle it by reading. Safe under threads.
    """

    def __init__(
        self, token: str, base_url: str, timeout: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._calls = Calls(token, base_url, timeout, sleep)

    # account

    def account(self) -> Account:
        """Return the account that the key belongs to."""
        return self._calls.get("read the account", read_account, "account")

    def rate_limit(self) -> int:
        """Return how many calls the account has left at this moment; asking is free."""
        path = ("account", "rate-limits")
        return self._calls.get("read the rate limit", lambda answer: number(answer, "remaining"), *path)

    # apps

    def apps(self) -> Iterator[App]:
        """Return every app that the account can see: its own, those shared with it and its teams'."""
        return self._calls.get_list("list the apps", read_app, "apps")

    def app(self, identity: str) -> App:
        """Return the app of this id or name. NotFound, or AccessDenied where it is somebody else's."""
        if not _IDENTITY.fullmatch(identity):
            raise NotFound(f"No Heroku app can be named {identity!r}.")
        return self._calls.get(f"read app {identity}", read_app, "apps", identity)

    def find_app(self, identity: str) -> App | None:
        """Return the app of this id or name; None where there is none (any more), or somebody else's."""
        try:
            return self.app(identity)
        except (NotFound, AccessDenied):  # both are what Heroku says of an app that was deleted
            return None

    def create_app(self, name: str, *, team: str | None = None) -> App:
        """Create an app, for a team or for the account itself.

        Raises NameTaken, AppLimitReached, or InsufficientFunds (no payment method). Not to be repeated: after
        Unreachable ask whether the app exists.
        """
        path = ("teams", "apps") if team else ("apps",)
        body = {"name": name, "team": team} if team else {"name": name}
        return self._calls.change(f"create app {name}", "POST", path, body, read_app)

    def delete_app(self, app_id: str) -> bool:
        """Delete an app by its id; False when it was gone already. Safe to repeat.

        Heroku answers 404 or 403 for an app that was deleted. Where it can still be read, the refusal is
        raised.
        """
        try:
            self._calls.change(f"delete app {app_id}", "DELETE", ("apps", app_id), {})
        except (NotFound, AccessDenied):
            if self.find_app(app_id):
                raise
            return False
        return True

    # configuration

    def config_vars(self, app_id: str) -> dict[str, str]:
        """Return the app's config vars. AccessDenied where the key may not see them."""
        path = ("apps", app_id, "config-vars")
        return self._calls.get(f"read the config vars of app {app_id}", read_config, *path)

    def visible_config(self, app_id: str) -> dict[str, str] | None:
        """Return the app's config vars, or None where the key may not see them."""
        try:
            return self.config_vars(app_id)
        except AccessDenied:
            return None

    def set_config(self, app_id: str, values: Mapping[str, str]) -> None:
        """Set config vars, in one call: each call restarts the dynos. Safe to repeat."""
        path = ("apps", app_id, "config-vars")
        self._calls.change(f"set config vars of app {app_id}", "PATCH", path, values)

    # add-ons

    def create_addon(self, app_id: str, plan: str) -> Addon:
        """Order an add-on for an app, such as heroku-postgresql:essential-0. It costs until the app is gone.

        It is there once it is provisioned, which takes minutes. Not to be repeated: each is another one.
        """
        path = ("apps", app_id, "addons")
        return self._calls.change(f"add {plan} to app {app_id}", "POST", path, {"plan": plan}, read_addon)

    def wait_for_addon(self, app_id: str, addon: Addon, patience: float) -> None:
        """Wait until an add-on is provisioned. ProviderError if it is not, or not within so many seconds."""
        deadline, pause = time.monotonic() + patience, FIRST_BUILD_POLL_SECONDS
        while addon.state == "provisioning":
            if time.monotonic() > deadline:
                raise ProviderError(f"The add-on {addon.name} was not there after {patience:g} seconds.")
            self._calls.sleep(pause)
            pause = min(2 * pause, BUILD_POLL_SECONDS)
            path = ("apps", app_id, "addons", addon.id)
            addon = self._calls.get(f"read the add-on {addon.name}", read_addon, *path)
        if addon.state != "provisioned":
            raise ProviderError(f"The add-on {addon.name} is {addon.state}: Heroku could not provide it.")

    # deployment

    def upload_source(self, tarball: Path) -> str:
        """Put a .tar.gz where a build can fetch it, and return that address. Safe to repeat."""
        put_url, get_url = self._calls.change("create a source", "POST", ("sources",), {}, read_source)
        with tarball.open("rb") as source:
            self._calls.upload("upload the source", put_url, source)
        return get_url

    def create_build(self, app_id: str, source_url: str, tarball: Path, version: str) -> Build:
        """Start a build of the uploaded tarball, whose checksum Heroku compares.

        A repeat starts a second build.
        """
        with tarball.open("rb") as source:
            checksum = "SHA256:" + hashlib.file_digest(source, "sha256").hexdigest()
        blob = {"url": source_url, "checksum": checksum, "version": version}
        path, body = ("apps", app_id, "builds"), {"source_blob": blob}
        return self._calls.change(f"start a build of app {app_id}", "POST", path, body, read_build)

    def build(self, app_id: str, build_id: str) -> Build:
        """Return the build as it is now."""
        return self._calls.get(f"read build {build_id}", read_build, "apps", app_id, "builds", build_id)

    def wait_for_release(self, app_id: str, build_id: str, patience: float) -> Build:
        """Wait until the build and its release are done, at most so many seconds; Heroku's limit is 1,500.

        BuildFailed with the end of the build's output. Safe to repeat.
        """
        deadline, pause = time.monotonic() + patience, FIRST_BUILD_POLL_SECONDS
        build = self.build(app_id, build_id)
        while build.status == "pending" or self._is_releasing(app_id, build):
            if time.monotonic() > deadline:
                text = f"Build {build_id} of app {app_id} was not done after {patience:g} seconds."
                raise BuildFailed(text)
            self._calls.sleep(pause)
            pause = min(2 * pause, BUILD_POLL_SECONDS)
            build = self.build(app_id, build_id)
        if build.status != "succeeded":
            output = self._calls.fetch("read the build's output", build.output_url)
            tail = "\n".join(clean(line[:LONGEST_LINE]) for line in output.splitlines()[-FAILURE_LINES:])
            raise BuildFailed(f"The build of app {app_id} failed. Its last lines:\n{tail}")
        return build

    def _is_releasing(self, app_id: str, build: Build) -> bool:
        """Return whether the app's own release command still runs. BuildFailed if it failed."""
        if build.release_id is None:
            return False
        path = ("apps", app_id, "releases", build.release_id)
        status = self._calls.get("read the release", lambda answer: text(answer, "status"), *path)
        if status == "failed":
            raise BuildFailed(f"The release command in the Procfile of app {app_id} failed: see its log.")
        return status == "pending"

    # dynos

    def scale(self, app_id: str, process_type: str, quantity: int, size: str | None = None) -> None:
        """Set number and size of the dynos of one type. NotFound before the first build. Safe to repeat."""
        body = {"quantity": quantity, **({"size": size} if size else {})}
        path = ("apps", app_id, "formation", process_type)
        self._calls.change(f"scale {process_type} of app {app_id}", "PATCH", path, body)

    def restart(self, app_id: str) -> None:
        """Start every dyno anew. Returns before they are up."""
        self._calls.change(f"restart app {app_id}", "DELETE", ("apps", app_id, "dynos"), {})

    def formation(self, app_id: str) -> list[Formation]:
        """Return what is scaled; nothing before the first build."""
        path = ("apps", app_id, "formation")
        return list(self._calls.get_list(f"read the formation of app {app_id}", read_formation, *path))

    def dynos(self, app_id: str) -> list[Dyno]:
        """Return the dynos there are, by name; none when scaled to zero."""
        path = ("apps", app_id, "dynos")
        return sorted(self._calls.get_list(f"read the dynos of app {app_id}", read_dyno, *path))

    def log_tail(self, app_id: str, lines: int = 200) -> list[str]:
        """Return the app's last log lines, oldest first, at most 1,500."""
        doing, path = f"read the log of app {app_id}", ("apps", app_id, "log-sessions")
        asked = {"lines": lines, "tail": False}
        url = self._calls.change(doing, "POST", path, asked, lambda answer: text(answer, "logplex_url"))
        return self._calls.fetch(doing, url).splitlines()
