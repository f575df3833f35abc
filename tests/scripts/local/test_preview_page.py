"""preview_page: the first rows as workers see them, in one file, from which nothing can be sent."""

import html
import json
import re
import webbrowser
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.world import World

SCRIPT = "local/preview_page"
PAGE = (
    "<!DOCTYPE html><p id='text'>{{ text }}</p><form method='post' action='{{ submit_url }}'>"
    '<input type="hidden" name="assignmentId" value="{{ assignmentId }}">'
    '<input name="label" value="&quot;x"><button>Submit</button></form>'
    "<script>document.title = '</iframe>' + innerWidth</script>"
)


def frames(path: Path) -> list[str]:
    """Return the pages in a preview's frames."""
    return [html.unescape(page) for page in re.findall(r'srcdoc="([^"]*)"', path.read_text())]


def test_the_first_rows_are_written_to_a_file_whose_path_is_printed(world: World) -> None:
    rows = [{"text": text} for text in ("one", "", 'tw"o <b>', "three", "four")]
    path = world.write_run(rows=rows, page=PAGE)
    result, calls = world.calls_of(SCRIPT, str(path))
    assert result.exit_code == 0 and result.stderr == "" and calls == {}
    written = Path(result.stdout.strip())
    assert written == world.home / "previews" / "pilot-1.html"
    shown = frames(written)
    assert len(shown) == 6  # three rows on two screens; the empty one is no unit
    assert ["tw&#34;o &lt;b&gt;" in page for page in shown] == [False, False, True, True, False, False]
    assert all("action='/mturk/externalSubmit'" in page for page in shown)
    assert "<h2>Row 3</h2>" in written.read_text()
    assert not (world.home / "registry.db").exists()


def test_the_file_the_rows_and_the_parameters_can_be_chosen(world: World, tmp_path: Path) -> None:
    path, wanted = world.write_run(units=4, page=PAGE), tmp_path / "look here.html"
    found = world.json(SCRIPT, str(path), "-o", str(wanted), "--rows", "1", "--set", "task_title=A & B")
    assert found == {"path": str(wanted), "rows": [1], "remarks": []}
    assert len(frames(wanted)) == 2 and "<h1>A &amp; B</h1>" in wanted.read_text()


def test_rows_beyond_those_shown_are_not_read(world: World) -> None:
    path = world.write_run(units=2, page=PAGE)
    with (path.parent / "items.csv").open("a") as file:
        file.write("too,many,cells\n")
    assert world.invoke(SCRIPT, str(path), "--rows", "2").exit_code == 0
    refused = world.invoke(SCRIPT, str(path), "--rows", "3")
    assert refused.exit_code == 2 and "row 3 (line 4) has 3 cells" in refused.stderr


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("{{ txet }}", "uses the field 'txet', which no column of the data has. Did you mean text?"),
        ("<p>\n{{ my text }}", "task.html, line 2: "),
    ],
)
def test_a_page_that_cannot_be_shown_is_refused_and_nothing_is_written(
    world: World, page: str, wanted: str
) -> None:
    result = world.invoke(SCRIPT, str(world.write_run(page=page)))
    assert result.exit_code == 2 and wanted in result.stderr and result.stdout == ""
    assert not (world.home / "previews").exists()


def test_what_is_odd_about_the_page_is_remarked(world: World) -> None:
    path = world.write_run(page="<p>{{ text }}</p>")
    result = world.invoke(SCRIPT, str(path))
    assert (
        result.exit_code == 0 and "task.html: the page has no form, so nobody can submit it." in result.stderr
    )
    [remark] = world.json(SCRIPT, str(path))["remarks"]
    assert f"Remark: {remark}" in result.stderr
    assert world.invoke(SCRIPT, str(path), "--quiet").stderr == ""


def test_it_says_that_somebody_elses_server_may_show_another_page(world: World) -> None:
    more = '[server]\nkind = "url"\nurl = "https://tasks.example.org"\n'
    result = world.invoke(SCRIPT, str(world.write_run(page=PAGE, more=more)))
    assert result.exit_code == 0
    assert "Remark: The run's pages come from https://tasks.example.org, which may not" in result.stderr


def test_open_opens_it_and_says_so_if_that_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_nothing(url: str) -> bool:
        opened.append(url)
        return False

    monkeypatch.setattr(webbrowser, "open", open_nothing)
    result = world.invoke(SCRIPT, str(world.write_run(page=PAGE)), "--open")
    assert result.exit_code == 0
    assert opened == [Path(result.stdout.strip()).as_uri()]
    assert "No browser could be opened. Open the file yourself." in result.stderr


def test_a_place_that_cannot_be_written_is_said(world: World, tmp_path: Path) -> None:
    path = world.write_run(page=PAGE)
    result = world.invoke(SCRIPT, str(path), "-o", str(tmp_path / "no" / "such" / "folder.html"))
    assert result.exit_code == 2 and "cannot be written" in result.stderr
    (world.home / "previews").write_text("in the way")
    result = world.invoke(SCRIPT, str(path))
    assert result.exit_code == 2 and "Name a file: -o preview.html" in result.stderr


@pytest.mark.browser
def test_a_browser_shows_both_widths_and_submits_nothing(world: World, browser: Browser) -> None:
    path = world.write_run(rows=[{"text": "<script>alert(1)</script> é"}], page=PAGE)
    written = Path(json.loads(world.invoke(SCRIPT, str(path), "--json").stdout)["path"])
    page = browser.new_page(viewport={"width": 1700, "height": 1000})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(written.as_uri())
    desktop, phone = page.frames[1:]
    assert [frame.evaluate("innerWidth") for frame in (desktop, phone)] == [1100, 390]
    for frame in (desktop, phone):
        assert frame.locator("#text").inner_text() == "<script>alert(1)</script> é"
        assert frame.locator("input[name=label]").input_value() == '"x'
        assert frame.evaluate("origin") == "null"
        frame.get_by_text("Submit").click()
        assert frame.locator("#text").count() == 1
    assert not [url for url in requests if "externalSubmit" in url]
    page.close()
