"""The README and the pages of docs say what the code says, and lead where they say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import makes, manual, messages, script_sections
from tests.support.forks import REPOSITORY

PAGES = [*manual.pages(), *(REPOSITORY / name for name in ("CONTRIBUTING.md", "SECURITY.md"))]
NAMES = [page.relative_to(REPOSITORY).as_posix() for page in PAGES]
CODE = re.compile(r"^```.*?^```|`[^`]*`", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(r"(?:scripts/|\bcrowdops )(heroku|local|mturk)[/ ](?!test_)(\w+)(?:\.py)?\b([^\n|;&]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> Iterator[tuple[str, str]]:
    """The path and the anchor of each link of a page that leads to a file here; "" for what is not there."""
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.*)", manual.FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def test_the_tables_are_those_of_the_code() -> None:
    for page in manual.pages():
        text = page.read_text(encoding="utf-8")
        assert manual.renewed(text) == text, "write them anew: .venv/bin/python -m tests.support.manual"


def test_every_table_has_its_place() -> None:
    assert [match[3] for match in manual.FENCE.finditer(manual.read("settings"))] == list(manual.tables())


def test_every_script_has_its_section() -> None:
    fences = [match[3] for match in manual.FENCE.finditer(manual.read("scripts"))]
    assert sorted(fences) == sorted(script_sections.sections()) == script_sections.names()


def test_every_section_tells_the_exit_codes_and_the_json() -> None:
    """That they are those of the script, tests.support.scripts sees to wherever a test runs one."""
    for name in script_sections.names():
        assert {0, 2} <= script_sections.exit_codes(name), name
        assert (
            script_sections.shapes(name)
            or "prints its address and no JSON" in script_sections.sections()[name]
        )


def test_every_key_that_a_section_tells_is_one_of_the_code() -> None:
    code = "".join(
        path.read_text()
        for place in ("lib/crowdops", "scripts")
        for path in REPOSITORY.glob(f"{place}/**/*.py")
    )
    words = set(re.findall(r"\w+", code.lower()))
    for name in script_sections.names():
        for shape in script_sections.shapes(name):
            assert not script_sections.keys_of(shape) - words, name


def test_a_key_that_is_not_told_is_found_however_deep() -> None:
    shape = script_sections.parse("{a, b: [{c, d: {…}}]}")
    assert script_sections.undocumented({"a": 1, "b": [{"c": 2, "d": {"x": 3}}]}, shape) == []
    assert script_sections.undocumented({"b": [{"c": 2}, {"e": 3}], "f": 4}, shape) == ["f", "b.e"]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_an_anchor_that_are_there(page: Path) -> None:
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        inside = page.parent == manual.DOCS
        assert target.parent == manual.DOCS or not inside, f"{path} is not part of the site that docs make"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def test_the_readme_leads_to_every_page() -> None:
    named = {path.removeprefix("docs/") for path, _ in links(manual.README)}
    listed = {path for path, _ in links(manual.DOCS / "index.md")}
    pages = {page.name for page in manual.DOCS.glob("*.md")} - {"index.md"}
    assert pages <= named and pages <= listed


def test_every_page_has_its_place_in_the_site() -> None:
    listed = re.findall(r": ([\w-]+\.md)$", (REPOSITORY / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in manual.DOCS.glob("*.md"))


def code_of(page: Path) -> list[str]:
    """What a page shows as code: its blocks, and what stands in its lines, blanks as one blank."""
    shown = CODE.findall(page.read_text(encoding="utf-8"))
    return [text if text.startswith("```") else " ".join(text.strip("`").split()) for text in shown]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_of_make_has_its_target_variables_and_options(page: Path) -> None:
    proposed = [one for text in code_of(page) for one in messages.proposed_in(page.name, text)]
    assert makes.wrong(proposed) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_of_a_script_has_its_options(page: Path) -> None:
    for text in code_of(page):
        for folder, name, words in SCRIPT.findall(text.replace("\\\n", " ")):
            script = f"{folder}/{name}"
            assert script in script_sections.names(), f"{page.name} names {script}"
            unknown = set(OPTION.findall(words)) - makes.options_of(script)
            assert not unknown, f"{page.name}: {script} has no {unknown}"


def test_the_readme_is_a_screen_and_a_half() -> None:
    assert len(manual.README.read_text(encoding="utf-8").splitlines()) <= 70
