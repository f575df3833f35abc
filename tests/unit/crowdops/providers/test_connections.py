"""What is said of a connection that does not come about, whichever library was to make it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from crowdops.config import settings
from crowdops.errors import UsageError
from crowdops.providers import task_server
from tests.support.endpoints import Endpoint
from tests.support.processes import free_port
from tests.support.world import World

# A certificate for "localhost" that nobody has signed, and its key; valid for a hundred years.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5CBsy+pnLsNaz0W9
W2OfT7n4zksSPockFrHEqoFg7TihRANCAATO2q5NbLAGDNq15U9dmF+xaR3O95lB
1RrfU+9mxVPo+5tAAHrifyyde19V8kX17UifZ8miv+7UeVwQ4MkOUqfl
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUXYY5oiKRwlhRRt3zU5i8Fgd3ejEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjIwMjQyM1oYDzIxMjYxMTAy
MjAyNDIzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATO2q5NbLAGDNq15U9dmF+xaR3O95lB1RrfU+9mxVPo+5tAAHrifyyd
e19V8kX17UifZ8miv+7UeVwQ4MkOUqflo1MwUTAdBgNVHQ4EFgQUEoC+xCy6MRRI
Z2UwqgjAUT5/ajowHwYDVR0jBBgwFoAUEoC+xCy6MRRIZ2UwqgjAUT5/ajowDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA93BWnpTRMCxLywzfQLL6Y
6QM89aSvfF2a606B7O3HKAIgD8HwlnDxttSstIHgC+3JzjlsOnqUNAZdhaC0/9Px
gX8=
-----END CERTIFICATE-----
"""
BOTO, REQUESTS = "mturk/print_account", "local/invite_workers"


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """The address of a server that speaks HTTPS only."""
    (tmp_path / "server.pem").write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
                    pass
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def said(world: World, script: str, endpoint: str) -> str:
    """Return what a script says of an endpoint that it cannot talk to."""
    world.setenv(AWS_ENDPOINT_URL_MTURK=endpoint)
    result = world.invoke(script, "--timeout", "2")
    assert result.exit_code == 1, result
    assert "longer" not in result.stderr and result.stderr.count("error:") == 1, result.stderr
    return result.stderr


@pytest.mark.parametrize("script", [BOTO, REQUESTS])
def test_a_certificate_that_is_refused(world: World, https: str, script: str) -> None:
    text = said(world, script, https)
    assert f"The certificate of {https} was refused: self-signed certificate." in text
    assert "REQUESTS_CA_BUNDLE" in text


@pytest.mark.parametrize("script", [BOTO, REQUESTS])
def test_https_where_plain_http_is_spoken(world: World, endpoint: Endpoint, script: str) -> None:
    text = said(world, script, endpoint.url.replace("http:", "https:"))
    assert f"does not speak HTTPS (WRONG_VERSION_NUMBER). Write {endpoint.url} if it is plain HTTP." in text


@pytest.mark.parametrize("script", [BOTO, REQUESTS])
def test_plain_http_where_https_is_spoken(world: World, https: str, script: str) -> None:
    text = said(world, script, https.replace("https:", "http:"))
    assert "closed the connection without an answer" in text and f"write {https} if it speaks HTTPS" in text


