"""What is done to a requester's page, and to its address, before it is shown in the frame."""

import pytest

from crowdserver.site import filters, frames


@pytest.mark.parametrize(
    "before,after",
    [
        ('<input type="hidden" name="assignmentId">', '<input value="3A" type="hidden" name="assignmentId">'),
        ('<INPUT name="assignmentId" value="" id=a>', '<INPUT value="3A" name="assignmentId" id=a>'),
        ("<input name='assignmentId' value=''/>", "<input value=\"3A\" name='assignmentId'/>"),
        (
            "<input\n name=assignmentId\n title='a value to see'>",
            "<input value=\"3A\"\n name=assignmentId\n title='a value to see'>",
        ),
    ],
)
def test_an_empty_assignment_id_is_filled_in(before: str, after: str) -> None:
    page = "<!doctype html>\r\n<p>é\n{}<p>\n<form>{}</form>"
    assert frames.fill(page.format(before, before), "3A") == page.format(after, after)


@pytest.mark.parametrize(
    "page",
    [
        '<input name="assignmentId" value="3OTHER">',
        '<input name="assignmentid">',
        "<script>const html = '<input name=\"assignmentId\">';</script>",
        '<!-- <input name="assignmentId"> -->',
        '<textarea name="assignmentId"></textarea>',
        "<p>1 < 2 & <b>unclosed",
        "<p><![foo",
        "<p><![foo <input name=assignmentId>",
        "<![endif]--><p>",
        "",
    ],
)
def test_everything_else_stays_to_the_letter(page: str) -> None:
    assert frames.fill(page, "3A") == page


@pytest.mark.parametrize("host", ["www.mturk.com", "workersandbox.mturk.com"])
def test_forms_for_amazons_closed_site_post_here_instead(host: str) -> None:
    page = '<p>https://{}/mturk/externalSubmit</p><form method="post" action="{}/mturk/externalSubmit">'
    assert frames.fill(page.format(host, f"https://{host}"), "3A") == page.format(host, "")


@pytest.mark.parametrize("written", ["", "https://www.mturk.com"])
@pytest.mark.parametrize(
    "tag", ["<form action=", "<button formaction='", '<input type=submit formaction = "']
)
def test_below_a_path_forms_post_below_it(tag: str, written: str) -> None:
    page = f"<p data-action=/mturk/externalSubmit>/mturk/externalSubmit</p>{tag}%s/mturk/externalSubmit"
    end = {"'": "'>", '"': '">'}.get(tag[-1], ">")
    assert frames.fill(page % written + end, "3A", "/lab/crowd") == page % "/lab/crowd" + end


def test_forms_for_other_sites_stay() -> None:
    page = (
        '<form action="https://lab.example/mturk/externalSubmit"><form action="https://www.mturk.com/other">'
    )
    assert frames.fill(page, "3A") == page


@pytest.mark.parametrize(
    "url,full",
    [
        ("https://lab.example/task", "https://lab.example/task?hitId=3H&to=http%3A%2F%2Fx"),
        (
            "https://lab.example/task?a=1&a=%20b",
            "https://lab.example/task?a=1&a=%20b&hitId=3H&to=http%3A%2F%2Fx",
        ),
        ("https://lab.example/?x#part", "https://lab.example/?x&hitId=3H&to=http%3A%2F%2Fx#part"),
    ],
)
def test_parameters_are_appended_and_what_was_there_stays(url: str, full: str) -> None:
    assert frames.with_parameters(url, {"hitId": "3H", "to": "http://x"}) == full


@pytest.mark.parametrize(
    "url,keeps_its_origin",
    [
        ("https://lab.example/task", True),
        ("http://127.0.0.1:9000/task", True),
        ("https://crowd.example:443/tasks/x", False),
        ("https://CROWD.example/", False),
        ("https://someone@crowd.example/", False),
        ("/frame/key", False),
    ],
)
def test_only_a_page_of_another_origin_keeps_its_origin(url: str, keeps_its_origin: bool) -> None:
    assert ("allow-same-origin" in frames.sandbox_for(url, "https://crowd.example")) is keeps_its_origin


@pytest.mark.parametrize(
    "seconds,words",
    [(0, "no time"), (-5, "no time"), (1, "1 second"), (119, "1 minute 59 seconds"), (90061, "1 day 1 hour")],
)
def test_spans_are_told_in_their_two_largest_parts(seconds: float, words: str) -> None:
    assert filters.duration(seconds) == words


@pytest.mark.parametrize("piece", ["<!--", "<a href=", "<p title='", "<form action='", "<"])
@pytest.mark.timeout(10)  # the square of such a page's length was minutes
def test_a_page_of_cut_off_tags_is_shown_as_it_is(piece: str) -> None:
    page = piece * (65_000 // len(piece))
    assert frames.fill(page, "3A") == page


@pytest.mark.parametrize(
    "site,url,shown",
    [
        (
            "http://127.0.0.1:8730",
            "http://127.0.0.1:20000/unit/1?key=a#b",
            "http://localhost:20000/unit/1?key=a#b",
        ),
        ("http://127.0.0.1:8730", "http://127.1:20000/", "http://localhost:20000/"),
        ("http://127.0.0.1:8730", "http://0x7f000001:20000/", "http://localhost:20000/"),
        ("http://127.0.0.1:8730", "http://me@127.0.0.1:20000/", "http://me@localhost:20000/"),
        ("http://127.0.0.1:8730", "http://127.0.0.1/", "http://localhost/"),
        ("http://[::1]:8730", "http://[::1]:20000/", "http://localhost:20000/"),
        ("http://localhost:8730", "http://LOCALHOST:20000/", "http://127.0.0.1:20000/"),
        ("https://127.0.0.1:8730/crowd", "http://127.0.0.1:8730/", "http://localhost:8730/"),
    ],
)
def test_a_page_of_this_machine_is_shown_under_another_name_than_the_sites(
    site: str, url: str, shown: str
) -> None:
    assert frames.apart(url, site) == shown


@pytest.mark.parametrize(
    "site,url",
    [
        ("http://127.0.0.1:8730", "http://localhost:20000/unit/1"),
        ("http://localhost:8730", "http://127.0.0.1:20000/unit/1"),
        (
            "http://127.0.0.1:8730",
            "http://127.0.0.1:8730/tasks/x",
        ),  # of the site itself: the sandbox holds it
        ("http://127.0.0.1:8730", "https://lab.example/unit/1"),
        ("https://lab.example", "https://lab.example:8443/unit/1"),
        ("https://lab.example", "http://127.0.0.1:20000/unit/1"),
        ("https://lab.example/crowd", "//lab.example:1/x"),
    ],
)
def test_every_other_page_keeps_its_address(site: str, url: str) -> None:
    assert frames.apart(url, site) == url
