"""The address outside, as it is written."""

from __future__ import annotations

import pytest

from crowdserver.protocol.public_address import PublicUrl, read_networks, signed_addresses


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
