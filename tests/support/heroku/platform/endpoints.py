"""The Platform API's own paths: one function for each method and path."""

from __future__ import annotations

from flask import Response, g

from . import addons, dyno_endpoints, refusals, shapes
from .api import Api, answer, body


def install(api: Api) -> None:
    """Give the API all its paths."""
    for part in (_account, _apps, _app, _config_and_releases, _builds):
        part(api)
    dyno_endpoints.install(api)
    addons.install(api)


def _account(api: Api) -> None:
    route, world = api.flask.route, api.platform.world

    @route("/account")
    def account() -> Response:
        return answer(g.account)

    @route("/account/rate-limits")
    def rate_limits() -> Response:
        return answer({"remaining": g.left})

    @route("/teams")
    def teams() -> Response:
        return api.listing(
            [team.resource for team in world.teams.values() if g.account["email"] in team.members]
        )

    @route("/oauth/authorizations")
    def authorizations() -> Response:
        return api.listing([])


def _apps(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps")
    def apps() -> Response:
        with platform.lock:
            return api.listing([app.resource for app in platform.world.visible(g.account)])

    @route("/users/~/apps")
    def own_apps() -> Response:
        with platform.lock:
            return api.listing(
                [app.resource for app in platform.world.visible(g.account) if app.team is None]
            )

    @route("/teams/<team>/apps")
    def team_apps(team: str) -> Response:
        with platform.lock:
            name = platform.world.team_of(g.account, team).resource["name"]
            return api.listing(
                [
                    shapes.team_app(app.resource, joined=app.creator == g.account["email"])
                    for app in platform.world.apps.values()
                    if app.team == name
                ]
            )

    @route("/apps", methods=["POST"])
    def create_app() -> Response:
        with api.change():
            return answer(platform.create_app(g.account, body(), None).resource, 201)

    @route("/teams/apps", methods=["POST"])
    def create_team_app() -> Response:
        wanted = body()
        with api.change():
            app = platform.create_app(
                g.account, wanted, None if wanted.get("personal") else wanted.get("team")
            )
            return answer(shapes.team_app(app.resource, joined=True) if app.team else app.resource, 201)


def _app(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>")
    def app_info(app: str) -> Response:
        with platform.lock:
            return answer(api.app(app).resource)

    @route("/apps/<app>", methods=["PATCH"])
    def update_app(app: str) -> Response:
        wanted = body()
        with api.change():
            found = platform.world.find_owned(g.account, app)
            if "maintenance" in wanted:
                found.resource["maintenance"] = bool(wanted["maintenance"])
            if wanted.get("name", found.name) != found.name:
                platform.rename(found, wanted["name"])
            return answer(found.resource)

    @route("/apps/<app>", methods=["DELETE"])
    def delete_app(app: str) -> Response:
        with api.change():
            found = platform.world.find_owned(g.account, app)
            platform.delete_app(found)
            return answer(found.resource)


def _config_and_releases(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/config-vars")
    def config_vars(app: str) -> Response:
        with platform.lock:
            return answer(api.app(app).config)

    @route("/apps/<app>/config-vars", methods=["PATCH"])
    def set_config_vars(app: str) -> Response:
        with api.change():
            found = api.app(app)
            platform.set_config(found, body(), g.account)
            return answer(found.config)

    @route("/apps/<app>/releases")
    def releases(app: str) -> Response:
        with platform.lock:
            return api.listing(api.app(app).releases)

    @route("/apps/<app>/releases/<release>")
    def release_info(app: str, release: str) -> Response:
        with platform.lock:
            for known in api.app(app).releases:
                if release in (known["id"], str(known["version"])):
                    return answer(known)
        raise refusals.not_found("release", "release")


def _builds(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/sources", methods=["POST"])
    @route("/apps/<app>/sources", methods=["POST"])
    def create_source(app: str = "") -> Response:
        url = f"{platform.base_url}/blobs/{shapes.new_id()}.tgz?signature={shapes.host_suffix()}"
        return answer({"source_blob": {"get_url": url, "put_url": url}}, 201)

    @route("/apps/<app>/builds")
    def builds(app: str) -> Response:
        with platform.lock:
            return api.listing(api.app(app).builds)

    @route("/apps/<app>/builds", methods=["POST"])
    def create_build(app: str) -> Response:
        with api.change():
            return answer(platform.deployments.start(api.app(app), body(), g.account), 201)

    @route("/apps/<app>/builds/<build>")
    def build_info(app: str, build: str) -> Response:
        with platform.lock:
            for known in api.app(app).builds:
                if known["id"] == build:
                    return answer(known)
        raise refusals.not_found("build", "build")
