"""The emulator's protocol: who may ask, in which words it refuses, how it cuts lists."""

from __future__ import annotations

import base64

import pytest
import requests

from tests.support.heroku.emulator import ACCOUNT_EMAIL, TOKEN
from tests.support.heroku.running import ACCEPT, RunningEmulator, running_emulator

COLLEAGUE = "colleague-token"


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["id"], body["message"]


def test_a_bearer_token_and_a_basic_password_name_the_same_account(emulator: RunningEmulator) -> None:
    password = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    for authorization in (f"Bearer {TOKEN}", f"Basic {password}"):
        answer = requests.get(
            f"{emulator.url}/account", headers={"Accept": ACCEPT, "Authorization": authorization}, timeout=10
        )
        assert answer.json()["email"] == ACCOUNT_EMAIL


@pytest.mark.parametrize("authorization", ["Bearer undefined", "Bearer wrong", "Basic !", ""])
def test_a_wrong_or_missing_token_is_refused(emulator: RunningEmulator, authorization: str) -> None:
    answer = emulator.call("GET", "/apps", Authorization=authorization)
    assert error_of(answer) == (401, "unauthorized", "Invalid credentials provided.")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (ACCEPT, 200),
        (f"{ACCEPT}.sdk", 200),
        (f"{ACCEPT}.cedar-acm", 200),
        ("application/vnd.heroku+json; version=2", 406),
    ],
)
def test_only_version_3_of_the_api_is_served(emulator: RunningEmulator, accept: str, status: int) -> None:
    assert emulator.call("GET", "/account", Accept=accept).status_code == status


def test_an_unknown_path_is_not_found(emulator: RunningEmulator) -> None:
    status, kind, message = error_of(emulator.call("GET", "/nowhere"))
    assert (status, kind) == (404, "not_found")
    assert message.startswith("The requested API endpoint was not found.")


