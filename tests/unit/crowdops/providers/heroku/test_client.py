"""The wall to Heroku against the emulator: real HTTP, real processes, Heroku's own refusals."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from crowdops.errors import (
    AccessDenied,
    AppLimitReached,
    BuildFailed,
    CredentialsRefused,
    InsufficientFunds,
    NameTaken,
    NotFound,
    ProviderError,
    Unreachable,
    UsageError,
)
from crowdops.providers.heroku.calls import base_url
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.heroku.models import dyno_dollars
from tests.support.heroku.emulator import ACCOUNT_EMAIL, TOKEN
from tests.support.heroku.running import RunningEmulator, running_emulator
from tests.support.heroku.sources import FILES, tarball
from tests.support.processes import SOON, wait_until

COLLEAGUE = "colleague-token"


@pytest.fixture(scope="module")
def shared_emulator() -> Iterator[RunningEmulator]:
    with running_emulator("--page-size", "2", "--boot-timeout", "5") as emulator:
        emulator.add_account("colleague@example.org", COLLEAGUE)
        emulator.add_team("lab", [ACCOUNT_EMAIL])
        yield emulator


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> Iterator[RunningEmulator]:
    yield shared_emulator
    shared_emulator.sweep()


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that the wall asked for, none of which was waited for in full."""
    return []


