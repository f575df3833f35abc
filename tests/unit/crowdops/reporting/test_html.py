"""The report as a page: bounded, escaped, and whole where there is nothing to show."""

import re
from decimal import Decimal

from crowdops.reporting import html
from crowdops.reporting.agreement import Agreement
from crowdops.reporting.approval import Approval
from crowdops.reporting.durations import Durations
from crowdops.reporting.progress import Progress
from tests.support.run_reports import make_report, with_texts


def test_a_page_is_bounded_however_many_there_are() -> None:
    few, many = html.render(make_report()), html.render(make_report(workers=2000, units=500, runs=60))
    assert len(many) < 4 * len(few)
    assert "And 1,950 more workers, in --json." in many and "And 40 more runs, in --json." in many
    assert (
        len(html.render(with_texts(make_report(workers=200, runs=60), lambda text: text * 1000))) < 1_000_000
    )


def test_nothing_that_a_text_holds_becomes_markup() -> None:
    page = html.render(with_texts(make_report(), lambda text: f'<b class="x">&amp;\'{text}\x1b\u202e\ud800'))
    page.encode("utf-8")
    assert "<b class" not in page and "\x1b" not in page and "\u202e" not in page
    assert "&lt;b class=&#34;x&#34;&gt;&amp;amp;&#39;" in page


def test_every_chart_has_its_caption_and_its_numbers() -> None:
    page = html.render(make_report(runs=2))
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == 5
    for figure in figures:
        assert re.search(r"<figcaption>\w", figure) and figure.count("<svg") == 1 and "<tbody>" in figure
    labels = re.findall(r'aria-label="(.*?)"', page)
    assert len(labels) == len(set(labels))


def test_fast_workers_come_first() -> None:
    report = make_report(workers=80)
    fast = next(worker for worker in report.workers if worker.is_fast)
    page = html.render(report)
    workers = page[page.index('id="workers"') :]
    assert re.findall(r'<th scope="row">(A\d+)', workers)[0] == fast.worker_id
    assert "Fast: a median time below a third" in page and 'class="mark fair">fast' in page


def test_a_report_without_anything_says_so() -> None:
    report = make_report()
    zero = dict.fromkeys(("approved", "unreviewed"), 0)
    empty = report._replace(
        title="",
        as_of=None,
        runs=[],
        costs=report.costs._replace(days=[], budget=None, spent=Decimal(0), bound=Decimal(0), **zero),
        progress=Progress(0, 0, 0, None, None, []),
        durations=Durations(None, [], 0),
        pay=report.pay._replace(by_worker=None, with_rejected=None, bars=[], lift=Decimal(0)),
        agreement=Agreement([], 0, 0, 0),
        workers=[],
        approval=Approval(None, [], 0, 0, 0, 0, None, None, [], 0),
        servers=[],
    )
    page = html.render(empty)
    for text in ("No runs", "No answers yet.", "Nobody has answered yet.", "Nothing was rejected."):
        assert text in page
    assert "<svg" not in page and "None" not in page
