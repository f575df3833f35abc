"""Planning a run: its input is read and checked, and its cost told, before anything is created."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.errors import Error, UsageError
from crowdops.formats import page_check
from crowdops.formats.input_rows import InputRows, Row
from crowdops.formats.page_remarks import CheckedPage
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import html_question
from crowdops.payments import pricing
from crowdops.providers.mturk import requirements
from crowdops.providers.mturk.client import MTurk
from crowdops.runs import quality_check
from crowdops.servers import app_files, pages
from crowdops.workers import eligibility

_SANDBOX_SITE = "https://workersandbox.mturk.com"


class Seen(NamedTuple):
    """What was read of a run's template and rows."""

    page: Page
    first_row: Row
    columns: set[str]
    units: int


class LaunchPlan(NamedTuple):
    """A run that could be launched: everything was read and checked, nothing was created.

    `remarks` say what is odd about its rows and its page, and no reason to refuse it.
    """

    parameters: Parameters
    data_digest: str
    estimate: pricing.Estimate
    first_page: str
    remarks: tuple[str, ...] = ()
    run_toml: Path | None = None


def plan(
    parameters: Parameters, settings: Settings, *, detach: bool, run_toml: Path | None = None
) -> LaunchPlan:
    """Read the whole input and check every page. UsageError names the first row that cannot stand."""
    _check_parameters(parameters, settings, detach=detach, source=run_toml or Path("run.toml"))
    page, rows = Page(parameters.template), InputRows(parameters.data)
    units, columns, first_page, first_row = 0, set[str](), "", Row()
    iterator = iter(rows)
    for index, row in iterator:
        columns.update(row)
        if index == 0 and rows.has_header:
            page.check_columns(columns, parameters.data)
        try:
            text = page.render(row, rows.number)
        except UsageError:
            _check_all_columns(page, parameters, columns, iterator)
            raise
        if parameters.server_kind == "none":
            html_question(text, rows.number)
        if not units:
            first_page, first_row = text, row
        units += 1
    page.check_columns(columns, parameters.data)
    estimate = pricing.estimate(parameters, units, settings.environment)
    _check_budget(parameters, settings, estimate)
    seen = Seen(page, first_row, columns, units)
    of_app = app_files.remarks(parameters.app_dir) if parameters.app_dir else []
    of_page = remarks(parameters, settings, seen)
    is_ours = parameters.server_kind != "url" and not parameters.app_dir
    of_quality = quality_check.remarks(
        parameters, first_page if is_ours else None, units, settings.environment
    )
    found = (*of_files(parameters, run_toml), *of_app, *_of_rows(rows), *of_page, *of_quality)
    return LaunchPlan(parameters, rows.digest, estimate, first_page, found, run_toml)


def of_files(parameters: Parameters, run_toml: Path | None) -> Iterator[str]:
    """Yield which files of a run lie outside of its folder: whoever wrote the run.toml may have no right."""
    if run_toml is None:
        return
    folder = run_toml.resolve().parent
    for name, file in (("data", parameters.data), ("template", parameters.template)):
        if not file.resolve().is_relative_to(folder):
            yield f"{name} is {file.resolve()}, outside of the run's folder {folder}."


def _of_rows(rows: InputRows) -> Iterator[str]:
    if rows.empty:
        are = "row is empty and no unit" if rows.empty == 1 else "rows are empty and no units"
        yield f"{rows.path}: {rows.empty} {are}."


def _check_parameters(parameters: Parameters, settings: Settings, *, detach: bool, source: Path) -> None:
    """UsageError for what the provider would refuse, or what cannot be done."""
    if detach and parameters.max_num_concurrent_units:
        raise UsageError(
            "--detach launches everything at once, and max_num_concurrent_units forbids it: set it to 0."
        )
    try:
        pages.check(parameters, settings)
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from error
    if parameters.qualifications:
        requirements.check(source, parameters.qualifications)


def _check_all_columns(
    page: Page, parameters: Parameters, columns: set[str], rest: Iterator[tuple[int, Row]]
) -> None:
    """UsageError if a page cannot be rendered since it names a field that no row at all has."""
    with contextlib.suppress(UsageError):
        for _, row in rest:
            columns.update(row)
    page.check_columns(columns, parameters.data)


def remarks(parameters: Parameters, settings: Settings, seen: Seen) -> Iterator[str]:
    """Yield what is odd about the page, and no reason to refuse it."""
    if parameters.server_kind == "url" or parameters.app_dir:
        return  # their pages are not ours to read
    embedded, site = parameters.server_kind == "none", _worker_site(settings)
    given = page_check.given(embedded, site)
    yield from page_check.remarks(
        CheckedPage(
            path=parameters.template,
            source=seen.page.source,
            html=seen.page.render(seen.first_row, 1, given),
            fields=seen.page.fields,
            optional=seen.page.optional,
            columns=frozenset(seen.columns),
            units=seen.units,
            embedded=embedded,
            submit_to=site,
        )
    )


def _worker_site(settings: Settings) -> str:
    """Return the address of the site where workers see the page."""
    if settings.amazon:
        return "https://www.mturk.com" if settings.environment == "production" else _SANDBOX_SITE
    parts = urlsplit(settings.endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _check_budget(parameters: Parameters, settings: Settings, estimate: pricing.Estimate) -> None:
    if parameters.max_cost is None:
        if settings.environment == "production":
            raise UsageError(f"In production max_cost is required. This run would cost ${estimate.total}.")
    elif estimate.total > parameters.max_cost:
        raise UsageError(
            f"The run would cost ${estimate.total}, over its max_cost of ${parameters.max_cost}."
            f" To allow it: --set max_cost={estimate.total}"
        )


def check_account(provider: MTurk, estimate: pricing.Estimate, plan: LaunchPlan | None = None) -> None:
    """UsageError if endpoint or key do not work, or the balance does not cover the estimate. One call.

    One more for each qualification type of somebody's own that a plan asks for: it has to be there.
    """
    try:
        balance = provider.balance()
    except Error as error:
        raise type(error)(f"{error} Nothing was created.") from error
    if balance < estimate.total:
        raise UsageError(
            f"The account has ${balance}, and the run would cost ${estimate.total}. Nothing was created."
        )
    if plan:
        eligibility.check_types(provider, plan.parameters.qualifications)
