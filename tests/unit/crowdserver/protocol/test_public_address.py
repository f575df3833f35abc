"""The address outside, as it is written."""

from __future__ import annotations

import pytest

from crowdserver.protocol.public_address import (
    AtPublicAddress,
    PublicUrl,
    client_address,
    comes_directly,
    read_networks,
    signed_addresses,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://lab.example", "https://lab.example"),
        ("https://lab.example/", "https://lab.example"),
        ("http://127.0.0.1:8080/a/crowd_1/", "http://127.0.0.1:8080/a/crowd_1"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_an_address_is_read_without_its_last_slash(text: str, url: str) -> None:
    assert str(PublicUrl.read(text)) == url


@pytest.mark.parametrize(
    "text",
    [
        "lab.example",
        "lab.example/crowd",
        "ftp://lab.example",
        "https://",
        "https://me@lab.example",
        "https://lab.example/?a=1",
        "https://lab.example/#a",
        "https://lab.example/a b",
        "https://lab.example/a/../b",
        "https://lab.example/a//b",
        "https://lab.example:99999",
        "https://lab.example:none",
        "https://lab.example:0",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PublicUrl.read(text)


def test_networks_are_separated_by_commas() -> None:
    assert [str(network) for network in read_networks("10.0.0.7, ::1,10.1.2.3/16,")] == [
        "10.0.0.7/32",
        "::1/128",
        "10.1.0.0/16",
    ]
    with pytest.raises(ValueError, match="'nginx' does not appear to be"):
        read_networks("nginx")


def test_a_request_may_be_signed_for_the_address_outside_or_for_the_one_that_arrived() -> None:
    plain = {"HTTP_HOST": "127.0.0.1:8730", "PATH_INFO": "/"}
    assert list(signed_addresses(plain)) == [("127.0.0.1:8730", "/")]
    outside = {"HTTP_HOST": "lab.example", "SCRIPT_NAME": "/crowd", "PATH_INFO": "/"}
    received = ("127.0.0.1:8730", "/")
    assert list(signed_addresses({**outside, "crowdserver.received": received})) == [
        ("lab.example", "/crowd/"),
        ("lab.example", "/crowd"),
        received,
    ]


def arrived(public: str | None = None, trusted: str = "", **environ: str) -> dict[str, str]:
    """What the application sees of a request on this machine, unless told otherwise."""
    seen: dict[str, str] = {}

    def application(environ: dict[str, str], _start_response: object) -> list[bytes]:
        seen.update(environ)
        return []

    url = PublicUrl.read(public) if public else None
    plain = {
        "HTTP_HOST": "127.0.0.1:8730",
        "PATH_INFO": "/",
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
    }
    AtPublicAddress(application, url, read_networks(trusted))({**plain, **environ}, lambda *_: None)
    return seen


def test_what_comes_from_a_program_on_this_machine_comes_directly() -> None:
    assert comes_directly(arrived())
    assert comes_directly(arrived(REMOTE_ADDR="::1", HTTP_HOST="localhost"))
    assert comes_directly(arrived("http://localhost:8080/crowd"))
    assert not comes_directly(arrived(REMOTE_ADDR="10.0.0.7"))
    assert not comes_directly(arrived(HTTP_HOST=""))
    assert not comes_directly(arrived(HTTP_HOST="lab.example"))
    assert not comes_directly(arrived("http://localhost:8080", HTTP_HOST="lab.example"))
    forwarded = {"HTTP_X_FORWARDED_FOR": "127.0.0.1", "HTTP_X_FORWARDED_HOST": "127.0.0.1"}
    for trusted in ("", "127.0.0.1"):
        assert not comes_directly(arrived(trusted=trusted, **forwarded))
    assert not comes_directly(arrived(HTTP_CF_VISITOR="{}"))


@pytest.mark.parametrize(
    ("public", "trusted", "environ", "address"),
    [
        (None, "", {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}, "10.0.0.7"),
        (None, "", {"REMOTE_ADDR": "2001:db8::1:2:3:4"}, "2001:db8::/64"),
        (None, "", {"REMOTE_ADDR": "::ffff:10.0.0.7"}, "10.0.0.7"),
        (None, "", {"REMOTE_ADDR": ""}, None),
        (None, "127.0.0.1", {"HTTP_X_FORWARDED_FOR": "1.2.3.4, 10.0.0.7"}, "10.0.0.7"),
        (None, "127.0.0.1", {}, None),
        ("https://lab.example", "127.0.0.1", {"HTTP_X_FORWARDED_FOR": "1.2.3.4"}, "1.2.3.4"),
        ("https://lab.example", "127.0.0.1", {"HTTP_X_FORWARDED_FOR": "unknown"}, None),
        ("https://lab.example", "", {"HTTP_X_FORWARDED_FOR": "1.2.3.4"}, None),
        ("https://lab.example", "10.0.0.0/8", {"HTTP_X_FORWARDED_FOR": "1.2.3.4"}, None),
    ],
)
def test_where_a_request_comes_from_is_told_by_whom_one_trusts(
    public: str | None, trusted: str, environ: dict[str, str], address: str | None
) -> None:
    assert client_address(arrived(public, trusted, **environ)) == address


@pytest.mark.parametrize("trusted", ["", "127.0.0.1"])
def test_the_public_url_is_scheme_and_host_whatever_a_request_says(trusted: str) -> None:
    forwarded = {"HTTP_X_FORWARDED_PROTO": "http", "HTTP_X_FORWARDED_HOST": "evil.example"}
    more = {"HTTP_X_FORWARDED_PREFIX": "/evil", "HTTP_X_FORWARDED_PORT": "81", "HTTP_FORWARDED": "host=e"}
    seen = arrived("https://lab.example/crowd", trusted, HTTP_HOST="evil.example", **forwarded, **more)
    assert (seen["wsgi.url_scheme"], seen["HTTP_HOST"]) == ("https", "lab.example")
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/crowd", "/")
