"""The paths of what runs: formation, dynos, logs, and the details of an app that the clients ask for."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, g

from . import refusals, shapes
from .api import Api, answer, body
from .logs import Selection
from .shapes import Resource


def install(api: Api) -> None:
    """Give the API these paths."""
    for part in (_formation, _dynos, _app_details, _collaborators, _logs, _catalogue):
        part(api)


def _formation(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/formation")
    def formation(app: str) -> Response:
        with platform.lock:
            return api.listing(list(api.app(app).formation.values()))

    @route("/apps/<app>/formation", methods=["PATCH"])
    def scale_batch(app: str) -> Response:
        with api.change():
            found = api.app(app)
            return answer(
                [
                    platform.scale(found, update.get("type", ""), update, g.account)
                    for update in body().get("updates", [])
                ]
            )

    @route("/apps/<app>/formation/<process_type>")
    def formation_info(app: str, process_type: str) -> Response:
        with platform.lock:
            for entry in api.app(app).formation.values():
                if process_type in (entry["type"], entry["id"]):
                    return answer(entry)
        raise refusals.no_process_type(process_type)

    @route("/apps/<app>/formation/<process_type>", methods=["PATCH"])
    def scale(app: str, process_type: str) -> Response:
        with api.change():
            return answer(platform.scale(api.app(app), process_type, body(), g.account))


def _dynos(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/dynos")
    def dynos(app: str) -> Response:
        with platform.lock:
            return api.listing(platform.dynos(api.app(app)))

    @route("/apps/<app>/dynos/<dyno>")
    def dyno_info(app: str, dyno: str) -> Response:
        with platform.lock:
            return answer(_chosen(api, app, _by_identity(dyno))[0])

    # Stopping a dyno of a scaled process only restarts it, as at Heroku: there it is one act with two names.
    @route("/apps/<app>/dynos/<dyno>", methods=["DELETE"])
    @route("/apps/<app>/dynos/<dyno>/actions/stop", methods=["POST"])
    def restart_dyno(app: str, dyno: str) -> Response:
        return _restart(api, app, _by_identity(dyno))

    @route("/apps/<app>/dynos", methods=["DELETE"])
    def restart_all(app: str) -> Response:
        return _restart(api, app, lambda dyno: True, empty=True)

    @route("/apps/<app>/formations/<process_type>", methods=["DELETE"])
    @route("/apps/<app>/formations/<process_type>/actions/stop", methods=["POST"])
    def restart_type(app: str, process_type: str) -> Response:
        return _restart(api, app, lambda dyno: dyno["type"] == process_type)


def _by_identity(identity: str) -> Callable[[Resource], bool]:
    return lambda dyno: identity in (dyno["name"], dyno["id"])


def _chosen(api: Api, app: str, matches: Callable[[Resource], bool]) -> list[Resource]:
    chosen = [dyno for dyno in api.platform.dynos(api.app(app)) if matches(dyno)]
    if not chosen:
        raise refusals.not_found("dyno", "dyno")
    return chosen


def _restart(api: Api, app: str, matches: Callable[[Resource], bool], *, empty: bool = False) -> Response:
    with api.change():
        found = api.app(app)
        chosen = [] if empty and not api.platform.dynos(found) else _chosen(api, app, matches)
        api.platform.restart(found, [dyno["name"] for dyno in chosen])
        return answer({}, 202)


def _app_details(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/features")
    def features(app: str) -> Response:
        with platform.lock:
            return api.listing(list(api.app(app).features.values()))

    @route("/apps/<app>/features/<feature>", methods=["GET", "PATCH"])
    def one_feature(app: str, feature: str) -> Response:
        with api.change():
            for known in api.app(app).features.values():
                if feature in (known["name"], known["id"]):
                    known["enabled"] = bool(body().get("enabled", known["enabled"]))
                    return answer(known)
        raise refusals.not_found("feature", "feature")

    @route("/apps/<app>/domains")
    def domains(app: str) -> Response:
        with platform.lock:
            found = api.app(app)
            return api.listing([shapes.domain(found.resource, found.hostname)])


def _collaborators(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/collaborators")
    def collaborators(app: str) -> Response:
        with platform.lock:
            return api.listing(api.app(app).collaborators)

    @route("/apps/<app>/collaborators", methods=["POST"])
    def add_collaborator(app: str) -> Response:
        with api.change():
            found = platform.world.find_owned(g.account, app)
            email = body().get("user")
            if email not in platform.world.accounts:
                raise refusals.not_found("user", "user")
            found.collaborators.append(
                shapes.collaborator(found.resource, platform.world.accounts[email], "collaborator")
            )
            return answer(found.collaborators[-1], 201)

    @route("/apps/<app>/addon-attachments")
    def addon_attachments(app: str) -> Response:
        with platform.lock:
            api.app(app)
        return api.listing([])

    # An app in no pipeline has no coupling, and the CLI takes an empty list for one.
    @route("/apps/<app>/pipeline-couplings")
    def pipeline_coupling(app: str) -> Response:
        raise refusals.not_found("pipeline_coupling", "pipeline coupling")


def _logs(api: Api) -> None:
    route, platform = api.flask.route, api.platform

    @route("/apps/<app>/log-sessions", methods=["POST"])
    def create_log_session(app: str) -> Response:
        wanted = body()
        selection = Selection(
            wanted.get("source") or "",
            wanted.get("dyno_name") or wanted.get("dyno") or wanted.get("type") or "",
            min(int(wanted.get("lines") or 100), 1500),
        )
        with platform.lock:
            app_id = api.app(app).id
        session, now = shapes.new_id(), shapes.timestamp()
        api.log_sessions[session] = (app_id, selection, bool(wanted.get("tail")))
        return answer(
            {
                "created_at": now,
                "id": session,
                "logplex_url": f"{platform.base_url}/logplex/{session}",
                "updated_at": now,
            },
            201,
        )


def _catalogue(api: Api) -> None:
    route = api.flask.route

    @route("/dyno-sizes")
    @route("/apps/<app>/available-dyno-sizes")
    def dyno_sizes(app: str = "") -> Response:
        return api.listing([shapes.dyno_size(name) for name in shapes.SIZES])

    @route("/regions")
    def regions() -> Response:
        return api.listing([shapes.region(name) for name in shapes.REGIONS])

    @route("/stacks")
    def stacks() -> Response:
        return api.listing([shapes.stack(name) for name in shapes.STACKS])
