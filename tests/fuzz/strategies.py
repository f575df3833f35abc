"""Hypothesis strategies for what nobody would send to the API: values, bodies, inputs, headers.

A value may stand for something that exists when it is sent, such as a HIT's id: see Name.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from botocore.model import ListShape, Shape, StructureShape
from hypothesis import strategies as st

from crowdserver.protocol import validation

MOST = 5_000  # copies of something short


class Name(NamedTuple):
    """Stands for the value of a member of this name in an earlier answer, by its number."""

    member: str
    number: int


class ApiRequest(NamedTuple):
    """A request to the API: members, or a body as it is; changes of headers before and after it is signed."""

    operation: str
    body: Any
    signed: dict[str, str]
    changed: dict[str, str]
    path: str


ODD_TEXTS = st.sampled_from(
    ["", " ", "\x00", "\ud800", "\ufeff", "\u202e", "\x85", "\r\n", "é", "漢" * 100, "𝒳" * 300, "%s%n{0}"]
    + ["٣", "²", "1_000", " 1 ", "+1", "-1", "0.001", "1e5", "NaN", "Infinity", "-0", "1" * 310, "0x10"]
    + ["2015-01-01T00:00:00Z", "null", "' OR 1=1 --", "../../etc/passwd", "<a href='x'>", "]]>", "&amp;"]
)
TEXTS = st.one_of(
    ODD_TEXTS,
    st.text(max_size=40),
    st.builds(str.__mul__, st.text(min_size=1, max_size=3), st.integers(0, MOST)),
)
NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 1e308, -1e-320, 0.5]),
    st.sampled_from([float("inf"), float("-inf"), float("nan")]),
    st.integers(),
    st.floats(),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)


def bodies() -> st.SearchStrategy[Any]:
    """Bodies that no client sends: bytes as they are, or any JSON."""
    depths = st.sampled_from([50, 990, 1000, 100_000])
    deep = st.builds(lambda depth, one: one * depth, depths, st.sampled_from([b"[", b'{"a":', b'{"HITId":[']))
    closed = st.builds(lambda depth: b'{"HITId":' + b"[" * depth + b"]" * depth + b"}", depths)
    encoded = st.builds(
        lambda value, encoding: json.dumps(value).encode(encoding),
        VALUES,
        st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "utf-7"]),
    )
    many = st.builds(
        lambda one, count: b'{"WorkerIds":[' + b",".join([one] * count) + b"]}",
        st.sampled_from([b"{}", b"1", b'"A"', b"[]", b"1e999", b'"\\ud800"']),
        st.sampled_from([1, 1000, 30_000]),
    )
    numbers = st.builds(
        lambda digits: b'{"MaxResults":' + b"9" * digits + b',"ExpireAt":' + b"9" * digits + b"}",
        st.sampled_from([30, 310, 4301, 100_000]),
    )
    besides = st.fixed_dictionaries(
        {}, optional={"name": TEXTS, "worker_id": TEXTS, "hit_ids": st.lists(TEXTS)}
    )
    return st.one_of(st.binary(max_size=200), VALUES, deep, closed, encoded, many, numbers, besides)


def members(operation: str) -> st.SearchStrategy[Any]:
    """Inputs of an operation, by the API's own model: mostly plausible, here and there not."""
    shape = validation.model().operation_model(operation).input_shape
    assert shape is not None
    return _shaped(shape, "")


def _shaped(shape: Shape, name: str) -> st.SearchStrategy[Any]:
    plausible = _plausible(shape, name)
    # Much more often as it should be: a call has a dozen members, and one that is wrong ends it.
    return st.integers(0, 19).flatmap(lambda chance: VALUES if chance == 0 else plausible)


