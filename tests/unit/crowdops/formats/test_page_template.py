"""How a template names what is in a row, and that every place that renders one gives the same page."""

from pathlib import Path
from typing import Any

import pytest

from crowdops.errors import UsageError
from crowdops.formats import template_names
from crowdops.formats.page_template import Page
from taskserver import names as task_server_names
from taskserver.errors import PageError
from taskserver.pages import Pages
from taskserver.visit import PREVIEW, Visit

DATA = Path("items.csv")
PREVIEWED = Visit(PREVIEW, "", "", "")
BATCH = {"HITId": "3H", "WorkerId": "A1EXAMPLE", "Input.text": "hello", "Answer.label": "yes & no"}


def page(folder: Path, source: str | bytes) -> Page:
    path = folder / "template.html"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return Page(path)


def complaint(made: Page, columns: list[str]) -> str:
    with pytest.raises(UsageError) as caught:
        made.check_columns(columns, DATA)
    return str(caught.value).replace(str(made.path), made.path.name)


def render(folder: Path, source: str, row: dict[str, Any]) -> str:
    """Render a row here and as the task server does, which must give the same page."""
    made = page(folder, source)
    made.check_columns(row, DATA)
    here = made.render(row, 1)
    assert Pages(folder).task(row, PREVIEWED, "") == here
    return here


@pytest.mark.parametrize(
    ("source", "row", "wanted"),
    [
        ('{{ row["my text"] }}', {"my text": "a<b"}, "a&lt;b"),
        ("{{ my_text }}", {"my text": "a"}, "a"),
        ("{{ my_text }}", {"my-text": "a"}, "a"),
        ("{{ my_text_ }}", {"my text?": "a"}, "a"),
        ("{{ _2nd }}{{ row['2nd'] }}", {"2nd": "a"}, "aa"),
        ("{{ my_text }}", {"my text": "a", "my_text": "its own"}, "its own"),
        ('{{ row["my text"] }}{{ row["my-text"] }}', {"my text": "a", "my-text": "b"}, "ab"),
        ("{{ Input.text }}: {{ Answer.label }}", BATCH, "hello: yes &amp; no"),
        ("{{ Input_text }} by {{ WorkerId }} on {{ HITId }}", BATCH, "hello by A1EXAMPLE on 3H"),
        ('{{ Input["text"] }}{{ row["Input.text"] }}', BATCH, "hellohello"),
        ("{{ Input.items }}", {"Input.items": "not a method"}, "not a method"),
        ("{{ Input.text }}", {"Input": {"text": "own"}, "Input.text": "other"}, "own"),
        ("{% for name, value in row.items() %}{{ name }}={{ value }};{% endfor %}", {"a": 1, "b c": 2},
         "a=1;b c=2;"),
        ("<{{ a }}|{{ b }}|{{ c }}>", {"a": None, "b": False, "c": 0}, "<|False|0>"),
        ("{{ hint|default('none') }}{{ a }}", {"a": "x"}, "nonex"),
        ("{% if hint is defined %}{{ hint }}{% endif %}{{ a }}", {"a": "x"}, "x"),
        ("{{ größe }}{{ row['été 1'] }}{{ été_1 }}", {"größe": "1", "été 1": "2"}, "122"),
        ("{{ a }}\r\n<p>\r</p>\n", {"a": "x"}, "x\n<p>\n</p>\n"),
        ("\ufeff{{ a }}\n", {"a": "x"}, "x\n"),
    ],
)  # fmt: skip
def test_a_row_is_shown_alike_in_a_hit_and_on_a_task_server(
    tmp_path: Path, source: str, row: dict[str, Any], wanted: str
) -> None:
    assert render(tmp_path, source, row) == wanted


def test_both_places_take_the_same_names() -> None:
    assert set(task_server_names.TAKEN) == set(template_names.TAKEN)
    assert set(PREVIEWED.template_names()) == set(template_names.GIVEN)


@pytest.mark.parametrize(
    ("source", "columns", "hint"),
    [
        ("{{ my_text }}", ["my text", "my-text"],
         "The column 'my text' is {{ row[\"my text\"] }}."),
        ("{{ my-text }}", ["my-text"], "The column 'my-text' is {{ my_text }} or {{ row[\"my-text\"] }}."),
        ("{{ Inputs.text }}", ["Input.text"], "Did you mean Input?"),
        ("{{ txet }}", ["text", "my text"], "Did you mean text?"),
    ],
)  # fmt: skip
def test_a_field_that_is_no_column_is_answered_with_how_to_write_it(
    tmp_path: Path, source: str, columns: list[str], hint: str
) -> None:
    said = complaint(page(tmp_path, source), columns)
    assert said.startswith("template.html uses the field ") and said.endswith(hint)


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("<p>\n{{ my text }}", "my text"),
        ("\n{{ 2nd }}", "2nd"),
        ("\n{{- the 2nd text|upper }}", "the 2nd text"),
    ],
)
def test_a_name_that_cannot_be_written_is_a_syntax_error_that_says_how(
    tmp_path: Path, source: str, column: str
) -> None:
    with pytest.raises(UsageError, match=r"template\.html, line 2: .+") as caught:
        page(tmp_path, source)
    assert f"The column {column!r} is {{{{ {template_names.identifier(column)} }}}}" in str(caught.value)
    assert f'{{{{ row["{column}"] }}}}' in str(caught.value)


@pytest.mark.parametrize("column", [*template_names.GIVEN, "row", "self"])
def test_a_column_that_would_be_hidden_by_a_name_of_ours_is_refused(tmp_path: Path, column: str) -> None:
    said = complaint(page(tmp_path, "{{ text }}"), ["text", column])
    assert said == (
        f"items.csv: no column can be called {column}: to a template that is something else."
        f" Rename it, for instance to my_{column}."
    )


def test_columns_of_other_spellings_are_nobody_elses(tmp_path: Path) -> None:
    row = {"WorkerId": "A1", "hit_id": "H", "Preview": "p", "rows": "r", "loop": "l", "range": "g"}
    fields = " ".join(f"{{{{ {name} }}}}" for name in row)
    assert render(tmp_path, fields, row) == "A1 H p r l g"


def test_a_field_that_a_row_lacks_is_named_with_the_row_and_the_way_out(tmp_path: Path) -> None:
    made = page(tmp_path, "{{ text }}{{ hint }}")
    made.check_columns(["text", "hint"], DATA)
    with pytest.raises(UsageError) as caught:
        made.render({"text": "a"}, 7)
    assert "row 7 cannot be rendered: 'hint' is undefined." in str(caught.value)
    assert str(caught.value).endswith("If rows may lack it, write {{ hint|default('') }}.")


@pytest.mark.parametrize(
    "source",
    [
        "{{ cycler.__init__.__globals__.os.popen('touch FILE').read() }}{{ a }}",
        "{{ a.__class__.__mro__[1].__subclasses__()|length }}",
        "{{ row.update({'a': 'changed'}) }}{{ a }}",
        "{{ lipsum.__globals__['os'].listdir('/') }}",
        "{{ '{0.__class__}'.format(a) }}",
        "{{ a|attr('__class__') }}",
    ],
)
def test_a_template_reaches_nothing_but_its_fields(tmp_path: Path, source: str) -> None:
    touched = tmp_path / "touched"
    made = page(tmp_path, source.replace("FILE", str(touched)))
    with pytest.raises(UsageError, match=r"row 1 cannot be rendered: .*(unsafe|not safely callable)"):
        made.render({"a": "x"}, 1)
    with pytest.raises(PageError):
        Pages(tmp_path).task({"a": "x"}, PREVIEWED, "")
    assert not touched.exists()
