"""The worker site in a real browser, with and without JavaScript, and with hostile pages in the frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.support.crowds import Crowd
from tests.support.offers import PAGE, external_question, html_question, invite, offer
from tests.support.pages import served
from tests.support.processes import wait_until
from tests.support.site_visits import check_accessible
from tests.unit.crowdserver.site.test_visits import RUN, define

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture
def sign_in(browser: Browser, crowd: Crowd) -> Iterator[OpenPage]:
    """Open the site as a new worker, in a browser profile of its own."""
    contexts = []

    def open_page(**options: object) -> Page:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(30_000)
        page: Page = contexts[-1].new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(invite(crowd, name="Ada Lovelace")["url"])
        return page

    yield open_page
    for context in contexts:
        context.close()


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("#frame")


def card(page: Page, title: str) -> Locator:
    return page.locator("[data-group]").filter(has_text=title)


def do_the_task(page: Page, choice: str) -> None:
    inside(page).get_by_label(choice).check()
    inside(page).get_by_label("Why?").fill(f"It says {choice}.")
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "java_script_enabled"),
    [(390, True), (1280, False)],
    ids=["phone", "desktop without JavaScript"],
)
def test_a_participant_comes_by_the_panels_link_and_goes_back_with_the_code(
    browser: Browser, crowd: Crowd, width: int, java_script_enabled: bool
) -> None:
    client = crowd.client()
    offered = offer(client, 0)
    for index in range(2):
        client.create_hit_with_hit_type(
            HITTypeId=offered.hit_type_id,
            LifetimeInSeconds=3600,
            MaxAssignments=1,
            Question=html_question(PAGE.format(text=f"Picture number {index}")),
            RequesterAnnotation=f"{RUN}{index}",
        )
    with served("<!doctype html><title>The panel</title><h1>Back at the panel</h1>") as panel:
        link = define(crowd, offered.hit_type_id, back=f"{panel}?cc={{code}}")["url"]
        context = browser.new_context(
            viewport={"width": width, "height": 844}, java_script_enabled=java_script_enabled
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto(f"{link}?PROLIFIC_PID=5f3a0c&STUDY_ID=s&SESSION_ID=x")
        if java_script_enabled:
            check_accessible(page)
        page.get_by_role("button", name="Begin").click()
        for number in (1, 2):
            expect(page.get_by_text(f"Task {number} of 2")).to_be_visible()
            do_the_task(page, "cat")
            page.get_by_role("button", name="Next task" if number == 1 else "Get your code").click()
        expect(page.get_by_role("heading", name="Back at the panel")).to_be_visible()
        assert page.url.endswith("?cc=DONE1")
        context.close()


def test_a_worker_previews_accepts_submits_and_goes_on(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    page = sign_in()
    expect(page.get_by_text("Ada Lovelace")).to_be_visible()
    card(page, offered.title).get_by_role("link", name="Preview").click()
    expect(page.get_by_text("This is a preview.")).to_be_visible()
    expect(inside(page).get_by_text("Picture number 1")).to_be_visible()
    page.get_by_role("button", name="Accept").click()

    expect(page.locator("#deadline")).to_contain_text("29 minutes")
    expect(page.get_by_role("button", name="Next task")).to_be_hidden()
    do_the_task(page, "cat")
    expect(page.get_by_role("button", name="Return")).to_be_hidden()
    page.get_by_role("button", name="Next task").click()

    expect(inside(page).get_by_text("Picture number 2")).to_be_visible()
    do_the_task(page, "dog")
    page.get_by_role("button", name="Next task").click()
    expect(page.get_by_role("status")).to_contain_text("There is no more of that work for you right now.")
    page.get_by_role("link", name="Earnings").click()
    expect(page.get_by_text("$0.50 waiting for review (2 submitted)")).to_be_visible()
    assert offered.answers() == [
        [("label", "cat"), ("why", "It says cat.")],
        [("label", "dog"), ("why", "It says dog.")],
    ]


def test_everything_works_without_javascript(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    page = sign_in(java_script_enabled=False)
    card(page, offered.title).get_by_role("button", name="Accept").click()
    page.get_by_role("button", name="Next task").click()
    expect(page.get_by_role("status")).to_contain_text("This task is not submitted yet.")
    do_the_task(page, "dog")
    page.get_by_role("button", name="Next task").click()
    expect(inside(page).get_by_text("Picture number 2")).to_be_visible()
    page.get_by_role("button", name="Return").click()
    expect(page.get_by_role("status")).to_have_text("The task was returned. Somebody else can do it now.")
    assert offered.answers() == [[("label", "dog"), ("why", "It says dog.")]]


def test_a_worker_is_warned_before_the_time_is_up_and_keeps_the_form(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1)
    page = sign_in()
    page.clock.install()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    inside(page).get_by_label("Why?").fill("Because")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("link", name="Stop for now")).to_be_hidden()
    warnings = ((26, "Less than five minutes"), (3, "Less than one minute"), (2, "The time is up"))
    for minutes, words in warnings:
        page.clock.fast_forward(minutes * 60_000)
        expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page).to_have_title(f"time is up: {offered.title}")
    expect(inside(page).get_by_label("Why?")).to_have_value("Because")


def test_what_a_worker_did_is_shown_by_page_and_everybody_can_read_it(
    sign_in: OpenPage, crowd: Crowd
) -> None:
    offered = offer(crowd.client(), 2, Title="=HYPERLINK")
    where = {"locale": "en-GB", "timezone_id": "Asia/Tokyo"}
    page = sign_in(viewport={"width": 360, "height": 740}, color_scheme="dark", **where)
    card(page, offered.title).get_by_role("button", name="Accept").click()
    do_the_task(page, "cat")
    page.get_by_role("button", name="Next task").click()
    do_the_task(page, "dog")
    expect(page.get_by_role("button", name="Next task")).to_be_visible()
    page.get_by_role("link", name="Stop for now").click()
    first, _ = offered.submissions()
    crowd.client().approve_assignment(AssignmentId=first["AssignmentId"])
    bonus = {"WorkerId": first["WorkerId"], "AssignmentId": first["AssignmentId"]}
    crowd.client().send_bonus(**bonus, BonusAmount="1.00", Reason="Quick", UniqueRequestToken="one")
    crowd.client().notify_workers(Subject="Thanks", MessageText="Well done.", WorkerIds=[first["WorkerId"]])

    page.get_by_role("link", name="Help").click()
    page.get_by_role("link", name="Messages (1 new)").click()
    expect(page.get_by_role("heading", name="New Thanks")).to_be_visible()
    page.get_by_role("link", name="Earnings").click()
    expect(page.get_by_role("link", name="Messages", exact=True)).to_be_visible()
    expect(page.get_by_text("$1.25 in all")).to_be_visible()
    submitted_at = first["SubmitTime"].astimezone(ZoneInfo("Asia/Tokyo"))
    expect(page.get_by_role("table").last).to_contain_text(
        f"{submitted_at:%-d %b, %H:%M}".replace("Sep", "Sept")
    )
    expect(page.get_by_text("approved by itself on")).to_be_visible()
    check_accessible(page)
    table = page.request.get(f"{crowd.url}/history.csv").text().splitlines()
    assert table[0] == "assignment_id,title,status,reward,submitted_at,feedback,auto_approval_at"
    assert sorted(line.split(",")[1:4] for line in table[1:]) == [
        ["'=HYPERLINK", "Approved", "0.25"],
        ["'=HYPERLINK", "Submitted", "0.25"],
    ]


QUESTIONNAIRE = """<!doctype html><form method="post" action="/mturk/externalSubmit" ENCTYPE>
<input type="hidden" name="assignmentId">
<label><input type="checkbox" name="topics" value="sport"> sport</label>
<label><input type="checkbox" name="topics" value="art|craft"> art</label>
<label>Colours <select multiple name="colours"><option>red<option>blue<option>green</select></label>
<label>One <input name="t[]"></label><label>Two <input name="t[]"></label>
<label>Photo <input type="file" name="photo"></label><button>Submit</button></form>"""
MULTIPART = QUESTIONNAIRE.replace("ENCTYPE", 'enctype="multipart/form-data"')


@pytest.mark.parametrize("question", [QUESTIONNAIRE.replace("ENCTYPE", ""), MULTIPART])
def test_every_value_that_is_chosen_arrives(sign_in: OpenPage, crowd: Crowd, question: str) -> None:
    offered = offer(crowd.client(), 1, question=html_question(question))
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    for box in ("sport", "art"):
        inside(page).get_by_label(box).check()
    inside(page).get_by_label("Colours").select_option(["red", "green"])
    inside(page).get_by_label("Two").fill("second")
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()
    chosen = [("topics", "sport|art|craft"), ("colours", "red|green"), ("t[]", "|second"), ("photo", "")]
    assert offered.answers() == [chosen]


@pytest.mark.parametrize(("size", "words"), [(9, "takes no files"), (12 * 2**20, "and no files")])
def test_a_file_is_refused_and_the_form_is_there_to_send_without_it(
    sign_in: OpenPage, crowd: Crowd, tmp_path: Path, size: int, words: str
) -> None:
    (tmp_path / "cat.png").write_bytes(bytes(size))
    offered = offer(crowd.client(), 1, question=html_question(MULTIPART))
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    inside(page).get_by_label("art").check()
    inside(page).get_by_label("Photo").set_input_files(tmp_path / "cat.png")
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_text(words)).to_be_visible()
    expect(page.get_by_role("button", name="Return")).to_be_visible()
    assert offered.submissions() == []
    page.reload()
    inside(page).get_by_label("art").check()
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()
    assert offered.answers() == [[("topics", "art|craft"), ("t[]", "|"), ("photo", "")]]


def test_a_worker_returns_a_task_and_signs_out(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    page.get_by_role("link", name="Work").click()
    expect(page.get_by_role("heading", name="Your work in progress")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Return").click()
    expect(page.get_by_role("status")).to_contain_text("The task was returned.")
    expect(card(page, offered.title)).to_contain_text("2 left")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()


def test_a_preview_cannot_be_submitted(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    page = sign_in()
    card(page, offered.title).get_by_role("link", name="Preview").click()
    inside(page).get_by_label("cat").check()
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_text("This was only a preview and nothing was sent.")).to_be_visible()
    assert offered.submissions() == []


def test_the_time_left_counts_down(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, AssignmentDurationInSeconds=90)
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    left = page.locator("[data-seconds-left]")
    expect(left).to_have_text(re.compile(r"1 minute 2\d seconds left"))
    first = left.inner_text()
    expect(left).not_to_have_text(first)
    expect(left).to_have_text(re.compile(r"1 minute 2\d seconds left"))


def test_a_phone_shows_every_page_without_scrolling_sideways(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, Title="A very long word: " + "tremendous" * 10)
    page = sign_in(viewport={"width": 390, "height": 844})

    def assert_fits() -> None:
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

    assert_fits()
    card(page, offered.title).get_by_role("link", name="Preview").click()
    assert_fits()
    page.get_by_role("button", name="Accept").click()
    assert_fits()
    do_the_task(page, "cat")
    page.get_by_role("link", name="Earnings").click()
    expect(page.get_by_role("table")).to_be_visible()
    assert_fits()


# Each attack writes what came of it into the page; whatever a browser blocks throws or rejects.
ATTACKS = """
<p id="cookie"></p><p id="parent"></p><p id="top"></p><p id="read"></p><p id="storage"></p>
<script>
function attempt(id, attack) {
  const report = text => document.getElementById(id).textContent = text;
  try {
    const result = attack();
    Promise.resolve(result).then(value => report("GOT " + value), error => report("blocked: " + error.name));
  } catch (error) { report("blocked: " + error.name); }
}
attempt("cookie", () => { const all = document.cookie; if (!all) throw new Error(); return all; });
attempt("parent", () => parent.document.forms[0].outerHTML);
attempt("top", () => { top.location.href = "about:blank"; return "away"; });
attempt("read", () => fetch(SITE + "/", {credentials: "include"}).then(answer => answer.text()));
attempt("storage", () => { localStorage.setItem("crowd", "1"); return localStorage.length; });
</script>
"""


def hostile_page(site: str) -> str:
    return "<!doctype html><body>" + ATTACKS.replace("SITE", f'"{site}"')


def post_from_the_frame(page: Page, address: str) -> int:
    """Post a form from the page in the frame, and return the status it gets."""
    outcome(page, "read")
    script = """address => {
        const form = document.createElement("form");
        form.method = "post"; form.action = address;
        document.body.append(form); form.submit();
    }"""
    with page.expect_response(address) as answered:
        page.frames[1].evaluate(script, address)
    return answered.value.status


def outcome(page: Page, attack: str) -> str:
    place = inside(page).locator(f"#{attack}")
    expect(place).not_to_be_empty()
    return place.inner_text()


def test_a_hostile_page_reaches_neither_the_cookie_nor_the_site(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, question=html_question(hostile_page(crowd.url)))
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    task = page.url
    results = {attack: outcome(page, attack) for attack in ("cookie", "parent", "top", "read", "storage")}
    assert results == {
        "cookie": "blocked: SecurityError",
        "parent": "blocked: SecurityError",
        "top": "blocked: SecurityError",
        "read": "blocked: TypeError",
        "storage": "blocked: SecurityError",
    }
    assert page.url == task


def test_a_hostile_page_cannot_act_as_the_worker(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, question=html_question(hostile_page(crowd.url)))
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    task = page.url
    assert post_from_the_frame(page, f"{task}/return") == 403
    page.goto(task)
    assert post_from_the_frame(page, f"{crowd.url}/sign-out") == 403
    page.goto(task)
    assert post_from_the_frame(page, f"{crowd.url}/groups/{offered.hit_type_id}/accept") == 403
    page.goto(task)
    expect(page.get_by_role("button", name="Return")).to_be_visible()


def test_a_hostile_server_of_a_requester_reaches_no_more(sign_in: OpenPage, crowd: Crowd) -> None:
    with served(hostile_page(crowd.url)) as url:
        offered = offer(crowd.client(), 2, question=external_question(f"{url}/task"))
        page = sign_in()
        card(page, offered.title).get_by_role("button", name="Accept").click()
        task = page.url
        results = {attack: outcome(page, attack) for attack in ("cookie", "parent", "top", "read")}
        assert results == {
            "cookie": "blocked: Error",
            "parent": "blocked: SecurityError",
            "top": "blocked: SecurityError",
            "read": "blocked: TypeError",
        }
        assert post_from_the_frame(page, f"{task}/return") == 403
        page.goto(task)
        expect(page.get_by_role("button", name="Return")).to_be_visible()


def test_what_was_too_long_is_still_in_the_form_after_going_back(sign_in: OpenPage, crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1)
    page = sign_in()
    card(page, offered.title).get_by_role("button", name="Accept").click()
    inside(page).get_by_label("cat").check()
    inside(page).get_by_label("Why?").fill("too long " * 70_000)
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_text("more than this site takes: 512 kB of one task")).to_be_visible()
    page.evaluate("history.back()")
    expect(inside(page).get_by_label("cat")).to_be_checked()
    inside(page).get_by_label("Why?").fill("Shorter.")
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()
    assert offered.answers() == [[("label", "cat"), ("why", "Shorter.")]]


# The cookie, which browsers send to every port of a host


SPY = """<!doctype html><p>A task</p><img src="/own-name"><script>
const site = new URLSearchParams(location.search).get("turkSubmitTo");
const spied = `${new URL(site).protocol}//${new URL(site).hostname}:${location.port}`;
fetch(spied + "/fetched", {credentials: "include", mode: "no-cors"});
document.write(`<img src="${spied}/picture"><iframe src="${spied}/inner"></iframe>`);
</script>"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_task_server_on_this_machine_never_gets_the_cookie(
    browser: Browser, crowd: Crowd, host: str
) -> None:
    visits: list[tuple[str, str]] = []
    with served(SPY, visits=visits) as url:
        port = url.rpartition(":")[2]
        offered = offer(crowd.client(), 1, question=external_question(f"http://{host}:{port}/task"))
        context = browser.new_context()
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto(invite(crowd)["url"].replace("127.0.0.1", host))
        card(page, offered.title).get_by_role("button", name="Accept").click()
        expect(inside(page).get_by_text("A task")).to_be_visible()
        paths = {"/task", "/own-name", "/fetched", "/picture", "/inner"}
        wait_until(lambda: paths <= {path for path, _ in visits})
        assert context.cookies(f"http://{host}:{port}")  # in a tab of its own it would get one
        context.close()
    assert {cookies for _, cookies in visits} == {""}


def test_the_link_of_another_worker_asks_before_it_signs_in(sign_in: OpenPage, crowd: Crowd) -> None:
    page = sign_in()
    grace = invite(crowd, name="Grace Hopper")["url"]
    page.goto(grace)
    expect(page.get_by_role("heading", name="You are signed in as Ada Lovelace")).to_be_visible()
    page.get_by_role("link", name="Go on as Ada Lovelace").click()
    expect(page.locator(".who")).to_have_text("Ada Lovelace")
    page.goto(grace)
    page.get_by_role("button", name="Sign in as Grace Hopper").click()
    expect(page.locator(".who")).to_have_text("Grace Hopper")


def test_a_page_elsewhere_signs_nobody_in_behind_their_back(browser: Browser, crowd: Crowd) -> None:
    link = invite(crowd)["url"]
    page = f"""<!doctype html><img src="{link}"><iframe src="{link}"></iframe>
        <script>fetch("{link}", {{credentials: "include", mode: "no-cors"}})</script>"""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    with served(page) as url:
        tab = context.new_page()
        tab.goto(url, wait_until="networkidle")
    tab.goto(crowd.url)
    expect(tab.get_by_role("heading", name="Please sign in")).to_be_visible()
    context.close()
