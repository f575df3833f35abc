"""Remarks on a page: what a browser or the worker site would not do as its author expects."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crowdops.formats import page_check
from crowdops.formats.page_remarks import CheckedPage
from crowdops.formats.page_template import Page
from tests.support.forks import REPOSITORY

SITE = "http://127.0.0.1:8730"
ROW = {"text": "hello", "my text": "you"}
ASSIGNMENT = '<input type="hidden" name="assignmentId" value="{{ assignmentId }}">'
EXAMPLE = (REPOSITORY / "examples" / "task.html").read_text()
Remarks = Callable[..., list[str]]


@pytest.fixture
def remarks(tmp_path: Path) -> Remarks:
    """Return what is remarked on a template, without its path."""

    def remarks(source: str, *, embedded: bool = True, units: int = 2) -> list[str]:
        path = tmp_path / "task.html"
        path.write_text(source)
        page = Page(path)
        html = page.render(ROW, 1, page_check.given(embedded, SITE))
        columns = frozenset(ROW)
        checked = CheckedPage(
            path, page.source, html, page.fields, page.optional, columns, units, embedded, SITE
        )
        return [remark.removeprefix(str(path)) for remark in page_check.remarks(checked)]

    return remarks


def form(fields: str, attributes: str = 'method="post" action="{{ submit_url }}"', more: str = "") -> str:
    return f"<p>{{{{ text }}}}</p>\n<form {attributes}>{ASSIGNMENT}\n{fields}\n</form>\n{more}"


BUTTON = '<input name="a">\n<button>Submit</button>'


@pytest.mark.parametrize("embedded", [True, False], ids=["in the HIT", "served"])
@pytest.mark.parametrize(
    "source",
    [
        EXAMPLE.replace("channel", "text").replace("message", "text"),
        form(BUTTON),
        form('<input type="radio" name="a"><input type="radio" name="a" value="2"><button>Go</button>'),
        form('<input type="checkbox" name="a" value="1"><input type="checkbox" name="a" value="2">'
             "<button>Go</button>"),
        form('<input name="t[]"><input name="t[]"><button>Go</button>'),
        form('<select name="a" multiple><option>x</option></select><input type="submit">'),
        form(BUTTON, more='<a href="https://e.example" target="_blank">help</a><a href="#top">top</a>'),
        form(BUTTON, more='<base target="_blank"><a href="https://e.example">help</a><a name="x">here</a>'),
        form(BUTTON, more="<script>const line = `${text}`;</script><style>a{}</style>"),
        form('<input name="a"><input type="image" alt="go">'),
        form(BUTTON, more='<img src="https://e.example/a.png"><img src="data:image/png;base64,AA==">'),
        form(BUTTON, more='<img src="//e.example/a.png"><img src="">'),
        form('<button name="a" value="yes">Yes</button><button name="a" value="no">No</button>'),
        '<p>{{ row["my text"] }}</p>' + form(BUTTON).replace("{{ text }}", ""),
        form('<input name="q{{ text }}"><button>Go</button>' * 2).replace("q{{ text }}", "q", 1),
    ],
)  # fmt: skip
def test_a_page_that_works_has_no_remarks(remarks: Remarks, source: str, embedded: bool) -> None:
    assert remarks(source, embedded=embedded) == []


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<p>{{ text }}</p><input type=radio name=a>",
         ": the page has no form, so nobody can submit it. Write: <form method=\"post\""),
        ("<p>{{ text }}</p><script>draw()</script>",
         ": the page has no form, so nobody can submit it, unless its script makes one."),
        (form('<input name="a">'), ", line 2: the form has no submit button. Write: <button>"),
        (form('<input name="a"><button type="button">Go</button>'), ", line 2: the form has no submit"),
        (form(BUTTON, 'method="get" action="{{ submit_url }}"'), ", line 4: the form is sent by GET"),
        (form(BUTTON, 'action="{{ submit_url }}"'), 'Write: method="post".'),
        (form(BUTTON, 'method="post"'), ", line 4: the form has no action, so it goes to the page's own"),
        (form(BUTTON, 'method="post" action="https://forms.example.org/in"'),
         ", line 4: the form goes to https://forms.example.org/in, not to"),
        (form(BUTTON, 'method="post" action="/mturk/externalsubmit"'), "not to http://127.0.0.1:8730/mturk"),
        (form(BUTTON, 'method="post" action="{{ submit_url }}" target="_top"'), "form would leave its frame"),
        (form(BUTTON).replace(ASSIGNMENT, ""), ", line 2: the form sends no assignmentId. Write: <input"),
        (form("<button>Go</button>"), ", line 2: no field of the form has a name"),
        (form(BUTTON + '\n<textarea id="b"></textarea>\n<input>'),
         ', line 5: a field has no name, so its value is not sent. Write: name="…". (1 more like it.)'),
        (form(BUTTON + '\n<input name="a">\n<select name="a"></select>'),
         ", line 5: 3 fields are called 'a', so their values come as one answer, joined by |."),
        (form(BUTTON + '\n<input type="file" name="photo">'), ", line 5: the site takes no files"),
        (form(BUTTON + '\n<input type="file" name="photo" required>'), "needs a file, and the site"),
        (form(BUTTON, more='<input name="b">'), ", line 6: a field stands outside of the form"),
        (form(BUTTON, more="<p>\n${text}</p>"), ", line 7: ${text} is shown as it stands. Write: {{ text"),
        (form(BUTTON, more='<img src="${ my text }">'),
         ', line 6: ${ my text } is shown as it stands. Write: {{ my_text }} or {{ row["my text"] }}.'),
        (form(BUTTON, more="<crowd-button>Go</crowd-button>"), ", line 6: <crowd-button> does nothing"),
        ("{{ text }}<crowd-form></crowd-form>", ", line 1: <crowd-form> does nothing without its script."),
        (form(BUTTON).replace("{{ text }}", "hello"),
         ": the page names no column of the data, so all HITs are the same. Write: "),
        (form(BUTTON, more="\n{{ hnit|default('') }}{{ texte|d('') }}"),
         ", line 7: no row has the field 'texte', so it is left out everywhere. Did you mean text?"),
        (form(BUTTON, more='\n<a href="https://example.org/help">help</a>'),
         ", line 7: a link opens in place of the task, whose answers are lost then."),
        (form(BUTTON, more='<a href="help.html" target="_top">help</a>'), 'Write: target="_blank" rel="noop'),
        (form(BUTTON, more='<img src="cats/{{ text }}.jpg">'),
         ", line 6: src='cats/hello.jpg' leads to nothing: no file is served beside the page."),
        (form(BUTTON, more='<link rel="stylesheet" href="/style.css"><script src="task.js"></script>'),
         ", line 6: href='/style.css' leads to nothing"),
        (form(BUTTON, more='<video><source src="file:///C:/film.mp4"></video>'), "leads to nothing"),
        (form(BUTTON, more='<meta http-equiv="Refresh" content="5">'), "the page leads itself away"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("embedded", [True, False], ids=["in the HIT", "served"])
def test_what_would_not_work_is_remarked(remarks: Remarks, source: str, wanted: str, embedded: bool) -> None:
    assert any(wanted in remark for remark in remarks(source, embedded=embedded)), remarks(source)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("<p>{{ workerId }}</p>", ", line 6: {{ workerId }} is empty in a page that lies in the HIT"),
        ("{{ hitId }}", ", line 6: {{ hitId }} is empty in a page"),
        ("\n{% if preview %}Accept first.{% endif %}", ", line 7: {{ preview }} is always false in a page"),
        (
            "<script>\nlocalStorage.x = 1</script>",
            ", line 7: localStorage fails in a page that lies in the HIT",
        ),
        ("<script>document.cookie</script>", ", line 6: document.cookie fails"),
        ('<p onclick="sessionStorage.clear()">', ", line 6: sessionStorage fails"),
    ],
)
def test_what_works_on_a_server_only_is_remarked_inside_a_hit(
    remarks: Remarks, more: str, wanted: str
) -> None:
    [remark] = remarks(form(BUTTON, more=more))
    assert remark.startswith(wanted) and 'Serve the page: kind = "local"' in remark.replace("serve", "Serve")
    assert remarks(form(BUTTON, more=more), embedded=False) == []


def test_what_the_crowd_server_has_of_amazons_elements_works_inside_a_hit_alone(remarks: Remarks) -> None:
    crowd_form = (
        '<p>{{{{ text }}}}</p><script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
        "<crowd-form><crowd-input name='a'></crowd-input>{}</crowd-form>"
    )
    assert remarks(crowd_form.format("")) == []
    [remark] = remarks(crowd_form.format("<crowd-slider name='b'></crowd-slider>"))
    assert remark.endswith("<crowd-slider> is not on the worker site. Write plain form fields.")
    [remark] = remarks(crowd_form.format(""), embedded=False)
    assert "<crowd-form> does nothing here: Amazon's script is gone" in remark


def test_an_address_of_amazons_closed_sites_is_right_inside_a_hit_alone(remarks: Remarks) -> None:
    attributes = 'method="post" action="https://www.mturk.com/mturk/externalSubmit"'
    assert remarks(form(BUTTON, attributes)) == []
    [remark] = remarks(form(BUTTON, attributes), embedded=False)
    assert "goes to https://www.mturk.com/mturk/externalSubmit, not to" in remark
    assert remark.endswith('Write: method="post" action="{{ submit_url }}".')


def test_a_path_of_its_own_server_is_no_way_to_submit_from_there(remarks: Remarks) -> None:
    [remark] = remarks(form(BUTTON, 'method="post" action="/mturk/externalSubmit"'), embedded=False)
    assert "goes to https://tasks.example.org/mturk/externalSubmit, not to" in remark


def test_one_unit_need_not_name_a_column(remarks: Remarks) -> None:
    assert remarks(form(BUTTON).replace("{{ text }}", "hello"), units=1) == []


def test_a_line_is_that_of_the_template_where_it_can_be_told(remarks: Remarks) -> None:
    loop = "{% for n in range(3) %}\n<p>{{ n }}</p>\n{% endfor %}\n"
    found = remarks(loop + form(BUTTON + '\n<input id="lost">\n<input id="q{{ text }}">'))
    assert [remark.split(": ")[0] for remark in found] == [", line 8"]
    found = remarks(loop + form(BUTTON + '\n<input id="q{{ text }}">'))
    assert [remark.split(": ")[0] for remark in found] == [", line 12 of the first page"]


@pytest.mark.parametrize(
    "piece",
    ["<div>", "<form>", "<fieldset><input name=a>", "<!--", "<a href=", "<", "<select><option>", "${", "</p>",
     "<script>", "<input name=a form=b>", "&#1;", "<p title='", "{"],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_no_page_is_read_without_an_end(tmp_path: Path, piece: str) -> None:
    path = tmp_path / "task.html"
    html = piece * (page_check.LONGEST // 4 // len(piece))
    empty: frozenset[str] = frozenset()
    page_check.remarks(CheckedPage(path, html, html, empty, empty, frozenset(ROW), 2, True, SITE))


def test_a_page_that_is_too_long_is_not_read_and_that_is_said(remarks: Remarks) -> None:
    [remark] = remarks(form(BUTTON, more="x" * page_check.LONGEST))
    assert remark.endswith("characters, and was not checked.")