def _plausible(shape: Shape, name: str) -> st.SearchStrategy[Any]:
    if isinstance(shape, StructureShape):
        required = {key: _shaped(shape.members[key], key) for key in shape.required_members}
        optional = {key: _shaped(value, key) for key, value in shape.members.items() if key not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        return st.lists(_shaped(shape.member, name.removesuffix("s")), min_size=1, max_size=3)
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    return _SPECIAL[name] if name in _SPECIAL else _BY_TYPE[shape.type_name]


def _existing(member: str) -> st.SearchStrategy[Name]:
    return st.builds(Name, st.just(member), st.integers(0, 7))


_AMOUNTS = st.one_of(st.sampled_from(["0.01", "0.05", "1.00", "0", "99999999999.99", "0.0"]), ODD_TEXTS)
_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    **{
        name: _existing(name)
        for name in ("HITId", "HITTypeId", "AssignmentId", "WorkerId", "QualificationTypeId", "NextToken")
    },
    "Question": st.builds(Name, st.just("Question"), st.integers(0, 7)),
    "Reward": _AMOUNTS,
    "BonusAmount": _AMOUNTS,
    "ExpireAt": st.one_of(st.sampled_from([0, 1_900_000_000, 253_402_300_799]), NUMBERS),
    "UniqueRequestToken": st.sampled_from(["a", "b", "c" * 64, "é"]),
    "MaxAssignments": st.sampled_from([1, 2, 10, 0, 2**31]),
    "LifetimeInSeconds": st.sampled_from([30, 3600, 31_536_000, 2**63]),
    "AssignmentDurationInSeconds": st.sampled_from([30, 3600, 31_536_000, 2**63]),
    "AutoApprovalDelayInSeconds": st.sampled_from([0, 60, 2_592_000, 2**63]),
    "MaxResults": st.sampled_from([1, 10, 100, 101, 0]),
}
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "string": st.one_of(st.text(min_size=1, max_size=20), TEXTS),
    "integer": st.one_of(st.integers(0, 200), NUMBERS),
    "long": st.one_of(st.integers(0, 100_000), NUMBERS),
    "boolean": st.booleans(),
    "timestamp": st.one_of(st.floats(0, 2e9), NUMBERS),
}


HEADER_TEXTS = st.one_of(
    st.sampled_from(
        ["", "é", "x" * 9000, "\t", "\x7f", "0", "-1", "gzip", "text/html; charset=utf-7", "[::1", "a:b:c"]
    ),
    st.sampled_from(["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=é, SignedHeaders=host, Signature=é"]),
    st.sampled_from(["20200101T000000Z", "2020", "99999999T999999Z", "MTurkRequesterServiceV20170117.é"]),
    st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=30),
)
_SIGNED_HEADERS = st.sampled_from(
    ["X-Amz-Meta", "Accept", "Content-Type", "X-Crowd-Server-Id", "Accept-Language"]
)
_ANY_HEADERS = st.sampled_from(
    ["Authorization", "X-Amz-Date", "X-Amz-Target", "Content-Type", "Host", "Content-Encoding", "Date"]
    + [
        "X-Amz-Content-Sha256",
        "X-Amz-Security-Token",
        "X-Forwarded-Host",
        "X-Forwarded-Prefix",
        "Cookie",
        "Forwarded",
    ]
)


def api_requests() -> st.SearchStrategy[ApiRequest]:
    """Requests: most of them with an input for their operation, some with any body or with odd headers."""
    known = sorted(validation.known_operations())
    nothing: st.SearchStrategy[dict[str, str]] = st.just({})
    changes = st.dictionaries(_ANY_HEADERS, HEADER_TEXTS, min_size=1, max_size=2)
    headers = st.integers(0, 3).flatmap(lambda chance: nothing if chance else changes)
    plausible = st.sampled_from(known).flatmap(
        lambda operation: st.builds(
            ApiRequest, st.just(operation), members(operation), nothing, nothing, st.just("/")
        )
    )
    odd = st.builds(
        ApiRequest,
        st.one_of(st.sampled_from(known), st.sampled_from(["", "Nothing", "GetHIT.GetHIT", "gethit"])),
        bodies(),
        st.dictionaries(_SIGNED_HEADERS, st.sampled_from(["", "x" * 5000, "text/plain", "a  b"]), max_size=2),
        headers,
        st.sampled_from(["/", "/", "/", "/invites", "/returns", "/?a=b&a", "/?%ff", "/?é", "/invites?%00"]),
    )
    return st.integers(0, 3).flatmap(lambda chance: plausible if chance else odd)
