"""What can be done at this Heroku: apps made, deleted, configured, built, scaled, restarted."""

from __future__ import annotations

import random
import re
import secrets
import shutil
import threading
from pathlib import Path

from . import refusals, shapes
from .deployments import Deployments
from .dynos import Fleet, Launch, Machine
from .faults import Faults
from .logs import LogBuffer
from .router import Backend, Routers, Targets
from .shapes import Resource
from .world import APP_LIMIT, App, World

_NAME = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")
_CONFIG_KEY = re.compile(r"\w+", re.ASCII)
ADJECTIVES = ("floating", "quiet", "ancient", "gentle", "hidden")
NOUNS = ("dragon", "meadow", "harbor", "lantern", "river")


class Platform:
    """The world and its machines: the logs, dynos and router of every app."""

    def __init__(self, directory: Path, boot_timeout: float) -> None:
        self.lock = threading.RLock()
        self.faults = Faults()
        self.world = World.load(directory)
        self.base_url = ""
        self.logs: dict[str, LogBuffer] = {}
        self.fleets: dict[str, Fleet] = {}
        self.deployments = Deployments(self)
        self._routers = Routers()
        self._boot_timeout = boot_timeout
        # The disks of dynos that died with an earlier emulator go.
        self._disks = directory / "disks"
        shutil.rmtree(self._disks, ignore_errors=True)
        self._disks.mkdir()

    @property
    def blobs(self) -> Path:
        folder = self.world.directory / "blobs"
        folder.mkdir(exist_ok=True)
        return folder

    def resume(self) -> None:
        """Start the machines of a world that was loaded; builds that were under way have failed."""
        with self.lock:
            for app in self.world.apps.values():
                self._install(app)
                for build in app.builds:
                    if build["status"] == "pending":
                        build["status"] = "failed"
                for entry in app.formation.values():
                    self.scale_fleet(app, entry)
            self.world.save()

    def shut_down(self) -> None:
        with self.lock:
            for fleet in self.fleets.values():
                fleet.kill()

    # apps

    def create_app(self, account: Resource, wanted: Resource, team_name: str | None) -> App:
        name = wanted.get("name") or self._generated_name()
        self._check_creation(account, name, team_name)
        team = self.world.team_of(account, team_name).resource if team_name else None
        owner = (
            {"email": f"{team_name}@herokumanager.com", "id": team["id"]} if team else shapes.user(account)
        )
        stack = wanted.get("stack") or shapes.DEFAULT_STACK
        region = wanted.get("region") or "us"
        if stack not in shapes.STACKS:
            raise refusals.invalid(f"Stack {stack} not found")
        if region not in shapes.REGIONS:
            raise refusals.invalid(f"Region {region} not found")
        app = App(shapes.app(name, owner, region=region, stack=stack, of_team=team), account["email"])
        app.features = {feature: shapes.feature(feature) for feature in shapes.FEATURES}
        if team:
            app.collaborators.append(shapes.collaborator(app.resource, account, "admin"))
        self._install(app)
        self.world.apps[app.id] = app
        self.release(app, "Initial release", account)
        self.release(app, "Enable Logplex", account)
        return app

    def _check_creation(self, account: Resource, name: str, team_name: str | None) -> None:
        ordered = self.faults.take(("name-taken", "app-limit", "verification-required", "delinquent"))
        kind = ordered.kind if ordered else ""
        owner = f"{team_name}@herokumanager.com" if team_name else account["email"]
        if kind == "delinquent":
            raise refusals.delinquent()
        if kind == "verification-required" or not account["verified"]:
            raise refusals.verification_required()
        if kind == "app-limit" or self.world.owned(owner) >= APP_LIMIT:
            raise refusals.app_limit(APP_LIMIT)
        self._check_name(name)
        if kind == "name-taken" or self.world.name_is_taken(name):
            raise refusals.name_taken(name)

    def _check_name(self, name: str) -> None:
        if len(name) > 30:
            raise refusals.invalid("Name is too long (maximum is 30 characters)")
        if not _NAME.fullmatch(name):
            raise refusals.invalid(
                "Name must start with a letter, end with a letter or digit and can only contain"
                " lowercase letters, digits, and dashes."
            )

    def _generated_name(self) -> str:
        return f"{random.choice(ADJECTIVES)}-{random.choice(NOUNS)}-{secrets.randbelow(90000) + 10000}"

    def rename(self, app: App, name: str) -> None:
        """Give the app another name, and with it another web address."""
        self._check_name(name)
        if self.world.name_is_taken(name):
            raise refusals.name_taken(name)
        app.resource.update(
            name=name, git_url=f"https://git.heroku.com/{name}.git", updated_at=shapes.timestamp()
        )
        for entry in app.formation.values():
            entry["app"] = shapes.app_reference(app.resource)
        self._routers.close(app.id)
        app.resource["web_url"] = None
        self._open_router(app)

    def delete_app(self, app: App) -> None:
        del self.world.apps[app.id]
        self._routers.close(app.id)
        self.fleets.pop(app.id).stop()
        self.logs.pop(app.id).close()

    def _install(self, app: App) -> None:
        logs = self.logs[app.id] = LogBuffer()
        self.fleets[app.id] = Fleet(Machine(logs, self.faults, self._boot_timeout, self._disks))
        self._open_router(app)

    def _open_router(self, app: App) -> None:
        """Take the port of the app's web_url again, or a new one for a new app or name."""
        known = app.resource["web_url"]
        port = int(known.rstrip("/").rpartition(":")[2]) if known else 0
        if not known:
            app.hostname = f"{app.name}-{shapes.host_suffix()}.herokuapp.com"
        backend = Backend(lambda: self._targets(app), self.logs[app.id])
        app.resource["web_url"] = f"http://127.0.0.1:{self._routers.open(app.id, backend, port)}/"

    def _targets(self, app: App) -> Targets:
        if app.resource["maintenance"]:
            return Targets([], "H80")
        if app.slug is None:
            return Targets([], "H81")
        # Without the lock: whoever holds it may be waiting for the routers.
        fleet = self.fleets.get(app.id)
        dynos = [dyno for dyno in fleet.dynos() if dyno.launch.process_type == "web"] if fleet else []
        if not dynos:
            return Targets([], "H14")
        states = [dyno.state for dyno in dynos]
        return Targets(
            [(dyno.dyno_name, dyno.port) for dyno in dynos if dyno.state == "up"],
            "H20" if "starting" in states else "H10",
        )

    # configuration and releases

    def set_config(self, app: App, changes: dict[str, str | None], account: Resource) -> None:
        for key in changes:
            if not _CONFIG_KEY.fullmatch(key):
                raise refusals.invalid(f"Config var key {key!r} is invalid")
        for key, value in changes.items():
            if value is None:
                app.config.pop(key, None)
            else:
                app.config[key] = str(value)
        verb = "Remove" if all(value is None for value in changes.values()) else "Set"
        self.release(app, f"{verb} {', '.join(changes)} config vars", account)
        self.restart_all(app)

    def release(self, app: App, description: str, account: Resource, slug: str | None = None) -> Resource:
        for earlier in app.releases:
            earlier["current"] = False
        release = shapes.release(len(app.releases) + 1, description, account, slug or app.slug)
        release["app"] = shapes.app_reference(app.resource)
        app.releases.append(release)
        app.resource.update(released_at=release["created_at"], updated_at=release["created_at"])
        self.logs[app.id].add("app", "api", f"{description} by user {account['email']}")
        self.logs[app.id].add(
            "app", "api", f"Release v{release['version']} created by user {account['email']}"
        )
        return release

    # dynos

    def code(self, slug: str) -> Path:
        return self.world.directory / "slugs" / slug

    def scale(self, app: App, process_type: str, wanted: Resource, account: Resource) -> Resource:
        entry = app.formation.get(process_type)
        if entry is None:
            entry = next((kept for kept in app.formation.values() if kept["id"] == process_type), None)
        if entry is None:
            raise refusals.no_process_type(process_type)
        size = self._wanted_size(app, wanted) or entry["size"]
        quantity = self._wanted_quantity(wanted.get("quantity"), entry["quantity"])
        if size in ("Eco", "Basic") and quantity > 1:
            raise refusals.invalid(f"Cannot update to more than 1 {size} size dynos per process type.")
        entry.update(
            quantity=quantity, size=size, dyno_size=shapes.reference(size), updated_at=shapes.timestamp()
        )
        self.logs[app.id].add(
            "app", "api", f"Scaled to {entry['type']}@{quantity}:{size} by user {account['email']}"
        )
        self.scale_fleet(app, entry)
        return entry

    def _wanted_size(self, app: App, wanted: Resource) -> str | None:
        named = wanted.get("size") or (wanted.get("dyno_size") or {}).get("name")
        if not named:
            return None
        size = next((size for size in shapes.SIZES if size.lower() == str(named).lower()), None)
        if size is None:
            raise refusals.invalid(
                "Process tier is invalid. Available process tiers are Eco, Basic, Production, Private,"
                " and Shield."
            )
        if size == "Eco":
            raise refusals.invalid(
                "Teams do not support Eco dynos."
                if app.team
                else "Eco dynos need a subscription to the Eco plan."
            )
        return size

    def _wanted_quantity(self, wanted: int | str | None, present: int) -> int:
        """A number, a number as text, or a step such as +1."""
        if wanted is None:
            return present
        if not re.fullmatch(r"[+-]?\d{1,4}", str(wanted)):
            raise refusals.invalid(f"Quantity {wanted!r} is not a number")
        step = int(wanted) + (present if str(wanted)[0] in "+-" else 0)
        if step < 0:
            raise refusals.invalid("Quantity must be greater than or equal to 0")
        return step

    def scale_fleet(self, app: App, entry: Resource) -> None:
        self.fleets[app.id].scale(self._launch(app, entry), entry["quantity"])

    def restart_all(self, app: App) -> None:
        self.fleets[app.id].replace({kind: self._launch(app, entry) for kind, entry in app.formation.items()})

    def _launch(self, app: App, entry: Resource) -> Launch:
        newest = app.releases[-1]
        return Launch(
            entry["type"],
            entry["command"],
            entry["size"],
            self.code(app.slug or ""),
            dict(app.config),
            {"id": newest["id"], "version": newest["version"]},
        )

    def restart(self, app: App, names: list[str]) -> None:
        self.fleets[app.id].restart(names)

    def dynos(self, app: App) -> list[Resource]:
        return [
            {
                "app": shapes.app_reference(app.resource),
                "attach_url": None,
                "command": dyno.launch.command,
                "created_at": dyno.created_at,
                "id": dyno.id,
                "name": dyno.dyno_name,
                "release": dyno.launch.release,
                "size": dyno.launch.size,
                "state": dyno.state,
                "type": dyno.launch.process_type,
                "updated_at": dyno.updated_at,
            }
            for dyno in self.fleets[app.id].dynos()
        ]
