"""Planning a run: its input is read and checked, and its cost told, before anything is created."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.errors import Error, UsageError
from crowdops.formats.input_rows import InputRows
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import html_question
from crowdops.payments import pricing
from crowdops.providers.mturk.client import MTurk
from crowdops.servers import pages


class LaunchPlan(NamedTuple):
    """A run that could be launched: everything was read and checked, nothing was created."""

    parameters: Parameters
    data_digest: str
    estimate: pricing.Estimate
    first_page: str


def plan(parameters: Parameters, settings: Settings, *, detach: bool) -> LaunchPlan:
    """Read the whole input and check every page. UsageError names the first row that cannot stand."""
    if detach and parameters.max_num_concurrent_units:
        raise UsageError(
            "--detach launches everything at once, and max_num_concurrent_units forbids it: set it to 0."
        )
    pages.check(parameters, settings)
    page, rows = Page(parameters.template), InputRows(parameters.data)
    units, first_page = 0, ""
    for index, row in rows:
        if index == 0:
            page.check_columns(row)
        text = page.render(row, index + 1)
        if parameters.server_kind == "none":
            html_question(text, index + 1)
        first_page = first_page or text
        units += 1
    estimate = pricing.estimate(parameters, units, settings.environment)
    _check_budget(parameters, settings, estimate)
    return LaunchPlan(parameters, rows.digest, estimate, first_page)


def _check_budget(parameters: Parameters, settings: Settings, estimate: pricing.Estimate) -> None:
    if parameters.max_cost is None:
        if settings.environment == "production":
            raise UsageError(f"In production max_cost is required. This run would cost ${estimate.total}.")
    elif estimate.total > parameters.max_cost:
        raise UsageError(
            f"The run would cost ${estimate.total}, over its max_cost of ${parameters.max_cost}."
            f" To allow it: --set max_cost={estimate.total}"
        )


def check_account(provider: MTurk, estimate: pricing.Estimate) -> None:
    """UsageError if endpoint or key do not work, or the balance does not cover the estimate. One call."""
    try:
        balance = provider.balance()
    except Error as error:
        raise UsageError(f"{error} Nothing was created.") from error
    if balance < estimate.total:
        raise UsageError(
            f"The account has ${balance}, and the run would cost ${estimate.total}. Nothing was created."
        )