def test_a_body_that_is_no_json_is_a_bad_request(emulator: RunningEmulator) -> None:
    answer = requests.post(
        f"{emulator.url}/apps", data="{", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    assert error_of(answer) == (400, "bad_request", "Unable to parse the JSON request body.")


def test_every_answer_carries_the_id_the_remaining_calls_and_a_tag(emulator: RunningEmulator) -> None:
    first, second = emulator.call("GET", "/account"), emulator.call("GET", "/account")
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert 0 < int(second.headers["RateLimit-Remaining"]) <= int(first.headers["RateLimit-Remaining"]) < 4500
    again = emulator.call("GET", "/account", **{"If-None-Match": second.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_asking_for_the_remaining_calls_costs_none(emulator: RunningEmulator) -> None:
    before = emulator.get("/account/rate-limits")["remaining"]
    assert emulator.get("/account/rate-limits")["remaining"] >= before
    emulator.get("/account")
    emulator.get("/account")
    assert emulator.get("/account/rate-limits")["remaining"] < before


def test_names_are_global_and_refused_in_herokus_words(emulator: RunningEmulator) -> None:
    emulator.create_app("jazzy-name", token=COLLEAGUE)
    taken = emulator.call("POST", "/apps", {"name": "jazzy-name"})
    assert error_of(taken) == (422, "invalid_params", "Name jazzy-name is already taken")
    for name in ("Jazzy", "9lives", "ends-", "ab"):
        assert "Name must start with a letter" in error_of(emulator.call("POST", "/apps", {"name": name}))[2]
    assert (
        error_of(emulator.call("POST", "/apps", {"name": "a" * 31}))[2]
        == "Name is too long (maximum is 30 characters)"
    )


def test_a_name_is_made_up_where_none_is_given(emulator: RunningEmulator) -> None:
    names = {emulator.call("POST", "/apps").json()["name"] for _ in range(2)}
    assert len(names) == 2


def test_stacks_that_are_gone_and_unknown_regions_are_refused(emulator: RunningEmulator) -> None:
    assert error_of(emulator.call("POST", "/apps", {"stack": "cedar"}))[2] == "Stack cedar not found"
    assert error_of(emulator.call("POST", "/apps", {"region": "mars"}))[2] == "Region mars not found"


@pytest.mark.parametrize(
    ("fault", "status", "kind", "words"),
    [
        ("name-taken", 422, "invalid_params", "Name wanted is already taken"),
        ("app-limit", 422, "invalid_params", "You've reached your app limit of 100 apps. Delete some apps"),
        ("verification-required", 422, "verification_required", "To create an app, verify your account"),
        ("delinquent", 402, "delinquent", "unpaid balance"),
    ],
)
def test_ordered_refusals_strike_once(
    emulator: RunningEmulator, fault: str, status: int, kind: str, words: str
) -> None:
    emulator.order(fault)
    refused = error_of(emulator.call("POST", "/apps", {"name": "wanted"}))
    assert refused[:2] == (status, kind)
    assert words in refused[2]
    assert emulator.get("/apps") == []
    assert emulator.create_app("wanted")["name"] == "wanted"


def test_an_account_without_payment_method_cannot_create_apps(emulator: RunningEmulator) -> None:
    emulator.add_account("newcomer@example.org", "newcomer-token", verified=False)
    answer = emulator.call("POST", "/apps", token="newcomer-token")
    assert error_of(answer)[1] == "verification_required"
    assert emulator.get("/apps", token="newcomer-token") == []


def test_foreign_apps_are_forbidden_and_missing_ones_not_found(emulator: RunningEmulator) -> None:
    emulator.create_app("not-mine", token=COLLEAGUE)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/config-vars")):
        foreign = error_of(emulator.call(method, f"/apps/not-mine{path}"))
        assert foreign == (403, "forbidden", "You do not have access to the app not-mine.")
        missing = error_of(emulator.call(method, f"/apps/no-such-app{path}"))
        assert missing == (404, "not_found", "Couldn't find that app.")


def test_collaborators_see_an_app_and_only_its_owner_deletes_it(emulator: RunningEmulator) -> None:
    emulator.create_app("shared", token=COLLEAGUE)
    emulator.create_app("private", token=COLLEAGUE)
    added = emulator.call("POST", "/apps/shared/collaborators", {"user": ACCOUNT_EMAIL}, token=COLLEAGUE)
    assert added.status_code == 201
    assert [app["name"] for app in emulator.get("/apps")] == ["shared"]
    assert emulator.call("DELETE", "/apps/shared").status_code == 403
    assert emulator.call("DELETE", "/apps/shared", token=COLLEAGUE).status_code == 200


def test_team_apps_are_listed_with_all_apps_and_with_the_team_only(emulator: RunningEmulator) -> None:
    emulator.create_app("my-own")
    created = emulator.call("POST", "/teams/apps", {"name": "of-the-lab", "team": "lab"}, token=COLLEAGUE)
    assert created.json()["owner"]["email"] == "lab@herokumanager.com"
    assert [team["name"] for team in emulator.get("/teams")] == ["lab"]
    assert sorted(app["name"] for app in emulator.get("/apps")) == ["my-own", "of-the-lab"]
    assert [app["name"] for app in emulator.get("/users/~/apps")] == ["my-own"]
    assert [(app["name"], app["joined"]) for app in emulator.get("/teams/lab/apps")] == [
        ("of-the-lab", False)
    ]
    assert emulator.call("GET", "/teams/other/apps").status_code == 404


def test_deleting_answers_with_the_app_and_frees_its_name(emulator: RunningEmulator) -> None:
    for _ in range(2):
        app = emulator.create_app("comes-and-goes")
        deleted = emulator.call("DELETE", f"/apps/{app['id']}")
        assert (deleted.status_code, deleted.json()["id"]) == (200, app["id"])
        assert emulator.call("GET", "/apps/comes-and-goes").status_code == 404
        assert emulator.call("DELETE", f"/apps/{app['id']}").status_code == 404


def test_a_rename_changes_name_and_address(emulator: RunningEmulator) -> None:
    app, other = emulator.create_app("before"), emulator.create_app("other")
    assert emulator.call("PATCH", "/apps/before", {"name": "other"}).status_code == 422
    renamed = emulator.call("PATCH", "/apps/before", {"name": "after"}).json()
    assert (renamed["id"], renamed["name"]) == (app["id"], "after")
    assert len({app["web_url"], renamed["web_url"], other["web_url"]}) == 3
    assert emulator.call("GET", "/apps/before").status_code == 404


def test_config_vars_are_set_and_removed_together_and_each_change_is_a_release(
    emulator: RunningEmulator,
) -> None:
    emulator.create_app("configured")
    emulator.call("PATCH", "/apps/configured/config-vars", {"ONE": "1", "TWO": "2"})
    emulator.call("PATCH", "/apps/configured/config-vars", {"ONE": None, "THREE": "3"})
    assert emulator.get("/apps/configured/config-vars") == {"TWO": "2", "THREE": "3"}
    assert emulator.call("PATCH", "/apps/configured/config-vars", {"NO-KEY": "1"}).status_code == 422
    releases = [
        (release["version"], release["description"], release["current"])
        for release in emulator.get("/apps/configured/releases")
    ]
    assert sorted(releases) == [
        (1, "Initial release", False),
        (2, "Enable Logplex", False),
        (3, "Set ONE, TWO config vars", False),
        (4, "Set ONE, THREE config vars", True),
    ]


def test_lists_are_sorted_and_cut_as_the_range_says(emulator: RunningEmulator) -> None:
    emulator.create_app("ranged")
    newest = emulator.call("GET", "/apps/ranged/releases", Range="version ..; order=desc,max=1;")
    assert [release["version"] for release in newest.json()] == [2]
    assert newest.status_code == 206
    rest = emulator.call("GET", "/apps/ranged/releases", Range=newest.headers["Next-Range"])
    assert ([release["version"] for release in rest.json()], rest.status_code) == ([1], 200)
    assert "Next-Range" not in rest.headers
    assert emulator.call("GET", "/apps/ranged/domains", Range="domain ..; ;").status_code == 200
    for wrong in ("nonsense", "weight ..;"):
        assert error_of(emulator.call("GET", "/apps/ranged/releases", Range=wrong))[:2] == (
            416,
            "requested_range_not_satisfiable",
        )


def test_long_lists_come_in_parts_that_lead_to_each_other() -> None:
    with running_emulator("--page-size", "2") as emulator:
        names = {emulator.create_app(f"app-{number}")["name"] for number in range(5)}
        seen, position, statuses = [], "id ..; ;", []
        while position:
            part = emulator.call("GET", "/apps", Range=position)
            statuses.append(part.status_code)
            seen += [app["name"] for app in part.json()]
            position = part.headers.get("Next-Range", "")
        assert statuses == [206, 206, 200]
        assert (len(seen), set(seen)) == (5, names)


def test_faults_let_calls_pass_strike_and_are_gone(emulator: RunningEmulator) -> None:
    emulator.order("error-before", operation="GET /apps", skip=1, count=2, status=503, message="try later")
    statuses = [emulator.call("GET", "/apps").status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert emulator.call("POST", "/_control/faults", {"kind": "earthquake"}).status_code == 422
    assert emulator.call("POST", "/_control/faults", {"kind": "slow", "colour": "red"}).status_code == 422


def test_faults_after_a_call_leave_its_effect(emulator: RunningEmulator) -> None:
    emulator.order("error-after", operation="POST /apps")
    assert emulator.call("POST", "/apps", {"name": "made-anyway"}).status_code == 500
    emulator.order("drop-after", operation="POST /apps")
    with pytest.raises(requests.ConnectionError):
        emulator.call("POST", "/apps", {"name": "made-in-silence"})
    emulator.order("drop-before", operation="POST /apps")
    with pytest.raises(requests.ConnectionError):
        emulator.call("POST", "/apps", {"name": "never-made"})
    assert sorted(app["name"] for app in emulator.get("/apps")) == ["made-anyway", "made-in-silence"]


def test_a_rename_can_be_ordered_between_listing_and_deletion(emulator: RunningEmulator) -> None:
    emulator.create_app("looks-like-ours")
    emulator.create_app("stays")
    emulator.order("rename-app", operation="GET /apps", app="looks-like-ours", name="somebody-elses")
    assert sorted(app["name"] for app in emulator.get("/apps")) == ["looks-like-ours", "stays"]
    assert sorted(app["name"] for app in emulator.get("/apps")) == ["somebody-elses", "stays"]


def test_calls_are_counted_by_operation(emulator: RunningEmulator) -> None:
    before = emulator.calls()
    emulator.create_app("counted")
    emulator.call("GET", "/apps/counted")
    emulator.call("GET", "/apps/uncounted")
    after = emulator.calls()
    assert after["POST /apps"] - before.get("POST /apps", 0) == 1
    assert after["GET /apps/{app}"] - before.get("GET /apps/{app}", 0) == 2
    assert not any("_control" in operation for operation in after)
