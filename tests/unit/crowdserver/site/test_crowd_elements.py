"""Amazon's web templates in the frame: what stands in for its script, and what is submitted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from crowdserver.site import frames
from tests.support.crowds import Crowd
from tests.support.offers import html_question, offer
from tests.support.site_visits import Accept, check_accessible, visits

pytestmark = pytest.mark.browser

SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
TEMPLATE = f"""<!doctype html><html lang="en"><head><title>Animals</title>{SCRIPT}</head>
<body><main><h1>Animals</h1>
<crowd-form>
  <crowd-instructions link-text="How to do it"><short-summary>In <b>short</b></short-summary>
  </crowd-instructions>
  <crowd-input name="name" label="Its name" required max-length="9"></crowd-input>
  <crowd-text-area name="why" label="Why?" rows="3">because</crowd-text-area>
  <p id="kind">Which kind?</p>
  <crowd-radio-group aria-labelledby="kind" required>
    <crowd-radio-button name="cat" value="is">A <b>cat</b></crowd-radio-button>
    <crowd-radio-button name="dog">A dog</crowd-radio-button>
  </crowd-radio-group>
  <crowd-checkbox name="looks" value="soft">Soft</crowd-checkbox>
  <crowd-checkbox name="looks" value="small" checked>Small</crowd-checkbox>
  <crowd-checkbox name="sure">I am sure</crowd-checkbox>
  <crowd-classifier name="mood" categories="['It's glad', 'Sad']" header="How does it feel?">
    <classification-target><q>Mew!</q></classification-target>
    <short-instructions>Listen to it.</short-instructions>
    <full-instructions header="More about moods"><p>Glad or sad.</p></full-instructions>
  </crowd-classifier>
  <label>Size <input name="size" value="3"></label>
  <crowd-bounding-box name="box"></crowd-bounding-box>
  <crowd-button form-action="submit" variant="primary">Send it</crowd-button>
</crowd-form></main></body></html>"""
TAKEN = {
    "name": "Tom",
    "why": "because",
    "cat": {"is": False},
    "dog": {"on": True},
    "looks": {"soft": True, "small": True},
    "sure": {"on": False},
    "mood": {"label": "It's glad"},
    "size": "3",
}


@pytest.fixture
def accept(browser: Browser, crowd: Crowd) -> Iterator[Accept]:
    with visits(browser, crowd) as accept:
        yield accept


FLAT = """form => {
  form.setAttribute("answer-format", "flatten-objects");
  const fields = Object.fromEntries(new FormData(form.form));
  form.removeAttribute("answer-format");
  return fields;
}"""


def test_a_web_template_asks_and_submits_as_amazons_did(accept: Accept, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1, question=html_question(TEMPLATE))
    page, form = accept(offered, viewport={"width": 360, "height": 740})
    expect(form.get_by_text("Here the page shows <crowd-bounding-box>, which")).to_be_visible()
    form.get_by_text("How to do it").click()
    expect(form.get_by_text("In short")).to_be_visible()
    check_accessible(page)
    page.set_viewport_size({"width": 1200, "height": 800})
    page.emulate_media(color_scheme="dark")
    check_accessible(page)
    send = form.get_by_role("button", name="Send it")
    form.get_by_label("Its name").fill("Tom")
    group = form.get_by_role("radiogroup", name="Which kind?")
    group.get_by_label("A cat").check()
    group.get_by_label("A cat").press("ArrowDown")
    expect(group.get_by_label("A dog")).to_be_checked()
    form.get_by_label("Soft").press("Space")
    send.click()  # what is required is asked for by the browser
    assert offered.submissions() == []
    form.get_by_role("group", name="How does it feel?").get_by_label("It's glad").check()
    flat = form.locator("crowd-form").evaluate(FLAT)
    send.click()
    expect(form.get_by_role("heading", name="Your work was submitted")).to_be_visible()
    (((name, answer),),) = offered.answers()
    assert name == "taskAnswers"
    assert json.loads(answer) == [TAKEN]
    assert flat.pop("assignmentId") == offered.submissions()[0]["AssignmentId"]
    assert flat == {
        "name": "Tom",
        "why": "because",
        "size": "3",
        "mood.label": "It's glad",
        "cat.is": "false",
        "dog.on": "true",
        "looks.soft": "true",
        "looks.small": "true",
        "sure.on": "false",
    }


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://assets.crowd.aws/crowd-html-elements.js", "crowd-html-elements.js"),
        ("//assets.crowd.aws/crowd-html-elements.js", "crowd-html-elements.js"),
        ("https://s3.amazonaws.com/mturk-public/externalHIT_v1.js", "externalHIT_v1.js"),
    ],
)
def test_amazons_scripts_come_from_this_site(address: str, name: str) -> None:
    page = (
        "<p>{0}{1}<script async src='{2}' type=text/javascript></script><script>'<script src={0}>'</script>"
    )
    without = "<noscript><p>This task needs JavaScript. Allow it, or return the task.</p></noscript>"
    shown = page.format(address, without, f"/lab/static/{name}")
    assert frames.fill(page.format(address, "", address), "3A", "/lab") == shown
    elsewhere = f'<script src="https://lab.example/{name}"></script>'
    assert frames.fill(elsewhere, "3A") == elsewhere
