"""docs/pages.md: its pages work, its spellings are right, and the page check says what it says there."""

import re
from pathlib import Path

import pytest

from crowdops.formats import page_check
from crowdops.formats.page_remarks import CheckedPage
from crowdops.formats.page_template import Page
from tests.support import manual

PAGE = manual.read("pages")
ROW = {"text": "hello", "message": "When are you open?", "image_url": "https://lab.example/1.png"}
BLOCKS = re.findall(r"^```html\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def rows_after(heading: str) -> list[list[str]]:
    """The rows of the first table after a heading, each as its cells."""
    part = PAGE.partition(f"## {heading}\n")[2]
    table = re.search(r"^\|.*?\n\n", part, re.DOTALL | re.MULTILINE)
    assert table
    lines = table[0].strip().splitlines()[2:]
    cells = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in lines]
    return [[cell.replace("\\|", "|") for cell in row] for row in cells]


def remarks(folder: Path, source: str) -> list[str]:
    path = folder / "task.html"
    path.write_text(source)
    page = Page(path)
    html = page.render(ROW, 1, page_check.given(True, "http://127.0.0.1:8730"))
    checked = CheckedPage(
        path, page.source, html, page.fields, page.optional, frozenset(ROW), 2, True, "http://127.0.0.1:8730"
    )
    return [re.sub(r"^.*?task\.html(?:, line \d+)?: ", "", remark) for remark in page_check.remarks(checked)]


def test_the_smallest_page_works(tmp_path: Path) -> None:
    assert remarks(tmp_path, BLOCKS[0]) == []


def test_a_page_moved_over_works_and_says_before_what_to_write(tmp_path: Path) -> None:
    before, after = re.split(r"<!-- (?:before|after).*?-->\n", BLOCKS[1])[1:]
    assert remarks(tmp_path, after) == []
    found = remarks(tmp_path, before)
    assert [
        text
        for text in found
        if text.startswith("${image_url} is shown as it stands. Write: {{ image_url }}")
    ]
    assert [text for text in found if text.startswith("the page has no form")]


@pytest.mark.parametrize(("column", "spellings"), rows_after("The row's values"))
def test_a_column_can_be_spelled_so(tmp_path: Path, column: str, spellings: str) -> None:
    for spelling in re.findall(r"`(.*?)`", spellings):
        path = tmp_path / "task.html"
        path.write_text(spelling)
        assert Page(path).render({column.strip("`"): "a < b"}, 1) == "a &lt; b"


@pytest.mark.parametrize(("source", "remark"), rows_after("What the page check says"))
def test_the_page_check_says_so(tmp_path: Path, source: str, remark: str) -> None:
    source, said = source.strip("`"), remark.replace("`", "")
    if "form" not in said.partition("Write:")[0]:
        source = BLOCKS[0].replace("<button>", f"{source}<button>")
    assert [text for text in remarks(tmp_path, source) if text.startswith(said)], remarks(tmp_path, source)