@pytest.mark.parametrize("script", [BOTO, REQUESTS])
def test_a_name_that_does_not_resolve(world: World, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*arguments: object, **options: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    text = said(world, script, "http://crowd.invalid:8730")
    assert "The name crowd.invalid does not resolve. Check how http://crowd.invalid:8730 is spelt" in text


@pytest.mark.parametrize("script", [BOTO, REQUESTS])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_in_the_way(world: World, script: str, scheme: str) -> None:
    proxy = f"127.0.0.1:{free_port()}"
    world.setenv(HTTP_PROXY=f"http://me:secret@{proxy}", HTTPS_PROXY=f"http://me:secret@{proxy}")
    text = said(world, script, f"{scheme}://crowd.invalid")
    assert (
        f"The proxy on the way to {scheme}://crowd.invalid lets nothing through: Connection refused." in text
    )
    assert f"the proxy {proxy}: unset HTTP_PROXY and HTTPS_PROXY, or add crowd.invalid to NO_PROXY." in text
    assert "secret" not in text


def test_a_proxy_that_answers_in_place_of_the_server(world: World, endpoint: Endpoint) -> None:
    endpoint.status, endpoint.body = 407, b"<p>Who are you?"
    endpoint.headers = {"Content-Type": "text/html"}
    world.setenv(HTTP_PROXY=endpoint.url)
    for status in (407, 503):
        endpoint.status = status
        text = said(world, BOTO, "http://crowd.invalid")
        assert f"The way leads through the proxy {endpoint.url.removeprefix('http://')}" in text


@pytest.mark.parametrize("script", [BOTO, REQUESTS, "local/recover"])
def test_no_proxy_leads_to_this_machine(world: World, script: str) -> None:
    world.setenv(HTTP_PROXY=f"http://127.0.0.1:{free_port()}", ALL_PROXY=f"http://127.0.0.1:{free_port()}")
    arguments = ["--dry-run"] if script == "local/recover" else []
    assert world.invoke(script, *arguments).exit_code == 0


def test_a_task_server_is_asked_without_a_proxy_and_its_trouble_is_said(
    world: World, endpoint: Endpoint, https: str
) -> None:
    world.setenv(HTTP_PROXY=f"http://127.0.0.1:{free_port()}")
    endpoint.say(status="ok")
    assert task_server.health(endpoint.url, 2) == {"status": "ok"}
    assert task_server.is_answering(endpoint.url, 2)
    endpoint.status = 404
    assert "answers 404, and not with" in task_server.trouble(endpoint.url, 2)
    assert "was refused: self-signed" in task_server.trouble(https, 2)
    gone = f"http://127.0.0.1:{free_port()}"
    assert task_server.trouble(gone, 2) == f"Nothing listens at {gone}. Start that server first."
    page = '[server]\nkind = "url"\nurl = "{}"\n'
    result = world.invoke("mturk/launch_run", str(world.write_run(more=page.format(https))), "--yes")
    assert result.exit_code == 1 and "was refused: self-signed" in result.stderr


# Addresses that are none


@pytest.mark.parametrize(
    "address,text",
    [
        ("127.0.0.1:8730", "lacks http:// or https:// in front. Did you mean http://127.0.0.1:8730?"),
        ("localhost:8730", "lacks http:// or https:// in front. Did you mean http://localhost:8730?"),
        ("ftp://crowd.example", "must begin with http:// or https://, not ftp://"),
        ("http://127.0.0.1:87x0", "is no URL: Port could not be cast"),
        ("http://127.0.0.1:99999", "is no URL: Port out of range"),
        ("http://[::1:8730", "is no URL"),
        ("http://", "lacks|names no host|is no URL"),
        ("http:// crowd.example", "names no host"),
        ("http://me:hidden@crowd.example", r"http://\*\*\*@crowd.example' .* holds a name or a password"),
        ("me:hid/den@crowd.example", "a name or a password"),
    ],
)
def test_what_is_no_address_is_said_before_anybody_is_called(address: str, text: str, world: World) -> None:
    world.setenv(AWS_ENDPOINT_URL_MTURK=address)
    with pytest.raises(UsageError, match=text.replace("?", r"\?")) as caught:
        settings.resolve({}, quiet=True, verbose=False, as_json=False)
    assert "endpoint" in str(caught.value) and "(from environment)" in str(caught.value)
    result = world.invoke("mturk/expire_hits", "--all-runs", "--yes")
    assert result.exit_code == 2 and result.stderr.startswith("error: endpoint ")
    run_toml = world.write_run(more=f'[server]\nkind = "url"\nurl = "{address}"\n')
    world.setenv(AWS_ENDPOINT_URL_MTURK=world.crowd.url)
    result = world.invoke("mturk/launch_run", str(run_toml), "--dry-run")
    assert result.exit_code == 2 and f"{run_toml}: url " in result.stderr


# How every script ends that cannot talk to its endpoint


CALLS = {
    "mturk/print_account": [],
    "mturk/identify_broken_units": [],
    "mturk/soft_block_workers": ["--list"],
    "local/rebuild_registry": ["--dry-run"],
    "local/invite_workers": [],
}


@pytest.mark.parametrize("script", [*CALLS, "mturk/launch_run"])
def test_a_dead_endpoint_is_exit_1_and_a_key_that_is_absent_or_refused_exit_2(
    script: str, world: World
) -> None:
    arguments = CALLS.get(script) or []
    if script == "mturk/launch_run":
        arguments = [str(world.write_run(task_name="pilot-2")), "--yes"]
    key = world.home / "crowd" / "credentials"
    right = key.read_text()
    key.write_text(right.replace("secret_access_key = ", "secret_access_key = x"))
    assert world.invoke(script, *arguments).exit_code == 2
    key.unlink()
    assert world.invoke(script, *arguments).exit_code == 2
    key.write_text(right)
    key.chmod(0o600)
    world.setenv(AWS_ENDPOINT_URL_MTURK=f"http://127.0.0.1:{free_port()}")
    result = world.invoke(script, *arguments, "--timeout", "1")
    assert result.exit_code == 1, result
