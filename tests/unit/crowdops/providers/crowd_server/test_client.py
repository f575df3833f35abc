"""The crowd server's doors for workers, against a real crowd server."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crowdops.config.settings import Settings
from crowdops.errors import CredentialsRefused, NotFound, ProviderError, Unreachable, UsageError, WrongState
from crowdops.providers.crowd_server.client import Group, WorkerSession, invite
from crowdops.simulation import answers
from tests.support.crowds import Crowd
from tests.support.offers import Offer, external_question, html_question, offer
from tests.support.pages import served
from tests.support.processes import free_port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "crowd").mkdir(mode=0o700)
    return home


@pytest.fixture(scope="module")
def crowd(home: Path) -> Iterator[Crowd]:
    with Crowd(home / "crowd") as running:
        yield running


@pytest.fixture
def settings(crowd: Crowd, home: Path) -> Settings:
    return settings_for(crowd.url, home)


def settings_for(endpoint: str, home: Path, environment: str = "local", timeout: float = 5.0) -> Settings:
    return Settings(environment, endpoint, home, timeout, poll_interval=1, threads=4)


def session(settings: Settings, **wanted: str) -> WorkerSession:
    opened = WorkerSession(invite(settings, **wanted).url, settings.timeout)
    opened.sign_in()
    return opened


def group(worker: WorkerSession, offered: Offer) -> Group:
    return next(group for group in worker.work() if group.hit_type_id == offered.hit_type_id)


# Invitations


def test_an_invitation_makes_a_worker_and_a_link(settings: Settings) -> None:
    first, second = invite(settings, name="Ada"), invite(settings)
    assert (first.name, second.name) == ("Ada", "")
    assert first.worker_id != second.worker_id
    assert first.url.startswith(f"{settings.endpoint}/sign-in/")


def test_a_known_worker_gets_a_new_link(settings: Settings) -> None:
    old = invite(settings, worker_id="AKNOWN", name="Ada")
    new = invite(settings, worker_id="AKNOWN")
    assert (new.worker_id, new.name) == ("AKNOWN", "Ada")
    WorkerSession(new.url).sign_in()
    with pytest.raises(
        CredentialsRefused, match=r"Please sign in .* there is a newer one.*\(403 at 127\.0\.0\.1"
    ):
        WorkerSession(old.url).sign_in()


def test_a_bad_worker_id_is_a_usage_error(settings: Settings) -> None:
    with pytest.raises(UsageError, match="'me' is no worker id: give A and then"):
        invite(settings, worker_id="me")


def test_a_key_that_the_server_does_not_know_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "crowd").mkdir()
    keys = tmp_path / "crowd" / "credentials"
    keys.write_text("[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = " + "wrong" * 8)
    keys.chmod(0o600)
    with pytest.raises(
        CredentialsRefused, match="refused the key: The security token included in the request"
    ) as refused:
        invite(settings_for(settings.endpoint, tmp_path))
    assert f"The key is read from {keys}: it must be that server's own" in str(refused.value)


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_amazons_environments_have_no_such_door(settings: Settings, environment: str) -> None:
    with pytest.raises(UsageError, match=f"the environment {environment} has none"):
        invite(settings._replace(environment=environment))


def test_a_server_that_is_not_there_is_unreachable(settings: Settings) -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"Nothing listens at http://127.0.0.1:{port}. Start the"):
        invite(settings._replace(endpoint=f"http://127.0.0.1:{port}"))


def test_a_server_that_never_answers_is_given_up_in_time(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"{url} did not answer within 0.3 seconds"):
            invite(settings._replace(endpoint=url, timeout=0.3))
        with pytest.raises(Unreachable, match=f"{url} did not answer within 0.3 seconds"):
            WorkerSession(f"{url}/sign-in/x", 0.3).sign_in()


def test_an_answer_that_breaks_off_is_that_of_a_server_that_went_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

        def answer_half() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<html>")

        answering = threading.Thread(target=answer_half)
        answering.start()
        with pytest.raises(Unreachable, match=f"{url} broke off its answer."):
            WorkerSession(f"{url}/sign-in/x", 5).sign_in()
        answering.join()


def test_another_kind_of_server_is_told_apart(settings: Settings, crowd: Crowd) -> None:
    with pytest.raises(ProviderError, match=r"answers, but not as a crowd server \(404\)"):
        invite(settings._replace(endpoint=f"{crowd.url}/health"))


# Work


def test_a_worker_takes_unit_after_unit_and_submits_them(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    worker = session(settings)
    for number in (1, 2):
        task = worker.accept_next(group(worker, offered))
        form = worker.read(task)
        worker.submit(form, answers.fill(form, random.Random(number)))
    assert [[name for name, _ in fields] for fields in offered.answers()] == [["label", "why"]] * 2
    assert all(fields[0][1] in ("cat", "dog") for fields in offered.answers())
    assert offered.hit_type_id not in [group.hit_type_id for group in worker.work()]


def test_a_returned_unit_can_be_taken_by_another_worker(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1)
    first, second = session(settings), session(settings)
    task = first.accept_next(group(first, offered))
    assert offered.hit_type_id not in [group.hit_type_id for group in second.work()]
    first.give_back(task)
    assert second.accept_next(group(second, offered)).assignment_id != task.assignment_id


def test_who_comes_too_late_for_the_last_unit_is_told(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1)
    first, second = session(settings), session(settings)
    seen = group(second, offered)
    first.accept_next(group(first, offered))
    with pytest.raises(WrongState, match="This work is no longer available"):
        second.accept_next(seen)


def test_work_that_is_not_for_this_worker_is_shown_but_not_taken(settings: Settings, crowd: Crowd) -> None:
    requirement = {
        "QualificationTypeId": "000000000000000000L0",
        "Comparator": "LessThan",
        "IntegerValues": [50],
    }
    offered = offer(crowd.client(), 2, QualificationRequirements=[requirement])
    worker = session(settings)
    with pytest.raises(WrongState, match=f"{offered.title}: this worker may not accept it"):
        worker.accept_next(group(worker, offered))


def test_what_is_submitted_or_returned_twice_is_told(settings: Settings, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    worker = session(settings)
    task = worker.accept_next(group(worker, offered))
    form = worker.read(task)
    values = answers.fill(form, random.Random(1))
    worker.submit(form, values)
    with pytest.raises(WrongState, match="You have submitted this assignment already"):
        worker.submit(form, values)
    with pytest.raises(WrongState, match="You have submitted this assignment already"):
        worker.give_back(task)
    assert len(offered.submissions()) == 1


def test_a_page_on_another_server_is_read_there_and_submitted_here(settings: Settings, crowd: Crowd) -> None:
    page = (
        "<form><input name='assignmentId' type='hidden'><input name='a' type='hidden' value='1'><button>Go"
        "</button></form><script>form.action = turkSubmitTo + '/mturk/externalSubmit'</script>"
    )
    with served(page) as url:
        offered = offer(crowd.client(), 2, question=external_question(f"{url}/unit/1?x=2"))
        worker = session(settings)
        task = worker.accept_next(group(worker, offered))
        shown = url.replace("127.0.0.1", "localhost")  # so that it gets no cookie of the site
        assert task.frame_url.startswith(f"{shown}/unit/1?x=2&assignmentId={task.assignment_id}&hitId=")
        form = worker.read(task)
    assert form.action == f"{crowd.url}/mturk/externalSubmit"
    worker.submit(form, answers.fill(form, random.Random(1)))
    assert offered.answers() == [[("a", "1")]]


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (409, WrongState), (500, ProviderError)])
def test_a_page_that_fails_says_how(
    settings: Settings, crowd: Crowd, status: int, error: type[ProviderError]
) -> None:
    with served("<h1>Finish unit 3 first</h1>", status) as url:
        offered = offer(crowd.client(), 1, question=external_question(url))
        worker = session(settings)
        with pytest.raises(error, match=rf"^Finish unit 3 first \({status} at localhost:\d+\)$"):
            worker.read(worker.accept_next(group(worker, offered)))


def test_a_page_that_needs_javascript_is_an_error(settings: Settings, crowd: Crowd) -> None:
    offered = offer(
        crowd.client(), 2, question=html_question("<!doctype html><div id=app></div><script>1</script>")
    )
    worker = session(settings)
    with pytest.raises(ProviderError, match="no form that works without JavaScript"):
        worker.read(worker.accept_next(group(worker, offered)))