@pytest.fixture
def heroku(emulator: RunningEmulator, pauses: list[float]) -> Heroku:
    return Heroku(
        TOKEN, emulator.url, timeout=10, sleep=lambda seconds: (pauses.append(seconds), time.sleep(0.05))[1]
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.tgz"
    file.write_bytes(tarball(FILES))
    return file


@pytest.fixture
def hung_server() -> Iterator[str]:
    """It accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def deploy(heroku: Heroku, app_id: str, source: Path) -> None:
    build = heroku.create_build(app_id, heroku.upload_source(source), source, "run-1")
    heroku.wait_for_release(app_id, build.id, patience=20)


# the address


@pytest.mark.parametrize("host", ["", "heroku.com", "https://api.heroku.com", "https://api.heroku.com/"])
def test_herokus_own_address_is_used_unless_another_is_named(host: str) -> None:
    assert base_url(host) == "https://api.heroku.com"


@pytest.mark.parametrize(
    "host",
    ["http://127.0.0.1:8931", "http://localhost:8931", "https://localhost:8943", "http://127.0.0.1:8931/"],
)
def test_an_emulator_on_this_machine_may_be_named(host: str) -> None:
    assert base_url(host) == host.rstrip("/")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8931",
        "http://api.heroku.com",
        "http://heroku.test:8931",
        "https://localhost.example.org",
        "http://127.0.0.1@example.org",
        "http://127.0.0.1:80@example.org/",
        "http://user:secret@127.0.0.1:8931",
        "http://127.0.0.1:8931/path",
        "http://127.0.0.1:8931?x",
        "http://127.0.0.1:port",
        "ftp://127.0.0.1",
    ],
)
def test_the_key_goes_to_no_other_host(host: str) -> None:
    with pytest.raises(UsageError, match="the key would go there"):
        base_url(host)


# the key


@pytest.mark.parametrize("token", ["", "  ", "schlüssel"])
def test_a_missing_key_is_told_before_any_call(token: str) -> None:
    with pytest.raises(CredentialsRefused, match="set HEROKU_API_KEY"):
        Heroku(token, "http://127.0.0.1:1", timeout=1)


def test_a_wrong_key_is_refused_at_the_first_call(emulator: RunningEmulator) -> None:
    for call in (
        Heroku("wrong", emulator.url, timeout=5).account,
        Heroku("wrong", emulator.url, timeout=5).rate_limit,
    ):
        with pytest.raises(
            CredentialsRefused,
            match="does not accept the key in HEROKU_API_KEY: Invalid credentials.* It is read from",
        ):
            call()


def test_the_key_shows_in_no_repr_and_no_error(emulator: RunningEmulator) -> None:
    secret = "a-secret-of-ours"
    heroku = Heroku(secret, emulator.url, timeout=5)
    with pytest.raises(CredentialsRefused) as refused:
        heroku.account()
    with pytest.raises(Unreachable) as unreachable:
        Heroku(secret, "http://127.0.0.1:9", timeout=1, sleep=lambda _: None).account()
    for text in (repr(heroku), str(refused.value), repr(unreachable.value), str(unreachable.value)):
        assert secret not in text


def test_the_account_and_its_remaining_calls_are_read(heroku: Heroku) -> None:
    account = heroku.account()
    assert (account.email, account.verified) == (ACCOUNT_EMAIL, True)
    before = heroku.rate_limit()
    heroku.account()
    heroku.account()
    assert heroku.rate_limit() < before <= 4500


# apps


def test_apps_are_created_with_what_the_api_says_of_them(heroku: Heroku) -> None:
    first, second = heroku.create_app("first-app"), heroku.create_app("second-app")
    assert (first.owner, first.team, first.maintenance) == (ACCOUNT_EMAIL, None, False)
    assert abs(datetime.now(UTC) - first.created_at) < timedelta(seconds=5)
    assert first.web_url != second.web_url
    assert heroku.app("first-app") == heroku.app(first.id) == first


def test_no_stack_is_asked_for_that_may_be_gone(heroku: Heroku, emulator: RunningEmulator) -> None:
    for name, team in (("plain", None), ("of-a-team", "lab")):
        heroku.create_app(name, team=team)
        app = emulator.get(f"/apps/{name}")
        assert (app["region"]["name"], app["stack"]["name"]) == ("us", "heroku-24")


def test_all_parts_of_a_long_list_are_followed_and_nothing_is_printed(
    heroku: Heroku, emulator: RunningEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        heroku.create_app(f"own-{number}")
    heroku.create_app("of-the-lab", team="lab")
    before = emulator.calls().get("GET /apps", 0)
    found = {app.name: app for app in heroku.apps()}
    assert set(found) == {"own-0", "own-1", "own-2", "own-3", "of-the-lab"}
    assert (found["of-the-lab"].team, found["of-the-lab"].owner) == ("lab", "lab@herokumanager.com")
    assert emulator.calls()["GET /apps"] - before == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("team", [None, "lab"])
def test_a_taken_name_is_an_error_even_for_an_app_of_ours(heroku: Heroku, team: str | None) -> None:
    heroku.create_app("wanted-name")
    with pytest.raises(NameTaken, match="Name wanted-name is already taken"):
        heroku.create_app("wanted-name", team=team)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("app-limit", AppLimitReached, "reached your app limit of 100 apps"),
        ("verification-required", InsufficientFunds, "verify your account by adding payment information"),
        ("delinquent", InsufficientFunds, "HTTP 402, delinquent"),
    ],
)
def test_refused_creations_have_errors_of_their_own(
    heroku: Heroku, emulator: RunningEmulator, fault: str, error: type[ProviderError], words: str
) -> None:
    emulator.order(fault)
    with pytest.raises(error, match=words):
        heroku.create_app("wanted")
    assert list(heroku.apps()) == []


def test_missing_and_foreign_apps_are_told_apart(heroku: Heroku, emulator: RunningEmulator) -> None:
    emulator.create_app("not-ours", token=COLLEAGUE)
    for call in (heroku.app, heroku.config_vars, heroku.dynos, heroku.formation, heroku.log_tail):
        with pytest.raises(AccessDenied, match="You do not have access to the app not-ours"):
            call("not-ours")
        with pytest.raises(NotFound, match="Couldn't find that app"):
            call("no-such-app")


def test_an_identity_cannot_lead_to_another_path(heroku: Heroku) -> None:
    heroku.create_app("victim")
    for identity in ("victim/config-vars", "../account", "victim?x="):
        with pytest.raises(NotFound):
            heroku.app(identity)


def test_deleting_is_by_id_and_safe_to_repeat(heroku: Heroku, emulator: RunningEmulator) -> None:
    app, other = heroku.create_app("to-delete"), heroku.create_app("to-keep")
    emulator.call("PATCH", "/apps/to-delete", {"name": "renamed-meanwhile"})
    assert heroku.delete_app(app.id)
    assert not heroku.delete_app(app.id)
    assert [found.name for found in heroku.apps()] == [other.name]


def test_a_403_on_delete_means_gone_only_when_the_app_cannot_be_read(
    heroku: Heroku, emulator: RunningEmulator
) -> None:
    gone = heroku.create_app("gone")
    heroku.delete_app(gone.id)
    emulator.order(
        "error-before", operation="DELETE /apps/{app}", status=403, id="forbidden", message="no access"
    )
    assert not heroku.delete_app(gone.id)
    shared = emulator.create_app("shared", token=COLLEAGUE)
    emulator.call("POST", "/apps/shared/collaborators", {"user": ACCOUNT_EMAIL}, token=COLLEAGUE)
    with pytest.raises(AccessDenied, match="You do not have access to the app shared"):
        heroku.delete_app(shared["id"])


# configuration and deployment


def test_config_vars_are_set_and_removed_in_one_call(heroku: Heroku, emulator: RunningEmulator) -> None:
    app = heroku.create_app("configured")
    assert heroku.config_vars(app.id) == {}
    heroku.set_config(app.id, {"ONE": "1", "TWO": "zwei", "THREE": "3"})
    before = emulator.calls()["PATCH /apps/{app}/config-vars"]
    heroku.set_config(app.id, {"ONE": None, "TWO": "2"})
    assert heroku.config_vars(app.id) == {"TWO": "2", "THREE": "3"}
    assert emulator.calls()["PATCH /apps/{app}/config-vars"] == before + 1


def test_a_source_is_built_released_scaled_and_served(
    heroku: Heroku, source: Path, pauses: list[float]
) -> None:
    app = heroku.create_app("served")
    heroku.set_config(app.id, {"GREETING": "good day"})
    build = heroku.create_build(app.id, heroku.upload_source(source), source, "run-1")
    assert (build.status, build.release_id) == ("pending", None)
    done = heroku.wait_for_release(app.id, build.id, patience=20)
    assert (done.id, done.status, bool(done.release_id)) == (build.id, "succeeded", True)
    assert pauses == sorted(pauses) and max(pauses, default=0) <= 3
    heroku.scale(app.id, "web", 2, "standard-1x")
    formation = {entry.process_type: entry for entry in heroku.formation(app.id)}
    assert {name: entry.quantity for name, entry in formation.items()} == {"web": 2, "clock": 0}
    assert formation["web"].size == "Standard-1X"
    wait_until(lambda: [dyno.state for dyno in heroku.dynos(app.id)] == ["up", "up"])
    assert [dyno.name for dyno in heroku.dynos(app.id)] == ["web.1", "web.2"]
    assert requests.get(app.web_url or "", timeout=10).json()["greeting"] == "good day"
    heroku.scale(app.id, "web", 0)
    assert heroku.dynos(app.id) == []


def test_a_failed_build_tells_the_end_of_its_output(
    heroku: Heroku, emulator: RunningEmulator, source: Path
) -> None:
    app = heroku.create_app("fails")
    emulator.order("build-failure")
    build = heroku.create_build(app.id, heroku.upload_source(source), source, "run-1")
    with pytest.raises(BuildFailed, match="This build was ordered to fail") as failed:
        heroku.wait_for_release(app.id, build.id, patience=20)
    assert str(failed.value).splitlines()[-1] == " !     Push failed"


def test_a_build_is_not_waited_for_longer_than_asked(
    heroku: Heroku, emulator: RunningEmulator, source: Path
) -> None:
    app = heroku.create_app("slow-one")
    emulator.order("slow-build", seconds=5)
    build = heroku.create_build(app.id, heroku.upload_source(source), source, "run-1")
    with pytest.raises(BuildFailed, match="was not done after 0.2 seconds"):
        heroku.wait_for_release(app.id, build.id, patience=0.2)


def test_scaling_before_the_first_build_finds_no_process_type(heroku: Heroku, source: Path) -> None:
    app = heroku.create_app("unbuilt")
    assert heroku.formation(app.id) == []
    with pytest.raises(NotFound, match=r"Couldn't find that process type \(web\)"):
        heroku.scale(app.id, "web", 1, "basic")
    deploy(heroku, app.id, source)
    with pytest.raises(ProviderError, match="Process tier is invalid"):
        heroku.scale(app.id, "web", 1, "hobby")


def test_the_log_tail_is_the_end_of_the_log(heroku: Heroku, emulator: RunningEmulator, source: Path) -> None:
    app = heroku.create_app("crashing")
    emulator.order("boot-crash", count=2)
    deploy(heroku, app.id, source)
    wait_until(lambda: [dyno.state for dyno in heroku.dynos(app.id)] == ["crashed"])
    wait_until(lambda: heroku.log_tail(app.id)[-1].endswith("State changed from starting to crashed"))
    assert any("ModuleNotFoundError" in line for line in heroku.log_tail(app.id))
    assert len(heroku.log_tail(app.id, lines=2)) == 2


def test_uploads_and_logs_go_without_the_key(
    heroku: Heroku, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password another-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    app = heroku.create_app("keyless")
    deploy(heroku, app.id, source)  # the emulator's blob store refuses what carries an Authorization
    assert heroku.account().email == ACCOUNT_EMAIL


# trouble


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error-before", "status": 503},
        {"kind": "error-before", "status": 500},
        {"kind": "throttle"},
        {"kind": "drop-before"},
    ],
)
def test_reads_are_repeated_with_growing_pauses(
    heroku: Heroku, emulator: RunningEmulator, pauses: list[float], fault: dict[str, str | int]
) -> None:
    emulator.order(
        str(fault["kind"]),
        operation="GET *",
        count=2,
        **{key: value for key, value in fault.items() if key != "kind"},
    )
    assert heroku.account().email == ACCOUNT_EMAIL
    assert pauses == [0.5, 1.0]
    emulator.order("throttle", operation="GET *", count=99)
    with pytest.raises(ProviderError, match="limit of 4,500 calls an hour is used up"):
        heroku.account()


def test_changes_are_never_repeated_and_their_outcome_is_called_unknown(
    heroku: Heroku, emulator: RunningEmulator, pauses: list[float]
) -> None:
    for kind, words in (
        ("error-after", "Whether it took effect is not known"),
        ("drop-after", "cannot be reached"),
    ):
        before = emulator.calls().get("POST /apps", 0)
        emulator.order(kind, operation="POST /apps", status=502)
        with pytest.raises(Unreachable, match=words):
            heroku.create_app(f"made-by-{kind}")
        while emulator.calls()["POST /apps"] == before:  # it is counted once it is answered
            time.sleep(0.01)
        assert emulator.calls()["POST /apps"] == before + 1
        assert heroku.app(f"made-by-{kind}").owner == ACCOUNT_EMAIL
    assert pauses == []


def test_a_throttled_change_is_refused_and_not_unknown(heroku: Heroku, emulator: RunningEmulator) -> None:
    emulator.order("throttle", operation="POST /apps")
    with pytest.raises(ProviderError, match="used up. Wait some minutes") as refused:
        heroku.create_app("throttled")
    assert not isinstance(refused.value, Unreachable)
    assert list(heroku.apps()) == []


def test_an_address_where_nobody_listens_is_unreachable() -> None:
    heroku = Heroku(TOKEN, "http://127.0.0.1:9", timeout=5, sleep=lambda _: None)
    for call in (heroku.account, lambda: heroku.create_app("nowhere")):
        with pytest.raises(Unreachable, match=r"http://127.0.0.1:9 cannot be reached .*Connection refused"):
            call()


def test_a_server_that_never_answers_costs_one_time_limit(hung_server: str) -> None:
    heroku = Heroku(TOKEN, hung_server, timeout=0.5)
    for call in (heroku.account, lambda: heroku.delete_app("some-app")):
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer within 0.5 seconds"):
            call()
        assert time.monotonic() - started < SOON


def test_repeats_end_with_the_time_limit(emulator: RunningEmulator) -> None:
    heroku = Heroku(TOKEN, emulator.url, timeout=0.4)
    emulator.order("error-before", operation="GET /account", count=9, status=503)
    with pytest.raises(Unreachable, match="HTTP 503"):
        heroku.account()
    emulator.clear_faults()
    assert heroku.account().email == ACCOUNT_EMAIL


@contextmanager
def web_server(status: str, answers: int) -> Iterator[str]:
    """It answers so many requests with a page of HTML, as a proxy before the API would."""
    headers = "Content-Length: 6\r\nContent-Type: text/html\r\nConnection: close"
    page = f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n<html>"

    def serve(listener: socket.socket) -> None:
        for _ in range(answers):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(page.encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join()


def test_an_answer_that_is_no_json_is_not_taken_for_one() -> None:
    with web_server("200 OK", answers=2) as address:
        heroku = Heroku(TOKEN, address, timeout=5)
        for call in (heroku.account, heroku.rate_limit):
            with pytest.raises(ProviderError, match="did not answer with JSON"):
                call()


def test_an_error_page_is_told_by_its_status() -> None:
    with (
        web_server("502 Bad Gateway", answers=1) as address,
        pytest.raises(Unreachable, match="Bad Gateway .HTTP 502."),
    ):
        Heroku(TOKEN, address, timeout=5).create_app("wanted")
    with (
        web_server("418 Teapot", answers=1) as address,
        pytest.raises(ProviderError, match="Teapot .HTTP 418."),
    ):
        Heroku(TOKEN, address, timeout=5).account()


def test_proxies_are_passed_by_for_an_emulator(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Heroku(TOKEN, emulator.url, timeout=5).account().email == ACCOUNT_EMAIL


def test_one_client_serves_many_threads(heroku: Heroku) -> None:
    names = [f"thread-{number}" for number in range(8)]
    threads = [threading.Thread(target=heroku.create_app, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(app.name for app in heroku.apps()) == names


def test_dynos_are_priced_by_size_number_and_time() -> None:
    month = 720 * 3600
    assert dyno_dollars("Basic", 1, month) == Decimal(7)
    assert dyno_dollars("standard-2X", 3, month / 2) == Decimal(75)
    assert dyno_dollars("Eco", 2, month) == 0
    assert dyno_dollars("basic", 0, month) == 0
    assert dyno_dollars("premium-xxl", 1, month) is None
