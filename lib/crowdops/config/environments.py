"""The environments: whose endpoint each is, and what it takes beside what workers get."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit


class Fees(NamedTuple):
    """What an endpoint takes beside rewards and bonuses: shares of them, and the least, in dollars."""

    share: Decimal
    share_for_many: Decimal  # on top, on rewards of HITs with ten or more assignments
    share_for_masters: Decimal  # on top, on rewards of work for Masters only
    least: Decimal


# Amazon's price list as it stood in 2026. The crowd server keeps to it.
AMAZONS_FEES = Fees(Decimal("0.20"), Decimal("0.20"), Decimal("0.05"), Decimal("0.01"))


class Environment(NamedTuple):
    """An endpoint that serves the MTurk Requester API, and whether it is Amazon's."""

    endpoint: str
    amazon: bool
    fees: Fees = AMAZONS_FEES


ENVIRONMENTS = {
    "local": Environment("http://127.0.0.1:8730", amazon=False),
    "sandbox": Environment("https://mturk-requester-sandbox.us-east-1.amazonaws.com", amazon=True),
    "production": Environment("https://mturk-requester.us-east-1.amazonaws.com", amazon=True),
}


# The Masters qualifications of production and sandbox; work that only Masters may do costs more.
MANY_ASSIGNMENTS = 10  # from so many assignments on, a HIT costs another share
MASTERS = frozenset({"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"})

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def start_command(endpoint: str) -> str | None:
    """Return what starts a crowd server at an address of this machine; None for one of another."""
    usual = urlsplit(ENVIRONMENTS["local"].endpoint)
    address = urlsplit(endpoint)
    try:
        port = address.port
    except ValueError:
        return None
    if address.hostname not in LOOPBACK or address.scheme != "http":
        return None
    return "make crowd" if port == usual.port else f"make crowd ARGS='--port {port or 80}'"
