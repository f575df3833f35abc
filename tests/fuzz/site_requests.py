"""Hypothesis strategies for requests to the worker site that no browser sends."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from hypothesis import strategies as st

from tests.fuzz.strategies import HEADER_TEXTS, TEXTS


class SiteRequest(NamedTuple):
    """A request to the worker site; names in braces stand for what exists when it is sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


_NAMES = ["{group}", "{hit}", "{assignment}", "{frame}", "{link}", "{form}", "ASSIGNMENT_ID_NOT_AVAILABLE"]
_ODD_PARTS = ["%00", "%ff", "..%2f..", "%", "%c3%28", "é", "x" * 3000, "", ".", "..", "%0d%0aX:y", "{group}x"]
_WORDS = st.text(
    st.characters(codec="ascii", exclude_characters="\r\n ?#/{}", exclude_categories=["Cc"]), max_size=12
)
_PARTS = st.one_of(st.sampled_from(_NAMES), st.sampled_from(_ODD_PARTS), _WORDS)
_ROUTES = """\
/
/groups/{}
/groups/{}/accept
/tasks/{}
/tasks/{}/state
/tasks/{}/return
/tasks/{}/next
/frame/{}
/sign-in/{}
/sign-out
/mturk/externalSubmit
/mturk/externalSubmit
/invites
/returns
/static/{}
/static/site.css
/health
/_control/{}
/{}
//{}
/favicon.ico""".splitlines()
_QUERIES = ["", "", "", "?note=working", "?note=é", "?note=%ff", "?assignmentId={assignment}", "?%", "?=&=;"]
_COOKIES = ["{cookie}"] * 5 + ["{cookie}x", "a=b; {cookie}", "{name}=", "=", ";;;", "é=é", "{name}=.eJw.x.y"]
_COOKIES += ["{name}=" + "x" * 4000, '{cookie}; {cookie}; a="b']
_FIELDS = [
    "form_token",
    "hit_id",
    "hit_type_id",
    "assignmentId",
    "workerId",
    "label",
    "",
    "é",
    "turkSubmitTo",
]
_VALUES = st.one_of(_PARTS, TEXTS.map(lambda text: quote(text, errors="surrogatepass")))
_FORM = st.lists(st.builds("{}={}".format, st.sampled_from(_FIELDS), _VALUES), max_size=8).map("&".join)
_ODD_FORMS = [
    "a=1&" * 30_000,
    "&" * 100_000,
    "%",
    "a=%zz",
    "=" * 1000,
    "a=" + "b" * 600_000,
    "{",
    "[]",
    "a;b",
]
_MULTIPART = ["--b", "--b\r\n", "\r\n", "\r\n\r\n", "--b--", "x", 'Content-Disposition: form-data; name="a"']
_MULTIPART += ['Content-Disposition: form-data; name="assignmentId"\r\n\r\n{assignment}\r\n']
_MULTIPART += ['Content-Disposition: form-data; name="f"; filename="f"\r\n', "Content-Type: x; charset=é"]
_BODIES = st.one_of(
    _FORM,
    _FORM.map("form_token={form}&assignmentId={assignment}&".__add__),
    _FORM.map("form_token={form}&hit_id={hit}&hit_type_id={group}&".__add__),
    st.sampled_from(_ODD_FORMS),
    st.lists(st.sampled_from(_MULTIPART), max_size=12).map("".join),
)
_URLENCODED = "application/x-www-form-urlencoded"
_TYPES = [_URLENCODED] * 6 + [f"{_URLENCODED}; charset=x", "multipart/form-data", "text/plain", "", "é"]
_TYPES += ["multipart/form-data; boundary=b"] * 2 + ["multipart/form-data; boundary=" + "b" * 300]
_HEADERS = ["Host", "Origin", "Referer", "Accept", "Accept-Language", "X-Forwarded-For", "X-Forwarded-Proto"]
_HEADERS += ["X-Forwarded-Host", "X-Forwarded-Prefix", "If-None-Match", "If-Modified-Since", "Range", "Via"]


def site_requests() -> st.SearchStrategy[SiteRequest]:
    """Requests of browsers, and of what is none."""
    paths = st.builds(
        lambda route, part, query: route.replace("{}", part) + query,
        st.sampled_from(_ROUTES),
        _PARTS,
        st.sampled_from([*_QUERIES, "?" + "a=1&" * 500]),
    )
    odd_headers = st.dictionaries(st.sampled_from(_HEADERS), HEADER_TEXTS, max_size=2)
    headers = st.builds(
        lambda cookie, kind, more: {"Cookie": cookie, "Content-Type": kind, **more},
        st.sampled_from(_COOKIES),
        st.sampled_from(_TYPES),
        st.integers(0, 3).flatmap(lambda chance: st.just({}) if chance else odd_headers),
    )
    getting = st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS"])
    posting = st.sampled_from(["POST", "POST", "POST", "POST", "PUT", "DELETE", "PATCH", "get", "X"])
    looks = st.builds(SiteRequest, getting, paths, headers, st.just(""))
    forms = st.builds(SiteRequest, posting, paths, headers, _BODIES)
    return st.integers(0, 2).flatmap(lambda chance: forms if chance else looks)
