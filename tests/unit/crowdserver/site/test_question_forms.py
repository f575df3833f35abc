"""QuestionForms on the worker site, in a browser, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from crowdops.formats.question_xml import parse_answer
from tests.support.crowds import Crowd
from tests.support.offers import offer
from tests.support.question_forms import EVERY_KIND
from tests.support.site_visits import Accept, check_accessible, visits

pytestmark = pytest.mark.browser


@pytest.fixture
def accept(browser: Browser, crowd: Crowd) -> Iterator[Accept]:
    with visits(browser, crowd) as accept:
        yield accept


def test_every_kind_of_question_is_answered_without_javascript_and_kept_when_it_is_not_right(
    accept: Accept, crowd: Crowd
) -> None:
    offered = offer(crowd.client(), 1, question=EVERY_KIND)
    phone = {"width": 360, "height": 740}
    page, form = accept(offered, java_script_enabled=False, color_scheme="dark", viewport=phone)
    form.get_by_label("Name").fill("Ada")
    form.get_by_label("About age").fill("17")
    radios = form.get_by_role("radiogroup", name="About radio")
    radios.get_by_label("A dog").check()
    boxes = form.get_by_role("group", name="About boxes")
    boxes.get_by_label("A cat").check()
    form.get_by_label("About dropdown").select_option("A cow")
    form.get_by_role("button", name="Submit").click()

    expect(form.get_by_role("alert")).to_contain_text("1 answer needs another look")
    expect(form.get_by_label("About age")).to_have_value("17")
    expect(radios.get_by_label("A dog")).to_be_checked()
    assert offered.submissions() == []
    form.get_by_label("About age").fill("18")
    form.get_by_role("button", name="Submit").click()
    expect(form.get_by_role("heading", name="Your work was submitted")).to_be_visible()
    (submission,) = offered.submissions()
    assert parse_answer(submission["Answer"]).fields == {
        **dict.fromkeys(("list", "combobox", "multi", "pictures", "code"), ""),
        "name": "Ada",
        "story": "Once",
        "age": "18",
        "radio": "dog",
        "boxes": "cat",
        "dropdown": "cow",
    }


def test_a_form_is_accessible_on_a_desktop_and_on_a_phone(accept: Accept, crowd: Crowd) -> None:
    page, form = accept(offer(crowd.client(), 1, question=EVERY_KIND))
    expect(form.get_by_role("heading", name="Animals")).to_be_visible()
    check_accessible(page)
    form.locator("form").evaluate("form => form.noValidate = true")
    form.get_by_role("button", name="Submit").click()
    expect(form.get_by_role("alert")).to_contain_text("3 answers need another look")
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="dark")
    check_accessible(page)
    assert form.locator("body").evaluate("body => body.scrollWidth <= window.innerWidth")
