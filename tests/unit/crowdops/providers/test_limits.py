"""The limits of exchanges: a trickle, an endless list, what unpacks to too much, what leads elsewhere."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crowdops.config.settings import Settings
from crowdops.errors import ProviderError, Unreachable, Unreadable
from crowdops.providers import answers, limits, sessions, task_server
from crowdops.providers.crowd_server.client import WorkerSession
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.mturk.client import MTurk
from tests.support.hostile import HostileServer, Reply, Request, bomb

KEY_ID, SECRET = "AKIDEXAMPLEOFATEST12", "the/secret+of+the/key/that+nobody/shows"
HEROKU_KEY = "HRKU-01234567-89ab-cdef"
SHORT, LONG = 0.5, 30.0  # seconds
Calls = dict[str, Callable[[str, Path], object]]


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer(lambda request: Reply.of(b"{}")) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    file = tmp_path / "crowd" / "credentials"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    return tmp_path


def mturk(url: str, home: Path, timeout: float = LONG) -> MTurk:
    settings = Settings("local", url, home, timeout, 1, 4, 14, quiet=False, verbose=False, as_json=False)
    return MTurk(settings, sleep=lambda seconds: None)


def heroku(url: str, timeout: float = LONG) -> Heroku:
    return Heroku(HEROKU_KEY, url, timeout, sleep=lambda seconds: None)


READS: Calls = {
    "mturk": lambda url, home: mturk(url, home, SHORT).hit("3HIT"),
    "heroku": lambda url, home: heroku(url, SHORT).account(),
    "crowd server": lambda url, home: WorkerSession(f"{url}/sign-in/x", SHORT).work(),
}
OF_READS = pytest.mark.parametrize("read", READS.values(), ids=READS)


def trickle(start: bytes) -> Reply:
    """Return an answer of which a byte comes now and then, for longer than any limit here."""
    kind = (("Content-Type", "application/json"),)
    return Reply("200 OK", kind, lambda: (b" " for _ in range(600)), 0.1, start)


@OF_READS
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["body", "after a promise"])
def test_an_answer_that_trickles_ends_with_the_time_limit(
    read: Callable[[str, Path], object], start: bytes, server: HostileServer, home: Path
) -> None:
    server.answer = lambda request: trickle(start)
    with pytest.raises(Unreachable, match=r"did not answer within 0\.5 s"):
        read(server.url, home)


def test_a_task_server_that_trickles_is_given_up(server: HostileServer) -> None:
    server.answer = lambda request: trickle(b"")
    assert task_server.health(server.url, SHORT) is None
    assert "did not answer within 0.5 s" in task_server.trouble(server.url, SHORT)
    assert list(task_server.load([(server.url, {})], SHORT)) == [None]


def test_what_unpacks_to_too_much_is_not_unpacked(server: HostileServer, home: Path) -> None:
    packed = bomb(100)
    headers = (("Content-Encoding", "gzip"), ("Content-Length", str(len(packed))))
    server.answer = lambda request: Reply("200 OK", headers, lambda: iter([packed]))
    with pytest.raises(Unreadable, match="sent more than 16 MB"):
        heroku(server.url).account()
    with pytest.raises(Unreadable, match="sent more than 4 MB"):
        WorkerSession(f"{server.url}/sign-in/x", LONG).work()
    assert task_server.health(server.url, LONG) is None


def test_of_large_answers_one_is_in_memory_at_a_time() -> None:
    with limits.within("a", 30) as one:
        one.receive(limits.LARGE_BYTES + 1)
        other = limits.Exchange("b", 0.05, 0.05, limits.MOST_BYTES, limits.LARGE_BYTES)
        with pytest.raises(Unreachable):
            other.receive(limits.LARGE_BYTES + 1)
    other = limits.Exchange("b", 30, 30, limits.MOST_BYTES, limits.LARGE_BYTES)
    other.receive(limits.LARGE_BYTES + 1)
    other.end()


@pytest.mark.parametrize("unit", [b"[[]],", b'{"":0},', b'"a",', b"1,"])
def test_a_json_text_that_takes_much_memory_is_not_read(unit: bytes) -> None:
    with pytest.raises(ValueError, match="more than 200000 values"):
        answers.parse(b"[" + unit * 2_000_000 + b"1]")


def test_commas_in_texts_are_no_values() -> None:
    assert answers.parse(b'["' + b"," * 2_000_000 + b'"]') == ["," * 2_000_000]


def test_lists_that_lead_in_a_circle_end(server: HostileServer, home: Path) -> None:
    server.answer = lambda request: Reply.of(b'{"NumResults":0,"HITs":[],"NextToken":"a"}')
    with pytest.raises(Unreadable, match="list_hits in a circle"):
        list(mturk(server.url, home).iter_hits())
    reply = Reply.of(b"[]", "206 Partial Content")
    server.answer = lambda request: reply._replace(headers=(*reply.headers, ("Next-Range", "]a..;")))
    with pytest.raises(Unreadable, match="in a circle"):
        list(heroku(server.url).apps())


def test_a_list_of_empty_pages_ends(server: HostileServer, home: Path) -> None:
    pages = iter(range(1000))
    server.answer = lambda request: Reply.of(b'{"NumResults":0,"HITs":[],"NextToken":"%d"}' % next(pages))
    with pytest.raises(Unreadable, match="list_hits without end"):
        list(mturk(server.url, home).iter_hits())


def test_nothing_is_sent_where_an_answer_leads(server: HostileServer, home: Path) -> None:
    seen: list[Request] = []
    with HostileServer(lambda request: (seen.append(request), Reply.of(b"{}"))[1]) as elsewhere:
        away = Reply(
            "307 Temporary Redirect", (("Location", elsewhere.url), ("Content-Length", "0")), lambda: iter([])
        )
        server.answer = lambda request: away
        for call in (
            lambda: mturk(server.url, home).hit("3HIT"),
            lambda: mturk(server.url, home).approve("3A", None),
            lambda: heroku(server.url).account(),
            lambda: heroku(server.url).set_config("x", {"SECRET": "y"}),
        ):
            with pytest.raises(ProviderError, match="leads elsewhere"):
                call()
        task_server.release(server.url, "token", [("3A", "AW")], 5)
    assert seen == []


def test_keys_are_cut_out_of_what_a_provider_says(server: HostileServer, home: Path) -> None:
    as_sent = base64.b64encode(f":{HEROKU_KEY}".encode()).decode()
    said = f"refused: {KEY_ID} {SECRET} \\u001b[2J {'x' * 9000}"
    server.answer = lambda request: Reply.of(f'{{"message": "{said}"}}'.encode(), "400 Bad Request")
    with pytest.raises(ProviderError) as of_mturk:
        mturk(server.url, home).hit("3HIT")
    said_by_heroku = f"refused: {HEROKU_KEY} Basic {as_sent} \\u009b2J {'x' * 9000}"
    body = f'{{"id": "invalid", "message": "{said_by_heroku}"}}'.encode()
    server.answer = lambda request: Reply.of(body, "422 Unprocessable")
    with pytest.raises(ProviderError) as of_heroku:
        heroku(server.url).account()
    for error in (str(of_mturk.value), str(of_heroku.value)):
        assert "refused: [secret] " in error and len(error) < 1000 and error.isprintable()
        assert not any(secret in error for secret in (KEY_ID, SECRET, HEROKU_KEY, as_sent))


@pytest.mark.parametrize(
    "value",
    [
        '{"HIT": null}',
        '{"HIT": []}',
        '{"HIT": {"HITId": 7, "CreationTime": 1, "Expiration": 1}}',
        '{"HIT": {"HITId": "3OTHER", "CreationTime": 1, "Expiration": 1}}',
        '{"HIT": {"HITId": "3HIT", "CreationTime": 1e300, "Expiration": 1}}',
        '{"HIT": {"HITId": "3HIT", "CreationTime": 1, "Expiration": 1, "MaxAssignments": 1e999}}',
        '{"HIT": {"HITId": "3HIT", "CreationTime": 1, "Expiration": 1, "Reward": "NaN"}}',
        '{"HIT": {"HITId": "3HIT", "CreationTime": 1, "Expiration": 1, "HITStatus": "Lost"}}',
        '{"HIT":' * 3000,
        "[]",
    ],
)
def test_what_is_no_hit_is_said_at_the_wall(value: str, server: HostileServer, home: Path) -> None:
    server.answer = lambda request: Reply.of(value.encode())
    with pytest.raises(ProviderError):
        mturk(server.url, home).hit("3HIT")


def test_an_unreadable_answer_to_a_creation_leaves_its_outcome_open(
    server: HostileServer, home: Path
) -> None:
    def create() -> Any:
        parts = {"hit_type_id": "3T", "question": "<x/>", "annotation": "a", "token": "t"}
        return mturk(server.url, home, 3).create_hit(**parts, assignments=1, lifetime=60)

    server.answer = lambda request: Reply.of(b'{"HIT": {"HITId": 7}}')
    with pytest.raises(Unreachable):
        create()
    server.answer = lambda request: Reply.of(b'{"name": 7}')
    with pytest.raises(Unreachable, match="Whether it took effect is not known"):
        heroku(server.url).create_app("crowdops-x")


def test_half_characters_become_what_a_file_can_hold() -> None:
    assert answers.Redaction().value({"a": ["\ud800b", "é"]}) == {"a": ["\ufffdb", "é"]}


@pytest.mark.parametrize("name", ["undefined", "punycode", "idna", "nonsense", "hex", "\x00"])
def test_a_page_is_read_whatever_encoding_it_names(name: str, server: HostileServer) -> None:
    with sessions.Session() as session:
        answer = session.get(server.url, timeout=30)
        answer.encoding = name
        assert sessions.text(answer) == "{}"


def test_a_health_that_is_not_as_it_should_be_has_no_fields(server: HostileServer) -> None:
    server.answer = lambda request: Reply.of(
        b'{"status": ["ok"], "run_id": "\\u001b[2J", "active": true, "served": -1, "draining": false}'
    )
    assert task_server.health(server.url, 30) == {"draining": False}
