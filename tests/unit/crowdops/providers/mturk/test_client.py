"""The wall to the MTurk Requester API, against a real crowd server, botocore's Stubber, and silence."""

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from crowdops.errors import (
    CredentialsRefused,
    DuplicateToken,
    InsufficientFunds,
    NotFound,
    ProviderError,
    Unreachable,
    UsageError,
    WrongState,
)
from crowdops.formats import marks
from crowdops.formats.marks import Mark
from crowdops.formats.question_xml import html_question
from crowdops.providers.mturk import retries
from crowdops.providers.mturk.client import MTurk
from tests.support.processes import SOON, free_port, wait_until
from tests.support.run_parameters import some_parameters
from tests.support.world import World

RUN = "20261122-114502-k3f9"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
_tokens = itertools.count()


@pytest.fixture
def provider(world: World) -> MTurk:
    return MTurk(world.settings)


@pytest.fixture
def faults(world: World) -> Iterator[Any]:
    """Orders a fault of the crowd server; all are taken back in the end."""
    world.crowd.control("faults", method="DELETE")
    yield lambda operation, kind, **more: world.crowd.control(
        "faults", {"operation": operation, "kind": kind, **({"count": 1} | more)}
    )
    world.crowd.control("faults", method="DELETE")


def new_type(provider: MTurk, reward: str = "0.05") -> str:
    parameters = some_parameters(
        task_title="Sort messages",
        task_description="Say what it is about.",
        task_tags="text, sort",
        task_reward=Decimal(reward),
    )
    return provider.create_hit_type(parameters)


def new_hit(
    provider: MTurk, hit_type_id: str, unit: int = 0, *, assignments: int = 1, token: str = ""
) -> str:
    return provider.create_hit(
        hit_type_id=hit_type_id,
        question=html_question("<p>x</p>", 1),
        annotation=marks.annotation(Mark(RUN, unit, "pilot-1")),
        assignments=assignments,
        lifetime=3600,
        token=token or f"token-{next(_tokens)}-{time.time_ns()}",
    )


# A HIT's life


def test_a_hit_from_its_creation_to_its_review(provider: MTurk, world: World) -> None:
    hit_type = new_type(provider)
    assert new_type(provider) == hit_type
    one, two = (new_hit(provider, hit_type, unit, assignments=2) for unit in (0, 1))
    hit = provider.hit(one)
    assert (hit.status, hit.available, hit.pending, hit.submitted, hit.completed) == (
        "Assignable",
        2,
        0,
        0,
        0,
    )
    assert hit.mark == Mark(RUN, 0, "pilot-1") and hit.reward == Decimal("0.05")
    assert hit.assignment_duration == timedelta(seconds=600) and hit.is_outstanding
    for worker in ("AWORKER1", "AWORKER2"):
        world.do(one, worker, label=worker)
    assert [h.hit_id for h in provider.iter_reviewable(hit_type)] == [one]
    found = provider.submissions(one, 2)
    assert sorted(s.worker_id for s in found) == ["AWORKER1", "AWORKER2"]
    assert (
        found[0].status == "Submitted"
        and found[0].accepted_at
        and found[0].answer == {"label": found[0].worker_id}
    )
    assert provider.hit(one).submitted == 2 and not provider.hit(one).is_outstanding
    for _ in range(2):
        provider.mark_reviewing(one)
    assert list(provider.iter_reviewable(hit_type)) == []
    assert {h.hit_id: h.status for h in provider.iter_hits()} == {one: "Reviewing", two: "Assignable"}


def test_expiring_is_safe_to_repeat_and_ends_the_hit_now(provider: MTurk, world: World) -> None:
    hit_type = new_type(provider)
    hits = [new_hit(provider, hit_type, unit) for unit in (0, 1)]
    world.accept(hits[1])
    for hit_id in hits * 2:
        provider.expire(hit_id)
    assert [provider.hit(hit_id).status for hit_id in hits] == ["Reviewable", "Unassignable"]


def test_the_balance_is_money(provider: MTurk, world: World) -> None:
    assert provider.balance() == Decimal("10000.00")
    world.set_funds(7)
    assert provider.balance() == Decimal("0.07")


# Pages


