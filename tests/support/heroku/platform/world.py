"""What exists at this Heroku: accounts, teams and apps, in one JSON file that survives a kill."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import refusals, shapes
from .shapes import Resource

APP_LIMIT = 100
BUCKET_SIZE = 4500
REFILL_PER_SECOND = 75 / 60


@dataclass
class App:
    """One app with all that belongs to it. `creator` is the account that made it, for team apps too."""

    resource: Resource
    creator: str
    config: dict[str, str] = field(default_factory=dict)
    releases: list[Resource] = field(default_factory=list)
    builds: list[Resource] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    formation: dict[str, Resource] = field(default_factory=dict)
    features: dict[str, Resource] = field(default_factory=dict)
    collaborators: list[Resource] = field(default_factory=list)
    addons: list[Resource] = field(default_factory=list)
    hostname: str = ""

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def name(self) -> str:
        return str(self.resource["name"])

    @property
    def team(self) -> str | None:
        return self.resource["team"]["name"] if self.resource["team"] else None

    @property
    def slug(self) -> str | None:
        """The id of the code that runs now."""
        newest = self.releases[-1]["slug"] if self.releases else None
        return newest["id"] if newest else None


@dataclass
class Team:
    resource: Resource
    members: list[str]


@dataclass
class World:
    """All of it. `tokens` maps a token to the email of its account."""

    directory: Path
    accounts: dict[str, Resource] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    databases: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, directory: Path) -> World:
        world = cls(directory)
        if world._file.exists():
            kept = json.loads(world._file.read_text(encoding="utf-8"))
            world.accounts, world.tokens = kept["accounts"], kept["tokens"]
            world.teams = {name: Team(**team) for name, team in kept["teams"].items()}
            world.apps = {app_id: App(**app) for app_id, app in kept["apps"].items()}
        return world

    def save(self) -> None:
        kept = {name: value for name, value in dataclasses.asdict(self).items() if name != "directory"}
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self._file)

    @property
    def _file(self) -> Path:
        return self.directory / "world.json"

    def add_account(self, email: str, token: str, *, verified: bool = True) -> Resource:
        self.tokens[token] = email
        return self.accounts.setdefault(email, shapes.account(email, verified=verified))

    def add_team(self, name: str, members: list[str]) -> Resource:
        self.teams[name] = Team(shapes.team(name), members)
        return self.teams[name].resource

    def account_of(self, token: str) -> Resource:
        email = self.tokens.get(token)
        if email is None:
            raise refusals.unauthorized()
        return self.accounts[email]

    def team_of(self, account: Resource, name: str) -> Team:
        team = self.teams.get(name)
        if team is None or account["email"] not in team.members:
            raise refusals.not_found("team", "team")
        return team

    def visible(self, account: Resource) -> Iterator[App]:
        """Apps that the account owns, collaborates on or shares through a team."""
        return (app for app in self.apps.values() if self._may_see(account, app))

    def owned(self, email: str) -> int:
        return sum(app.resource["owner"]["email"] == email for app in self.apps.values())

    def find(self, account: Resource, identity: str) -> App:
        """The app of this id or name; raises 404, or 403 when it exists but is not the account's to see."""
        for app in self.apps.values():
            if identity in (app.id, app.name):
                if not self._may_see(account, app):
                    raise refusals.forbidden(identity)
                return app
        raise refusals.not_found("app", "app")

    def find_owned(self, account: Resource, identity: str) -> App:
        """The same for what only an owner may do: an app of one's own or of one's team."""
        app = self.find(account, identity)
        if app.resource["owner"]["email"] != account["email"] and not self._shares_team(account, app):
            raise refusals.forbidden(app.name)
        return app

    def name_is_taken(self, name: str) -> bool:
        return any(app.name == name for app in self.apps.values())

    def _may_see(self, account: Resource, app: App) -> bool:
        emails = [app.resource["owner"]["email"], *(entry["user"]["email"] for entry in app.collaborators)]
        return account["email"] in emails or self._shares_team(account, app)

    def _shares_team(self, account: Resource, app: App) -> bool:
        return app.team is not None and account["email"] in self.teams[app.team].members
