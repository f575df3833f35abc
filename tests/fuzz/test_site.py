"""Requests to the worker site that no browser sends."""

from __future__ import annotations

from hypothesis import given

from tests.fuzz.site_requests import SiteRequest, site_requests
from tests.fuzz.targets import Target
from tests.fuzz.visitors import Visitor
from tests.support import fuzzing
from tests.support.fuzzing import Record
from tests.support.offers import offer


def test_no_request_to_the_worker_site_is_an_error(target: Target, record_property: Record) -> None:
    lot = offer(target.crowd.client(), 2, assignments=2)
    worker = Visitor(target, "AVISITOR")
    assignment_id = worker.accept(lot.hit_type_id)
    names = {
        "{group}": lot.hit_type_id,
        "{hit}": lot.hits[0],
        "{assignment}": assignment_id,
        "{frame}": worker.open_frame(worker.get(f"/tasks/{assignment_id}")).rpartition("/")[2],
        "{link}": worker.link.rpartition("/")[2],
        "{form}": worker.form_token,
        "{cookie}": worker.cookie,
        "{name}": worker.cookie.partition("=")[0],
    }

    def named(text: str) -> str:
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    @fuzzing.examples(80, 5_000)
    @given(site_requests())
    def feed(request: SiteRequest) -> None:
        headers = {name: named(value) for name, value in request.headers.items()}
        body = named(request.body).encode("utf-8", "surrogatepass")
        target.send(request.method, named(request.path), headers, body)

    feed()
    target.end(record_property, "requests to the worker site")
