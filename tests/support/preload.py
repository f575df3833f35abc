"""What scripts and servers import and read, once for all processes that are forked: see forks.py."""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import pkgutil
import sqlite3
from functools import cache
from typing import Any

import boto3
import botocore.handlers
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.hooks import EventAliaser, HierarchicalEmitter
from jinja2.sandbox import SandboxedEnvironment

import crowdops
import crowdserver
from crowdops.registry import migrations

# What task servers import; their own package lies in the folder of each. Then what Heroku's emulator does.
SERVERS = (
    "flask",
    "gunicorn.app.wsgiapp",
    "webworker.worker",
    "psycopg",
    "tests.support.heroku.platform.api",
)

_LOADER = botocore.loaders.create_loader()
_HANDLERS = HierarchicalEmitter()


def share_botocore() -> None:
    """Let all clients of this process share what botocore reads from its own files, and its handlers.

    A client copies its session's handlers: those of Amazon's other services are left out.
    """
    make_session, translate = botocore.session.Session, EventAliaser._alias_event_name
    general = [spec for spec in botocore.handlers.BUILTIN_HANDLERS if _is_for_mturk(spec[0])]
    botocore.handlers.BUILTIN_HANDLERS = general
    make_session(event_hooks=_HANDLERS)
    aliaser = EventAliaser(_HANDLERS)

    def make_session_with_handlers(*arguments: Any, **options: Any) -> Any:
        handlers = copy.copy(_HANDLERS)
        return make_session(*arguments, event_hooks=handlers, include_builtin_handlers=False, **options)

    @cache
    def alias(event: str) -> Any:
        return translate(aliaser, event)

    botocore.session.create_loader = lambda *search_path: _LOADER
    botocore.session.Session = make_session_with_handlers
    EventAliaser._alias_event_name = lambda self, event: alias(event)


def _is_for_mturk(event: str) -> bool:
    """Whether an event is one of every service, or one of ours."""
    return "." not in event or ".mturk." in event


def share_schema() -> None:
    """Make new registries of this process at once as all migrations leave them, and not step by step."""
    step_by_step, statements = migrations.apply, migrations._statements
    with sqlite3.connect(":memory:", isolation_level=None) as registry:
        step_by_step(registry)
        query = "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
        made = [sql for (sql,) in registry.execute(query)]
        version = migrations._version(registry)

    def apply(connection: sqlite3.Connection) -> None:
        is_as_usual = migrations._statements is statements
        if is_as_usual and not migrations._version(connection):
            connection.execute("BEGIN IMMEDIATE")
            if not migrations._version(connection):
                for sql in made:
                    connection.execute(sql)
                connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        step_by_step(connection)

    migrations.apply = apply


def preload() -> None:
    """Import every module of the suite and of the crowd server, and read the API's description."""
    for package in (crowdops, crowdserver):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    for name in SERVERS:
        importlib.import_module(name)
    share_botocore()
    share_schema()
    _try_out()
    gc.collect()
    gc.freeze()


def _try_out() -> None:
    """Let a client ask nobody, and a template be read, so that what is made at a first time is there."""
    session = boto3.Session("nobody", "nothing", region_name="us-east-1")
    options = Config(retries={"total_max_attempts": 1})
    client = session.client("mturk", endpoint_url="http://127.0.0.1:1", config=options)
    with contextlib.suppress(EndpointConnectionError):
        client.get_account_balance()
    client.close()
    SandboxedEnvironment(autoescape=True).from_string("<p>{{ text }}</p>").render(text="")