def test_lists_are_read_to_their_end(provider: MTurk, world: World) -> None:
    hit_type = new_type(provider)
    made = [new_hit(provider, hit_type, unit) for unit in range(101)]
    calls = provider.calls
    assert sorted(hit.hit_id for hit in provider.iter_hits()) == sorted(made)
    assert provider.calls - calls == 3  # 100, 1, and the empty page at the end
    for hit_id in made[:3]:
        provider.expire(hit_id)
    assert sorted(hit.hit_id for hit in provider.iter_reviewable(hit_type)) == sorted(made[:3])
    provider.mark_reviewing(made[0])
    assert sorted(hit.hit_id for hit in provider.iter_ended(hit_type)) == sorted(made[:3])


def test_pages_of_the_account_are_fetched_while_one_is_worked_on(
    provider: MTurk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAGE", 2)
    monkeypatch.setattr(retries, "MOST_AHEAD", 4)
    hit_type = new_type(provider)
    made = [new_hit(provider, hit_type, unit) for unit in range(9)]
    calls = provider.calls
    hits = provider.iter_hits()
    assert next(hits).hit_id in made
    wait_until(lambda: provider.calls - calls == 3)
    next(hits)
    assert provider.calls - calls == 3, "no more than may wait"
    assert len(list(hits)) == 7
    assert provider.calls - calls == 6


def wire(number: int, **values: Any) -> dict[str, Any]:
    return {
        "HITId": f"3HIT{number}",
        "HITTypeId": "3TYPE",
        "CreationTime": NOW,
        "Expiration": NOW,
        "HITStatus": "Assignable",
        **values,
    }


def listed(*numbers: int, token: str | None = None) -> dict[str, Any]:
    page = {"NumResults": len(numbers), "HITs": [wire(number) for number in numbers]}
    return page if token is None else {**page, "NextToken": token}


@contextmanager
def stubbed(provider: MTurk) -> Iterator[Stubber]:
    with Stubber(provider._connect()) as stub:
        yield stub
        stub.assert_no_pending_responses()


def test_a_hit_that_is_on_two_pages_is_yielded_once(provider: MTurk) -> None:
    with stubbed(provider) as stub:
        stub.add_response("list_hits", listed(1, 2, token="t1"), {"MaxResults": 100})
        stub.add_response("list_hits", listed(2, 3, token="t2"), {"MaxResults": 100, "NextToken": "t1"})
        stub.add_response("list_hits", listed(), {"MaxResults": 100, "NextToken": "t2"})
        assert [hit.hit_id for hit in provider.iter_hits()] == ["3HIT1", "3HIT2", "3HIT3"]


def test_an_empty_page_with_a_token_is_not_the_end(provider: MTurk) -> None:
    with stubbed(provider) as stub:
        stub.add_response("list_hits", listed(token="t1"), {"MaxResults": 100})
        stub.add_response("list_hits", listed(1), {"MaxResults": 100, "NextToken": "t1"})
        assert [hit.hit_id for hit in provider.iter_hits()] == ["3HIT1"]


def test_a_full_hit_costs_one_call(provider: MTurk) -> None:
    item = {"AssignmentId": "3A", "WorkerId": "AW", "HITId": "3HIT1", "AssignmentStatus": "Submitted"}
    with stubbed(provider) as stub:
        answer = {"Assignments": [item, {**item, "AssignmentId": "3B"}], "NumResults": 2, "NextToken": "more"}
        stub.add_response("list_assignments_for_hit", answer, {"MaxResults": 100, "HITId": "3HIT1"})
        assert [s.assignment_id for s in provider.submissions("3HIT1", 2)] == ["3A", "3B"]


def test_what_is_sent_is_exactly_this(provider: MTurk) -> None:
    with stubbed(provider) as stub:
        stub.add_response(
            "create_hit_type",
            {"HITTypeId": "3TYPE"},
            {
                "Title": "Sort messages",
                "Description": "Say what it is about.",
                "Keywords": "text, sort",
                "Reward": "0.05",
                "AssignmentDurationInSeconds": 600,
                "AutoApprovalDelayInSeconds": 86400,
                "QualificationRequirements": [],
            },
        )
        stub.add_response(
            "create_hit_with_hit_type",
            {"HIT": wire(1)},
            {
                "HITTypeId": "3TYPE",
                "MaxAssignments": 3,
                "LifetimeInSeconds": 3600,
                "Question": html_question("<p>x</p>", 1),
                "RequesterAnnotation": f"crowdops:1:{RUN}:7:pilot-1",
                "UniqueRequestToken": "the-token",
            },
        )
        stub.add_response("update_hit_review_status", {}, {"HITId": "3HIT1", "Revert": False})
        stub.add_response(
            "list_reviewable_hits",
            {"NumResults": 0},
            {"HITTypeId": "3TYPE", "Status": "Reviewable", "MaxResults": 100},
        )
        assert new_type(provider) == "3TYPE"
        assert new_hit(provider, "3TYPE", 7, assignments=3, token="the-token") == "3HIT1"
        provider.mark_reviewing("3HIT1")
        assert list(provider.iter_reviewable("3TYPE")) == []


def test_expiry_dates_lie_years_back_and_differ(provider: MTurk) -> None:
    sent = []
    with Stubber(provider._connect()) as stub:
        for _ in range(3):
            stub.add_response("update_expiration_for_hit", {}, {"HITId": "3HIT1", "ExpireAt": ANY})
        provider._connect().meta.events.register(
            "before-parameter-build.mturk.UpdateExpirationForHIT",
            lambda params, **_: sent.append(params["ExpireAt"]),
        )
        for _ in range(3):
            provider.expire("3HIT1")
            time.sleep(0.002)
    assert all(
        datetime(2015, 1, 1, tzinfo=UTC) <= moment < datetime(2019, 1, 1, tzinfo=UTC) for moment in sent
    )
    assert len(set(sent)) == 3


# Faults


@pytest.mark.parametrize("kind", ["throttle", "error-before"])
def test_a_fault_before_anything_happened_is_repeated(
    provider: MTurk, faults: Any, world: World, kind: str
) -> None:
    hit_type = new_type(provider)
    faults("CreateHITWithHITType", kind, count=2)
    hit_id = new_hit(provider, hit_type)
    assert [hit.hit_id for hit in provider.iter_hits()] == [hit_id]


@pytest.mark.parametrize("kind", ["error-after", "drop-after"])
def test_a_creation_whose_answer_is_lost_is_a_duplicate_and_names_the_hit(
    provider: MTurk, faults: Any, kind: str
) -> None:
    hit_type = new_type(provider)
    faults("CreateHITWithHITType", kind)
    with pytest.raises(DuplicateToken) as caught:
        new_hit(provider, hit_type)
    listed = [hit.hit_id for hit in provider.iter_hits()]
    assert len(listed) == 1 and list(caught.value.hit_ids) == listed


def test_the_other_wording_of_a_duplicate_is_understood_too(provider: MTurk, world: World) -> None:
    hit_type = new_type(provider)
    new_hit(provider, hit_type, token="same")
    world.crowd.control("wording", {"duplicate_token": "plain"})
    with pytest.raises(DuplicateToken, match="already been processed"):
        new_hit(provider, hit_type, token="same")


def test_a_throttled_call_comes_through_in_the_end(provider: MTurk, faults: Any) -> None:
    faults("GetAccountBalance", "throttle", count=5)
    assert provider.balance() == Decimal("10000.00")
    assert provider.calls == 6


def test_a_slow_answer_is_asked_for_again(world: World, faults: Any) -> None:
    provider = MTurk(world.settings._replace(timeout=1.5))
    faults("GetAccountBalance", "slow", seconds=2)
    assert provider.balance() == Decimal("10000.00")
    assert provider.calls == 2


def test_an_endpoint_that_keeps_failing_is_given_up_in_time(world: World, faults: Any) -> None:
    provider = MTurk(world.settings._replace(timeout=1.2))
    faults("GetAccountBalance", "error-before", count=50)
    started = time.monotonic()
    with pytest.raises(Unreachable, match="failed at get_account_balance .* Try again in a minute"):
        provider.balance()
    assert time.monotonic() - started < SOON


def test_a_hit_that_is_not_there_is_not_found(provider: MTurk) -> None:
    for call in (provider.hit, provider.expire, provider.mark_reviewing):
        with pytest.raises(NotFound, match=r"^Hit 3NOSUCH does not exist\.$"):
            call("3NOSUCH")


def test_a_hit_in_another_state_is_the_wrong_state(provider: MTurk) -> None:
    hit_id = new_hit(provider, new_type(provider))
    with pytest.raises(WrongState, match="currently in the state 'Assignable'"):
        provider.delete_hit(hit_id)
    provider.mark_reviewing(hit_id)  # not ended: nothing to mark, and no error


def test_too_little_money_is_said(provider: MTurk, world: World) -> None:
    hit_type = new_type(provider)
    world.set_funds(5)
    with pytest.raises(InsufficientFunds, match="This Requester has insufficient funds"):
        new_hit(provider, hit_type)


def test_what_the_api_refuses_is_said_without_its_time_stamp(provider: MTurk) -> None:
    with pytest.raises(ProviderError) as caught:
        new_hit(provider, new_type(provider), assignments=2_000_000_000)
    assert "MaxAssignments" in str(caught.value) and not str(caught.value).rstrip().endswith(")")
    with pytest.raises(ProviderError, match="update_hit_review_status: .*HITId"):
        provider.mark_reviewing("")


ERRORS = [
    (
        "RequestError",
        "AWS.MechanicalTurk.HITDoesNotExist",
        "Hit 3X does not exist. (1624047673969)",
        NotFound,
    ),
    ("RequestError", None, "Assignment 3X does not exist. (1624047673969 s)", NotFound),
    ("RequestError", "AWS.MechanicalTurk.InvalidAssignmentState", "This operation can be …", WrongState),
    (
        "RequestError",
        None,
        "This operation can be called with a status of: Submitted (1624047673908)",
        WrongState,
    ),
    ("RequestError", "AWS.MechanicalTurk.HITAlreadyExists", "made before", DuplicateToken),
    ("RequestError", "AWS.MechanicalTurk.DuplicateCall", "made before", DuplicateToken),
    ("RequestError", "AWS.MechanicalTurk.InsufficientFunds", "no money", InsufficientFunds),
    ("UnrecognizedClientException", None, "The security token is invalid", CredentialsRefused),
    ("InvalidSignatureException", None, "The signature does not match", CredentialsRefused),
    ("AccessDeniedException", None, "User is not authorized", CredentialsRefused),
    ("ParameterValidationError", None, "The value 11 is invalid", ProviderError),
    ("SomethingNew", None, "never seen", ProviderError),
]


@pytest.mark.parametrize("kind,turk,text,wanted", ERRORS)
def test_errors_are_told_apart(provider: MTurk, kind: str, turk: str | None, text: str, wanted: type) -> None:
    with Stubber(provider._connect()) as stub:
        fields = {"Message": text} | ({"TurkErrorCode": turk} if turk else {})
        modeled = fields if kind == "RequestError" else None
        stub.add_client_error("get_hit", kind, text, 400, modeled_fields=modeled)
        with pytest.raises(wanted) as caught:
            provider.hit("3X")
    assert type(caught.value) is wanted
    assert "16240476" not in str(caught.value)


# Keys


def test_a_wrong_key_is_refused_and_no_secret_is_shown(world: World) -> None:
    path = world.home / "crowd" / "credentials"
    key_id, secret = world.crowd.credentials
    for changed in (secret[::-1], secret + "x"):
        path.write_text(f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {changed}\n")
        provider = MTurk(world.settings)
        with pytest.raises(CredentialsRefused) as caught:
            provider.balance()
        text = str(caught.value)
        assert text.startswith(f"{world.crowd.url} refused the key (") and str(path) in text
        assert changed not in text and changed not in repr(provider) and changed not in repr(vars(provider))


def test_a_key_that_others_can_read_is_refused(world: World) -> None:
    path = world.home / "crowd" / "credentials"
    for mode in (0o640, 0o604):
        path.chmod(mode)
        with pytest.raises(
            CredentialsRefused, match=f"{path} can be read by others. Close it: chmod 600 {path}"
        ):
            MTurk(world.settings).balance()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no section, and hidden",
        b"[default]\naws_access_key_id = x\n",
        b"[default]\nhidden\n",
        b"[default]\n\xff\xfe",
    ],
)
def test_a_file_that_holds_no_key_is_said(world: World, content: bytes) -> None:
    path = world.home / "crowd" / "credentials"
    path.write_bytes(content)
    with pytest.raises(CredentialsRefused, match=f"{path} is not a credentials file: ") as refused:
        MTurk(world.settings).balance()
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("key_id", "secret"), [("", ""), ("CROWD0123456789ABCDE", ""), ("", "s" * 40), ("x" * 20, "s" * 31)]
)
def test_an_empty_or_short_key_is_refused(world: World, key_id: str, secret: str) -> None:
    path = world.home / "crowd" / "credentials"
    path.write_text(f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")
    with pytest.raises(CredentialsRefused, match=f"{path} holds no key pair of a crowd server: ") as refused:
        MTurk(world.settings).balance()
    assert f"the secret has {len(secret)} characters and needs 32" in str(refused.value)


def test_a_pipe_is_no_key(world: World) -> None:
    path = world.home / "crowd" / "credentials"
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(CredentialsRefused, match=f"{path} is not a credentials file: it is a pipe"):
        MTurk(world.settings).balance()


def test_without_a_key_the_server_is_named_that_makes_one(world: World) -> None:
    (world.home / "crowd" / "credentials").unlink()
    with pytest.raises(CredentialsRefused, match=r"There is no key pair at .*credentials.*: make crowd\."):
        MTurk(world.settings).balance()


def test_amazons_environments_use_botos_own_keys(world: World) -> None:
    provider = MTurk(world.settings._replace(environment="sandbox"))
    with pytest.raises(CredentialsRefused, match=r"No AWS key for sandbox: .* Run `aws configure`\."):
        provider.balance()


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_refused_key_of_amazons_is_said_to_be_from_where_boto_has_read_it(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    path = tmp_path / "aws-credentials"
    path.write_text("[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    if place == "environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    wanted = {"environment": "AWS_ACCESS_KEY_ID of the environment", "file": str(path)}[place]
    with pytest.raises(CredentialsRefused, match=f"The key is read from {wanted}"):
        MTurk(world.settings._replace(environment="sandbox")).balance()


def test_a_profile_for_other_things_does_not_disturb_the_local_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    assert MTurk(world.settings).balance() == Decimal("10000.00")


# Silence


@contextmanager
def silent_server() -> Iterator[int]:
    """Accepts connections and never answers; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_hung_endpoint_ends_within_the_time_limit(world: World) -> None:
    with silent_server() as port:
        endpoint = f"http://127.0.0.1:{port}"
        provider = MTurk(world.settings._replace(endpoint=endpoint, timeout=1.5))
        started = time.monotonic()
        with pytest.raises(
            Unreachable, match=rf"{endpoint} did not answer within 1.5 s \(.+\)\. Try again, or give it"
        ):
            provider.balance()
        assert time.monotonic() - started < SOON
        assert provider.calls <= 3


def test_where_nothing_listens_it_fails_soon_and_says_what_to_start(world: World) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(
        Unreachable, match=f"Nothing listens at {endpoint}. Start the crowd server: make crowd"
    ):
        MTurk(world.settings._replace(endpoint=endpoint)).balance()
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_amazons_silence_is_explained_once(
    world: World, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-itself")
    monkeypatch.delenv("AWS_ENDPOINT_URL_MTURK")
    nobody = ("127.0.0.1", free_port())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [(2, 1, 6, "", nobody)])
    settings = world.settings
    from crowdops.config import environments

    endpoint = environments.ENVIRONMENTS[environment].endpoint
    provider = MTurk(settings._replace(environment=environment, endpoint=endpoint))
    with pytest.raises(Unreachable) as caught:
        provider.balance()
    text = str(caught.value)
    assert text.startswith(f"{endpoint} does not answer. Amazon closed Mechanical Turk on 2026-09-30.")
    assert "make crowd" in text and "the-secret-itself" not in text


class Wrong(BaseHTTPRequestHandler):
    """A web server that is no MTurk endpoint."""

    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"<html>Welcome to nginx</html>"
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 404])
def test_a_server_that_is_something_else_is_said(world: World, status: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), type("Answering", (Wrong,), {"status": status}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(
            ProviderError, match=f"{endpoint} answers, but not as the MTurk Requester API does"
        ):
            MTurk(world.settings._replace(endpoint=endpoint)).balance()
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://[::1"])
def test_an_address_that_is_none_is_said(world: World, endpoint: str) -> None:
    with pytest.raises(UsageError, match="cannot be used as an endpoint"):
        MTurk(world.settings._replace(endpoint=endpoint)).balance()


def test_one_client_serves_many_threads(provider: MTurk, world: World) -> None:
    hit_type = new_type(provider)
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda unit=unit: made.append(new_hit(provider, hit_type, unit)))
        for unit in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16
    assert provider.calls == 17


def test_the_home_of_the_key_is_the_settings_own(world: World, tmp_path: Path) -> None:
    with pytest.raises(CredentialsRefused, match=str(tmp_path / "elsewhere")):
        MTurk(world.settings._replace(home=tmp_path / "elsewhere")).balance()
