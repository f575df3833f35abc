"""gunicorn's settings, and what it serves: the folder it is started in."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from flask import Flask

from taskserver.app import TaskServer, create_app
from taskserver.database import Database
from taskserver.errors import DatabaseError, FolderError
from taskserver.leases import Leases
from taskserver.pages import Pages
from taskserver.responses import PageResponses
from taskserver.rows import Rows
from taskserver.run import read_run, read_token
from taskserver.signing import Signer
from taskserver.sites import Sites
from taskserver.sqlite import Sqlite
from taskserver.units import Units
from webworker.worker import WaitressWorker

# Heroku's router comes from outside; anywhere else only this machine may.
_HOST = os.environ.get("CROWDOPS_HOST") or ("0.0.0.0" if "DYNO" in os.environ else "127.0.0.1")

wsgi_app = "taskserver.wsgi:application()"
bind = f"{_HOST}:{os.environ.get('PORT', '8000')}"
worker_class = WaitressWorker
# Only whole requests need one, and most are short work. One that waits for its database leaves the others.
threads = 8
keepalive = 75
# Heroku kills 30 s after it asked to stop.
graceful_timeout = 25
# A folder that cannot be served is reported once, by the parent, instead of by one child after another.
preload_app = True
# gunicorn's own default is one path in the home directory, for which two servers would fight.
control_socket_disable = True
# No access log: a unit's link holds its key and the worker's id.
accesslog = None


def application() -> Flask:
    """Return the application for the current directory. SystemExit with one line when it cannot be served."""
    folder = Path.cwd()
    try:
        run = read_run(folder)
        signer = Signer(read_token(os.environ))
        rows = Rows(folder)
        pages = Pages(folder)
        database = _open_database(os.environ.get("DATABASE_URL", ""), folder)
        leases = Leases(database, run)
        leases.create_tables()
        sites = Sites(database, run.run_id, run.submit_origins)
        sites.create_table()
    except (FolderError, DatabaseError) as error:
        raise SystemExit(f"task server: {error}") from error
    responses = PageResponses(pages, sites)
    units = Units(sites, signer, rows, pages, leases, responses)
    app = create_app(TaskServer(run, signer, units, leases, sites, responses), units, responses)
    # All that is loaded by now stays: the collector need not look at it again, nor the processes copy it.
    gc.freeze()
    return app


def _open_database(url: str, folder: Path) -> Database:
    """Return PostgreSQL at this URL; without one leases.db in the folder. FolderError for any other URL."""
    if not url:
        return Sqlite(folder / "leases.db")
    if not url.startswith(("postgres://", "postgresql://")):
        raise FolderError("DATABASE_URL must begin with postgres:// or postgresql://")
    try:
        # Late: a server without DATABASE_URL does not need psycopg installed.
        from taskserver.postgresql import Postgresql
    except ImportError as error:
        raise FolderError(f"DATABASE_URL needs psycopg: {error}") from error
    return Postgresql(url)
