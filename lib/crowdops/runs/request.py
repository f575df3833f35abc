"""What a command asks for: a new run, or one to be carried on. It is offered first, and then carried out."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from crowdops.config import parameters
from crowdops.config.settings import Settings
from crowdops.console import cli
from crowdops.context import Context
from crowdops.runs import launch, living, plan, resume, view
from crowdops.runs.outcome import Outcome
from crowdops.runs.plan import LaunchPlan
from crowdops.runs.remainder import Resumption
from crowdops.runs.view import Offer
from crowdops.workers import blocks, eligibility


class Options(NamedTuple):
    """What is to be launched or carried on, as the options say it."""

    run_toml: Path | None
    given: tuple[str, ...]
    detach: bool
    again: bool
    run_id: str | None
    ignore_data_change: bool


class Request(NamedTuple):
    """What is asked for, and how it is offered: to launch by a plan, or to resume, by a plan or without."""

    offer: Offer
    plan: LaunchPlan | None
    resumption: Resumption | None
    detach: bool
    is_asking: bool


class Place(NamedTuple):
    """The context of the server where it is done; `blocked` says who is kept out, if that is read ahead."""

    context: Context
    blocked: blocks.Reading | None


def read(settings: Settings, options: Options, *, is_asking: bool) -> Request:
    """Return what is asked for. Only reads, and calls nobody.

    UsageError if it is neither a launch nor a resumption, or cannot be done. `is_asking`: somebody will be
    asked.
    """
    resume.check_command(**options._asdict())
    launch_plan = None
    if options.run_toml:
        loaded = parameters.load(options.run_toml, cli.pairs(options.given, "--set"))
        launch_plan = plan.plan(loaded, settings, detach=options.detach, run_toml=options.run_toml)
    if options.run_id:
        resumption = Resumption(options.run_id, launch_plan, options.ignore_data_change)
        remainder = resume.prepare(settings, resumption)
        resumption = resumption._replace(run_id=remainder.run.run_id)  # whatever it was named by
        return Request(view.offer_resume(remainder), launch_plan, resumption, options.detach, is_asking)
    assert launch_plan is not None
    offer = view.offer_launch(launch_plan, settings)
    alive = [] if options.again else living.find(settings, launch_plan.parameters)
    offer = view.offer_another(offer, alive, is_asking=is_asking)
    return Request(offer, launch_plan, None, options.detach, is_asking)


def with_crowd(request: Request, settings: Settings) -> Request:
    """Return a request that remarks if no worker of the crowd qualifies. One request at most."""
    wanted = request.plan.parameters.qualifications if request.plan and not request.resumption else []
    lack = eligibility.of_crowd(settings, wanted)
    if lack is None:
        return request
    remarks = [*request.offer.remarks, f"{lack.text}, and {lack.met_by}."]
    document = {**request.offer.document, "remarks": remarks}
    return request._replace(offer=request.offer._replace(remarks=remarks, document=document))


def find_place(context: Context, request: Request) -> Place:
    """Return where it is to be done, if the account there has what it takes. UsageError if it has not.

    Who is blocked is read beside the balance where it is used right away: nobody is asked in between, and no
    pages have to come up.
    """
    there = context.of(request.resumption and request.resumption.run_id)
    prompt = None if request.resumption or request.is_asking else request.plan
    blocked = None
    if prompt and prompt.parameters.server_kind == "none":
        blocked = blocks.read_ahead(there.provider, prompt.parameters.task_name)
    plan.check_account(there.provider, request.offer.estimate, request.plan)
    return Place(there, blocked)


def carry_out(place: Place, request: Request) -> Outcome:
    """Launch or resume, and see the run through. Raises as launch() and resume() do."""
    if request.resumption:
        return resume.resume(place.context, request.resumption)
    assert request.plan is not None
    return launch.launch(place.context, request.plan, detach=request.detach, blocked=place.blocked)
