"""Add-ons of apps: PostgreSQL, ordered, provided a moment later, and gone with the app.

Its database is one that a test has handed over (`POST /_control/databases`), else a file of sqlite.
"""

from __future__ import annotations

import secrets

from flask import Response, g

from . import refusals, shapes
from .api import Api, answer, body
from .platform import Platform
from .shapes import Resource
from .world import App

PLANS = ("essential-0", "essential-1", "essential-2", "standard-0")


def install(api: Api) -> None:
    """Give the API these paths."""
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/addons")
    def addons(app: str) -> Response:
        with platform.lock:
            return api.listing(api.app(app).addons)

    @route("/apps/<app>/addons", methods=["POST"])
    def create_addon(app: str) -> Response:
        service, _, plan = str(body().get("plan")).partition(":")
        if service != "heroku-postgresql" or plan not in PLANS:
            raise refusals.not_found("plan", "add-on service or plan")
        with api.change():
            found = api.app(app)
            name = f"postgresql-{secrets.token_hex(4)}"
            found.addons.append(shapes.addon(found.resource, f"{service}:{plan}", name))
            return answer(found.addons[-1], 201)

    @route("/apps/<app>/addons/<addon>")
    def addon_info(app: str, addon: str) -> Response:
        with api.change():
            found = api.app(app)
            for known in found.addons:
                if addon in (known["id"], known["name"]):
                    shown = dict(known)
                    _go_on(platform, found, known)
                    return answer(shown)
        raise refusals.not_found("addon", "add-on")


def _go_on(platform: Platform, app: App, addon: Resource) -> None:
    """Provide what is ordered, after it has been looked at once: the app gets its address, and restarts."""
    if addon["state"] != "provisioning":
        return
    if platform.faults.take(("addon-failure",)):
        addon["state"] = "deprovisioned"
        return
    waiting = platform.world.databases
    file = platform.world.directory / f"{addon['name']}.db"
    url = waiting.pop(0) if waiting else f"sqlite:///{file}"
    addon["state"] = "provisioned"
    platform.set_config(app, {"DATABASE_URL": url}, g.account)
