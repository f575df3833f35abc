"""Compensation for a worker who could not be paid otherwise: a HIT that only this worker can do.

Each is a run of its own, of one unit, under the task_name that it makes up for: so it is collected, paid,
counted, expired and found after a crash like any other run.
"""

from __future__ import annotations

from crowdops.bulk import Action, BulkResult, Outcome, in_row
from crowdops.context import Context
from crowdops.errors import InsufficientFunds, files_explained
from crowdops.formats import marks
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import html_question
from crowdops.hits import create
from crowdops.payments.compensation_plans import Makeup, MakeupPlan
from crowdops.registry import Run, locks
from crowdops.workers import eligibility, messages

_DURATION, _LIFETIME = 3600, 2_678_400  # seconds
_PAGE = """<!DOCTYPE html>
<title>Payment for your work</title>
<h1>Payment for your work</h1>
<p>This is for you alone. There is nothing to do: press the button, and you are paid.</p>
<p>{{ reason }}</p>
<form><input type="hidden" name="received" value="yes"><button>Receive the payment</button></form>
"""


def make(context: Context, plan: MakeupPlan) -> BulkResult[Makeup]:
    """Make compensations, one after another, and say which workers could not be told.

    Safe to repeat and to interrupt at any moment: each step is written down, or finds what it made before.
    """
    untold: list[str] = []

    def call(makeup: Makeup) -> bool:
        if not _make(context, plan.original, makeup):
            return True
        if why := _tell(context, plan.original.task_name, makeup):
            untold.append(f"{makeup.worker_id} could not be told: {why}")
        return False

    action = Action[Makeup, bool](
        call=call,
        settle=Outcome.get,
        explain=lambda makeup, why: in_row(makeup.worker_id, makeup.row, why),
    )
    result = context.carry_out(action, plan.due, "made", threads=0)  # the calls write to the registry
    for line in untold:
        context.say(line)
    return result


def _make(context: Context, original: Run, makeup: Makeup) -> bool:
    """Make a compensation. False if it exists: a registry that was lost had it, and told its worker."""
    provider, registry = context.provider, context.registry
    identity = makeup.identity(context.first_endpoint, original.task_name)
    type_id = provider.create_qualification_type(
        f"{marks.PREFIX}makeup:{identity[:24]}",
        "Holders are paid for work that could not be paid otherwise.",
    )
    provider.grant(type_id, makeup.worker_id)
    run_id, hit = registry.makeup_run(identity), None
    if run_id is None:  # nobody else asks for this qualification: what asks for it is this compensation
        hit = next((hit for hit in provider.iter_hits_asking_for(type_id) if hit.mark), None)
        new_id = hit.mark.run_id if hit and hit.mark else marks.new_run_id()
        run_id = registry.intend_makeup(identity, new_id, makeup.worker_id)
    with locks.hold(context.settings.home, run_id):
        run = registry.run(run_id) or _add_run(context, original, makeup, run_id, type_id)
        if hit:
            registry.adopt_hit(run_id, 0, hit.hit_id, hit.created_at)
        _launch(context, run, makeup)
    return hit is None


def _add_run(context: Context, original: Run, makeup: Makeup, run_id: str, type_id: str) -> Run:
    """Write the run and its page. From here on it is a run like any other, whoever launches its unit."""
    folder = context.settings.run_folder(run_id)
    template = folder / "template.html"
    with files_explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        template.write_text(_PAGE, encoding="utf-8")
    parameters = original.parameters._replace(
        task_title=f"Payment for your work: {original.parameters.task_title}"[:128],
        task_description=makeup.reason,
        task_reward=makeup.amount,
        task_tags="",
        data=template,
        template=template,
        assignments_per_unit=1,
        max_num_concurrent_units=0,
        allowed_concurrent=0,
        maximum_units_per_worker=0,
        max_cost=None,
        server_kind="none",
        assignment_duration_in_seconds=_DURATION,
        task_lifetime_in_seconds=_LIFETIME,
        auto_approval_delay_in_seconds=0,  # the submission alone pays
        qualifications=[eligibility.requirement(type_id, "Exists")],
    )
    run = Run.new(run_id, context.settings, parameters, context.provider.server_id)
    run = run._replace(detached=True, units=1)
    context.registry.add_run(run)
    return run


def _launch(context: Context, run: Run, makeup: Makeup) -> None:
    """Create the run's one HIT, or find it."""
    provider, registry = context.provider, context.registry
    hit_type_id = run.hit_type_id or provider.create_hit_type(run.parameters)
    run = run._replace(hit_type_id=hit_type_id)
    registry.set_hit_type(run.run_id, hit_type_id)
    registry.add_units(run.run_id, [(0, {"worker_id": makeup.worker_id, "reason": makeup.reason})])
    unit = registry.unit(run.run_id, 0)
    assert unit is not None
    # A token is good for a day by the endpoint's clock, which need not be ours: look before sending again.
    hit_ids = create.find_created(provider, run, [unit]) if unit.state == "creating" else {}
    hit_id = unit.hit_id or hit_ids.get(0)
    if hit_id is None:
        registry.intend(run.run_id, 1)
        page = Page(run.parameters.template).render(unit.input or {}, 1)
        try:
            hit_id = create.create(provider, run, unit, html_question(page, 1))
        except InsufficientFunds:
            registry.withdraw(run.run_id, [0])
            raise
    registry.set_created(run.run_id, 0, hit_id)
    registry.set_run_state(run.run_id, "running")


def _tell(context: Context, task_name: str, makeup: Makeup) -> str | None:
    """Send the worker a message, once. Returns why it did not arrive; the HIT itself says the same."""
    text = (
        f"{makeup.reason}\n\nA HIT that only you can see pays you ${makeup.amount}: find it among the"
        f" available work, accept it and press its button. ({task_name})"
    )
    message = messages.Message("A payment for your work", text)
    if not messages.plan(context, message, [makeup.worker_id]).recipients:
        return None
    return messages.tell(context, message, makeup.worker_id)
