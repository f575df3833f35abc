"""The emulator's answers held against the official schema of the Platform API, where a copy is at hand.

Name the copy with CROWDOPS_HEROKU_SCHEMA (Heroku publishes it at `GET https://api.heroku.com/schema`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from tests.support.heroku.platform import endpoints
from tests.support.heroku.platform.api import Api
from tests.support.heroku.platform.platform import Platform
from tests.support.heroku.running import RunningEmulator
from tests.support.heroku.sources import FILES, build, deploy, states, tarball, upload
from tests.support.processes import wait_until

VARIABLE = "CROWDOPS_HEROKU_SCHEMA"
# An app is served at a port of this machine, so its address cannot look like Heroku's.
DEPARTURES = {("app", "web_url"), ("team-app", "web_url")}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    name = os.environ.get(VARIABLE)
    if not name:
        pytest.skip(f"the official schema is not at hand: name a copy with {VARIABLE}")
    return dict(json.loads(Path(name).read_text(encoding="utf-8")))


@pytest.fixture
def busy_emulator(emulator: RunningEmulator) -> RunningEmulator:
    """Apps of one's own and of a team, deployed, configured and scaled: no list is empty."""
    deploy(emulator, "first-app")
    emulator.create_app("second-app")
    emulator.call("POST", "/teams/apps", {"name": "team-app", "team": "lab"})
    emulator.call("PATCH", "/apps/first-app/config-vars", {"A": "1", "B": "2"})
    emulator.call("POST", "/apps/first-app/collaborators", {"user": "colleague@example.org"})
    emulator.call("POST", "/apps/first-app/addons", {"plan": "heroku-postgresql:essential-0"})
    build(emulator, "first-app", {**FILES, "requirements.txt": "no-such-distribution\n"})
    wait_until(lambda: states(emulator, "first-app") == {"web.1": "up"})
    return emulator


def differences(schema: dict[str, Any], resource: str, body: Any) -> Iterator[str]:
    """Yield where an answer departs from its definition: wrong values, unknown and missing fields."""
    definition = schema["definitions"][resource]
    checked = {key: value for key, value in body.items() if (resource, key) not in DEPARTURES}
    validator = Draft4Validator(
        {**schema, **definition, "definitions": schema["definitions"]},
        format_checker=Draft4Validator.FORMAT_CHECKER,
    )
    yield from (f"{resource} {list(error.path)}: {error.message}" for error in validator.iter_errors(checked))
    yield from (
        f"{resource}: unknown field {field}" for field in sorted(set(body) - set(definition["properties"]))
    )
    yield from (
        f"{resource}: no field {field}" for field in sorted(set(definition["properties"]) - set(body))
    )


READS = [
    ("account", "/account"),
    ("rate-limit", "/account/rate-limits"),
    ("app", "/apps"),
    ("app", "/users/~/apps"),
    ("app", "/apps/first-app"),
    ("team", "/teams"),
    ("team-app", "/teams/lab/apps"),
    ("release", "/apps/first-app/releases"),
    ("release", "/apps/first-app/releases/3"),
    ("build", "/apps/first-app/builds"),
    ("formation", "/apps/first-app/formation"),
    ("formation", "/apps/first-app/formation/web"),
    ("dyno", "/apps/first-app/dynos"),
    ("dyno", "/apps/first-app/dynos/web.1"),
    ("domain", "/apps/first-app/domains"),
    ("collaborator", "/apps/first-app/collaborators"),
    ("app-feature", "/apps/first-app/features"),
    ("add-on", "/apps/first-app/addons"),
    ("dyno-size", "/dyno-sizes"),
    ("region", "/regions"),
    ("stack", "/stacks"),
]


def test_everything_that_can_be_read_fits_the_schema(
    schema: dict[str, Any], busy_emulator: RunningEmulator
) -> None:
    found = []
    for resource, path in READS:
        answer = busy_emulator.get(path)
        items = answer if isinstance(answer, list) else [answer]
        assert items, f"{path} is empty and shows nothing"
        found += [difference for item in items for difference in differences(schema, resource, item)]
    assert found == []


def test_what_changes_answer_fits_the_schema(schema: dict[str, Any], busy_emulator: RunningEmulator) -> None:
    blob = {"url": upload(busy_emulator, tarball(FILES))}
    changes = [
        ("app", "POST", "/apps", {"name": "third-app"}, 201),
        ("team-app", "POST", "/teams/apps", {"name": "fourth-app", "team": "lab"}, 201),
        ("app", "PATCH", "/apps/third-app", {"name": "renamed", "maintenance": True}, 200),
        ("app", "DELETE", "/apps/renamed", None, 200),
        ("source", "POST", "/sources", None, 201),
        ("source", "POST", "/apps/first-app/sources", None, 201),
        ("build", "POST", "/apps/second-app/builds", {"source_blob": blob}, 201),
        ("formation", "PATCH", "/apps/first-app/formation/web", {"quantity": 1, "size": "basic"}, 200),
        ("add-on", "POST", "/apps/second-app/addons", {"plan": "heroku-postgresql:essential-0"}, 201),
        ("log-session", "POST", "/apps/first-app/log-sessions", {"lines": 5}, 201),
        ("app-feature", "PATCH", "/apps/first-app/features/http-session-affinity", {"enabled": True}, 200),
        ("collaborator", "POST", "/apps/second-app/collaborators", {"user": "colleague@example.org"}, 201),
    ]
    for resource, method, path, sent, status in changes:
        answer = busy_emulator.call(method, path, sent)
        assert (answer.status_code, list(differences(schema, resource, answer.json()))) == (status, []), path


def test_config_vars_and_restarts_fit_the_schema(
    schema: dict[str, Any], busy_emulator: RunningEmulator
) -> None:
    config = schema["definitions"]["config-var"]["definitions"]["config_vars"]
    for method, sent in (("GET", None), ("PATCH", {"C": "3"})):
        answer = busy_emulator.call(method, "/apps/first-app/config-vars", sent)
        assert (answer.status_code, list(Draft4Validator(config).iter_errors(answer.json()))) == (200, [])
    restarted = busy_emulator.call("DELETE", "/apps/first-app/dynos")
    assert (restarted.status_code, restarted.json()) == (202, {})


def test_every_path_of_the_emulator_is_a_path_of_the_schema(schema: dict[str, Any], tmp_path: Path) -> None:
    api = Api(Platform(tmp_path, boot_timeout=1), page_size=1)
    endpoints.install(api)
    links = [link for definition in schema["definitions"].values() for link in definition.get("links", [])]
    official = {(link["method"], re.sub(r"{[^}]*}", "*", link["href"])) for link in links}
    # The schema has a parameter where clients write `~`, for the account that asks.
    served = {
        (method, re.sub(r"<[^>]*>|~", "*", rule.rule))
        for rule in api.flask.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/static")
    }
    assert len(served) > 40
    assert served - official == set()


def test_departures_from_the_schema_are_noticed(
    schema: dict[str, Any], busy_emulator: RunningEmulator
) -> None:
    app = busy_emulator.get("/apps/first-app")
    assert [*differences(schema, "app", {**app, "name": "No Name", "id": "7"})] != []
    assert [*differences(schema, "app", {**app, "colour": "red"})] == ["app: unknown field colour"]
    del app["owner"]
    assert [*differences(schema, "app", app)] == ["app: no field owner"]
