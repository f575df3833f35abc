"""Every page of the site in a browser: phone and desktop, light and dark, with and without JavaScript."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import long
from tests.support.crowds import Crowd
from tests.support.offers import external_question, html_question, invite, offer
from tests.support.pages import served
from tests.support.question_forms import EVERY_KIND, REQUIRED, question, question_form, selections
from tests.support.site_visits import check_accessible
from tests.support.workers import Workers
from tests.unit.crowdserver.site.test_qualifications import make
from tests.unit.crowdserver.site.test_visits import RUN, define

pytestmark = pytest.mark.browser

LOOKS = [(width, scheme) for width in (390, 1280) for scheme in ("dark", "light")]
TASK = """<!doctype html><html lang="en"><title>A task</title><main><h1>A task</h1>
<form method="post" action="/mturk/externalSubmit"><input type="hidden" name="assignmentId">
<label>Why? <input name="why"></label> <button>Submit</button></form></main></html>"""
# What would stand in the place of what the site's script calls.
_NAMED = "".join(
    f'<img name="{name}" src="https://pictures.example/cat.png" alt="a cat"/>'
    for name in ("getElementById", "querySelectorAll", "querySelector", "title")
)
TEST = question_form(
    f"<Overview><FormattedContent><![CDATA[<p>{_NAMED}</p>]]></FormattedContent></Overview>"
    + question("animal", selections(), REQUIRED)
)
Look = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """A crowd server of a lab with a name and a consent text."""
    folder: Path = tmp_path_factory.mktemp("lab")
    (folder / "consent.txt").write_text("We keep what you answer.\n\nYou may stop at any time.")
    options = ("--site-name=Vision Lab, University of Example", f"--consent-file={folder / 'consent.txt'}")
    with Crowd(folder / "home", extra=options) as crowd:
        yield crowd


def looks_at(with_script: bool) -> Look:
    """Return what looks at a page: in the next of the four looks, at every second one with axe-core.

    In the long tests in all of them, and always with axe-core.
    """
    following, has_turn = itertools.cycle(LOOKS), itertools.cycle([True, False])

    def look(page: Page, heading: str) -> None:
        expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
        for width, scheme in LOOKS if long.FULL else [next(following)]:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (heading, width)
            if with_script and (long.FULL or next(has_turn)):
                check_accessible(page)

    return look


def submit(page: Page) -> None:
    frame = page.frame_locator("#frame")
    frame.get_by_role("button", name="Submit").click()
    expect(frame.get_by_role("heading", name="Your work was submitted")).to_be_visible()


def agree(page: Page, link: str, look: Look) -> None:
    page.goto(link)
    look(page, "Before you begin")
    page.get_by_role("button", name="I have read this, and I agree").click()


def preview(page: Page, crowd: Crowd, title: str, look: Look) -> None:
    page.goto(crowd.url)
    page.locator("[data-group]").filter(has_text=title).get_by_role("link", name="Preview").click()
    look(page, title)


def do_work(page: Page, crowd: Crowd, look: Look) -> None:
    client = crowd.client()
    offered = offer(client, 2, question=html_question(TASK), Title="A picture")
    offer(client, 1, question=EVERY_KIND, Title="A questionnaire", Reward="0.50")
    agree(page, invite(crowd, name="Ada Lovelace")["url"], look)
    look(page, "Available work")
    page.get_by_label("Words in it").fill("a")
    page.get_by_label("Order").select_option("Highest reward first")
    page.get_by_role("button", name="Show").click()
    assert page.locator("[data-group] h3").first.inner_text() == "A questionnaire"
    with served(TASK) as address:
        offer(client, 1, question=external_question(address), Title="A page elsewhere")
        preview(page, crowd, "A page elsewhere", look)
    preview(page, crowd, "A questionnaire", look)
    preview(page, crowd, "A picture", look)
    page.get_by_role("button", name="Accept").click()
    page.frame_locator("#frame").get_by_label("Why?").fill("Because")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Write to the requester").click()
    expect(opened.value.get_by_text("About “A picture”")).to_be_visible()
    opened.value.close()
    look(page, "A picture")
    submit(page)
    look(page, "A picture")
    assert offered.answers() == [[("why", "Because")]]


def read_and_write(page: Page, crowd: Crowd, look: Look) -> None:
    client = crowd.client()
    offered = offer(client, 1, Title="A picture")
    agree(page, invite(crowd, name="Ada Lovelace", worker_id="AADA")["url"], look)
    ids = {"AssignmentId": Workers(crowd).do(offered.hits[0], "AADA"), "WorkerId": "AADA"}
    client.approve_assignment(AssignmentId=ids["AssignmentId"])
    client.send_bonus(**ids, BonusAmount="1.00", Reason="Careful", UniqueRequestToken=offered.hit_type_id)
    client.notify_workers(Subject="Thank you", MessageText="Well done.", WorkerIds=["AADA"])
    page.get_by_role("link", name="Earnings").click()
    look(page, "Your earnings")
    page.get_by_role("link", name="Write about A picture").click()
    page.get_by_label("Your message").fill("What was\nwrong?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("Your message is with the requester.")
    look(page, "What you wrote")
    page.get_by_role("link", name="Help").click()
    look(page, "How this site works")
    page.goto(invite(crowd, name="Grace Hopper")["url"])
    look(page, "You are signed in as Ada Lovelace (AADA)")
    page.goto(f"{crowd.url}/nowhere")
    look(page, "This did not work")
    page.goto(crowd.url)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Sign out").click()
    look(page, "Please sign in")


def take_a_test(page: Page, crowd: Crowd, look: Look) -> None:
    client = crowd.client()
    type_id = make(client, Name="Animals", Test=TEST, TestDurationInSeconds=600, Description="Knows animals.")
    needs = {"QualificationTypeId": type_id, "Comparator": "Exists", "ActionsGuarded": "Accept"}
    offer(client, 1, Title="For experts", QualificationRequirements=[needs])
    agree(page, invite(crowd)["url"], look)
    page.get_by_role("link", name="Ask for “Animals”").click()
    look(page, "Animals")
    page.get_by_role("button", name="Begin the test").click()
    look(page, "Animals")
    page.locator("main form").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Submit the test").click()
    expect(page.get_by_role("alert").first).to_contain_text("1 answer needs another look")
    look(page, "Animals")
    page.get_by_label("A dog").check()
    page.get_by_role("button", name="Submit the test").click()
    expect(page.get_by_role("status")).to_contain_text("You have asked for it.")
    look(page, "Animals")


def be_a_participant(page: Page, crowd: Crowd, look: Look) -> None:
    offered = offer(crowd.client(), 1, Title="A unit")
    offered.client.create_hit_with_hit_type(
        HITTypeId=offered.hit_type_id,
        LifetimeInSeconds=3600,
        MaxAssignments=1,
        Question=html_question(TASK),
        RequesterAnnotation=f"{RUN}0",
    )
    link = define(crowd, offered.hit_type_id, units=1, back="")["url"]
    agree(page, f"{link}?PROLIFIC_PID=5f3a0c", look)
    look(page, "Your tasks")
    page.get_by_role("link", name="Write to the requester").click()
    look(page, "Write to the requester")
    page.get_by_role("link", name="Tasks").click()
    page.get_by_role("button", name="Begin").click()
    look(page, "A unit")
    submit(page)
    page.get_by_role("button", name="Get your code").click()
    look(page, "Thank you")


@pytest.mark.parametrize("with_script", [True, False], ids=["with JavaScript", "without JavaScript"])
@pytest.mark.parametrize("visit", [do_work, read_and_write, take_a_test, be_a_participant])
def test_everybody_can_use_every_page(
    browser: Browser, lab: Crowd, visit: Callable[[Page, Crowd, Look], None], with_script: bool
) -> None:
    lab.empty()
    context = browser.new_context(java_script_enabled=with_script)
    context.set_default_timeout(30_000)
    visit(context.new_page(), lab, looks_at(with_script))
    context.close()


def test_a_test_counts_its_time_down_whatever_its_pictures_are_called(browser: Browser, crowd: Crowd) -> None:
    type_id = make(crowd.client(), Test=TEST, TestDurationInSeconds=90)
    context = browser.new_context()
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.clock.install()
    page.goto(invite(crowd)["url"])
    page.goto(f"{crowd.url}/qualifications/{type_id}")
    page.get_by_role("button", name="Begin the test").click()
    expect(page.get_by_role("button", name="Submit the test")).to_be_visible()
    page.clock.fast_forward(95_000)
    expect(page.locator("[data-seconds-left]")).to_have_text("the time is up")
    expect(page.locator("#warning")).to_contain_text("The time is up")
    context.close()
