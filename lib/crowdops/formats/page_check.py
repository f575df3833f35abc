"""Remarks on a task page: what a browser, or the worker site, would not do as its author expects.

Remarks are for people and refuse nothing: a page may know better. What is looked for is in page_remarks.py.
"""

from __future__ import annotations

import re
from itertools import groupby

from crowdops.formats import form_checks, html_forms, page_remarks
from crowdops.formats.page_remarks import CheckedPage, ReadPage, Remark
from crowdops.formats.page_tags import read_tags
from crowdops.formats.template_names import GIVEN

LONGEST = 100_000  # characters of a page that are looked at: fieldsets in fieldsets take the square
_AMAZON = re.compile(
    r"https?://(?:www|worker|workersandbox)\.mturk\.com(?=/mturk/externalSubmit)", re.IGNORECASE
)


def given(embedded: bool, submit_to: str) -> dict[str, object]:
    """Return what a template sees beside the row when its page is to be checked: as after accepting."""
    if embedded:
        return dict(GIVEN)
    return {**GIVEN, "turkSubmitTo": submit_to, "submit_url": f"{submit_to}{form_checks.SUBMIT_PATH}"}


def remarks(page: CheckedPage) -> list[str]:
    """Return remarks on a page, each with its place and how to write it; those of one kind as one."""
    if len(page.html) > LONGEST:
        return [f"{page.path}: the first page has {len(page.html):,} characters, and was not checked."]
    # A page in a HIT is opened on the worker site, any other on a server of its own.
    url = f"{page.submit_to}/" if page.embedded else "https://tasks.example.org/unit/0"
    html = _AMAZON.sub("", page.html) if page.embedded else page.html
    forms = html_forms.read_page(html, url)
    tags, texts = read_tags(html)
    read = ReadPage(page, tags, texts, forms, form_checks.task_form(forms))
    found = [remark for check in page_remarks.CHECKS for remark in check(read)]
    return [_worded(page, list(alike)) for _, alike in groupby(found, key=lambda remark: remark.text)]


def _worded(page: CheckedPage, alike: list[Remark]) -> str:
    first, more = alike[0], len(alike) - 1
    also = f" ({more} more like it.)" if more else ""
    return f"{page.path}{_place(page, first)}: {first.text}{also}"


def _place(page: CheckedPage, remark: Remark) -> str:
    """Return where a remark's line is in the template, if that can be told, else in the first row's page."""
    if not remark.line:
        return ""
    if not remark.rendered:
        return f", line {remark.line}"
    source, rendered = page.source.split("\n"), page.html.split("\n")
    text = rendered[remark.line - 1].strip()
    same = [number for number, line in enumerate(source, start=1) if line.strip() == text]
    if len(source) == len(rendered):
        return f", line {remark.line}"
    return f", line {same[0]}" if len(same) == 1 else f", line {remark.line} of the first page"
