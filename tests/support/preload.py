"""What scripts and servers import and read, once for all processes that are forked: see forks.py."""

from __future__ import annotations

import copy
import gc
import importlib
import pkgutil
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.hooks import HierarchicalEmitter

import crowdops
import crowdserver

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
    """Let all clients of this process share what botocore reads from its own files, and its handlers."""
    make_session = botocore.session.Session
    make_session(event_hooks=_HANDLERS)

    def make_session_with_handlers(*arguments: Any, **options: Any) -> Any:
        handlers = copy.copy(_HANDLERS)
        return make_session(*arguments, event_hooks=handlers, include_builtin_handlers=False, **options)

    botocore.session.create_loader = lambda *search_path: _LOADER
    botocore.session.Session = make_session_with_handlers


def preload() -> None:
    """Import every module of the suite and of the crowd server, and read the API's description."""
    for package in (crowdops, crowdserver):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    for name in SERVERS:
        importlib.import_module(name)
    share_botocore()
    session = boto3.Session("nobody", "nothing", region_name="us-east-1")
    session.client("mturk", endpoint_url="http://127.0.0.1:1").close()
    gc.collect()
    gc.freeze()
