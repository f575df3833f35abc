"""The page in a real browser, in a sandboxed frame of another site, as worker sites show it."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.support.task_servers import Served, animals, unit_path, write_folder

pytestmark = pytest.mark.browser

SCRIPTED = """<!DOCTYPE html><html><body><p>{{ title }}</p>
<form method="post" action="{{ submit_url }}" id="answers">
<input type="hidden" name="assignmentId" value="{{ assignmentId }}">
<input type="hidden" name="mammal" value="yes">
<button type="button" onclick="document.getElementById('answers').submit()">Send by script</button></form>
<form method="post" action="{{ submit_url }}" onsubmit="return false"><button>Never goes</button></form>
</body></html>"""


class WorkerSite(BaseHTTPRequestHandler):
    """Shows any page in a sandboxed frame, and takes submissions."""

    submissions: list[dict[str, list[str]]] = []

    def do_GET(self) -> None:
        frame = f'<iframe name="task" src="{self.path[1:]}" sandbox="allow-scripts allow-forms"></iframe>'
        self._answer(f"<!DOCTYPE html><title>Worker site</title>{frame}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/mturk/externalSubmit":
            self.submissions.append(parse_qs(body))
        self._answer("<p>Thank you</p>")

    def _answer(self, page: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    WorkerSite.submissions = []
    with ThreadingHTTPServer(("127.0.0.1", 0), WorkerSite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def frame_of(page: Page, site: str, server: Served, path: str) -> Frame:
    """Show a unit in the worker site's frame."""
    page.goto(f"{site}/{server.url}{path}")
    frame = page.frame("task")
    assert frame is not None
    frame.wait_for_load_state()
    return frame


def wait_for_report(server: Served) -> None:
    """Until the page's script has told of its submission; the browser sends that on its own way."""
    deadline = time.monotonic() + 10
    while server.health()["active"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_submitting_in_the_frame_sends_the_answers_and_frees_the_worker(
    browser: Browser, site: str, tmp_path: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    with Served(write_folder(tmp_path / "run", animals(3))) as server:
        frame = frame_of(page, site, server, unit_path(0, "3FIRST", turkSubmitTo=site))
        frame.get_by_label("yes").check()
        refused = frame_of(context.new_page(), site, server, unit_path(1, "3SECOND", turkSubmitTo=site))
        assert "First finish what you have open" in refused.content()
        frame.get_by_role("button").click()
        frame.get_by_text("Thank you").wait_for()
        wait_for_report(server)
        following = frame_of(page, site, server, unit_path(1, "3SECOND", turkSubmitTo=site))
        assert "Is animal number 1 a mammal?" in following.content()
    context.close()
    assert WorkerSite.submissions == [{"assignmentId": ["3FIRST"], "mammal": ["yes"]}]


def test_the_refusal_pages_button_works_in_the_frame(browser: Browser, site: str, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    with Served(write_folder(tmp_path / "run", animals(3))) as server:
        server.open(0, "3RETURNED")
        frame = frame_of(context.new_page(), site, server, unit_path(2, "3WANTED", turkSubmitTo=site))
        assert "Unit 0" in frame.content()
        frame.get_by_role("button", name="I have submitted or returned it").click()
        frame.get_by_text("Is animal number 2 a mammal?").wait_for()
        frame.get_by_label("no").check()
        frame.get_by_role("button").click()
        frame.get_by_text("Thank you").wait_for()
    context.close()
    assert WorkerSite.submissions == [{"assignmentId": ["3WANTED"], "mammal": ["no"]}]


def test_a_form_sent_by_script_is_reported_and_one_that_does_not_go_is_not(
    browser: Browser, site: str, tmp_path: Path
) -> None:
    page = browser.new_page()
    with Served(write_folder(tmp_path / "run", animals(3), template=SCRIPTED)) as server:
        frame = frame_of(page, site, server, unit_path(0, "3SCRIPT", turkSubmitTo=site))
        frame.get_by_role("button", name="Never goes").click()
        assert server.open(1, "3OTHER").status_code == 409
        frame.get_by_role("button", name="Send by script").click()
        frame.get_by_text("Thank you").wait_for()
        wait_for_report(server)
        assert server.open(1, "3OTHER").status_code == 200
    page.context.close()
    assert WorkerSite.submissions == [{"assignmentId": ["3SCRIPT"], "mammal": ["yes"]}]


def test_no_stranger_may_frame_a_task(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    with Served(write_folder(tmp_path / "run", animals(1))) as server:
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.set_content(f'<iframe name="task" src="{server.url}{unit_path(0)}"></iframe>')
        framed = page.frame("task")
        assert framed is not None
        assert "mammal" not in framed.content()
    page.context.close()
