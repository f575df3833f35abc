"""What can keep a run from finishing: the rules that make one verdict of everything that was seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from crowdops.config.environments import ENVIRONMENTS
from crowdops.diagnosis.checks import SKEW, duration
from crowdops.diagnosis.snapshot import Pages, Symptoms, Work
from crowdops.errors import CredentialsRefused, Unreachable
from crowdops.registry import OPEN_STATES

SAFE = "Nothing is available or pending: it is safe to shut down."
MANY_THROTTLED = 0.5  # of the calls


class Verdict(NamedTuple):
    """The reason, as a word for programs and as a sentence for people, and what to type next."""

    code: str
    sentence: str
    next: str


def judge(seen: Symptoms) -> Verdict:
    """Return the first verdict that the symptoms allow: what stops everything comes before what stops something."""
    return next(verdict for rule in RULES if (verdict := rule(seen)))


def _command(seen: Symptoms, target: str, more: str = "") -> str:
    return f"make {target} RUN={seen.run.run_id}{more}"


def _of_endpoint(seen: Symptoms) -> Verdict | None:
    error = seen.silence
    if error is None:
        return None
    if isinstance(error, CredentialsRefused):
        if seen.clock_ahead is not None and abs(seen.clock_ahead) > SKEW:
            apart = duration(abs(seen.clock_ahead))
            sentence = f"This machine's clock and the endpoint's are {apart} apart, and the endpoint refuses what is signed with a wrong time."
            return Verdict("clock_skew", sentence, "timedatectl set-ntp true")
        return Verdict("key_refused", f"The endpoint refuses the key: {error}", "make wut NAME=environment")
    if isinstance(error, Unreachable):
        is_ours = not ENVIRONMENTS[seen.run.environment].amazon
        again = "make crowd" if is_ours else _command(seen, "diagnose")
        return Verdict("endpoint_silent", f"The endpoint does not answer: {error}", again)
    return Verdict("endpoint_error", f"The endpoint cannot be asked: {error}", _command(seen, "diagnose"))


def _of_end(seen: Symptoms) -> Verdict | None:
    work = _work(seen)
    if seen.condition != "ended":
        return None
    run = seen.run
    if work.assignable:
        sentence = f"The run is {run.state}, and {work.assignable} of its HITs can still be accepted."
        return Verdict("open_after_end", sentence, _command(seen, "expire"))
    if work.pending:
        sentence = f"The run is {run.state}, and {work.pending} assignments are still being worked on: they can come in for {_latest(seen)}."
        return Verdict("in_flight", sentence, _command(seen, "results"))
    if work.uncollected:
        sentence = (
            f"The run is {run.state}, and {work.uncollected} submitted assignments are not collected yet."
        )
        return Verdict("uncollected", sentence, _command(seen, "results"))
    why = f" ({run.reason})" if run.reason else ""
    return Verdict("safe", f"The run is {run.state}{why}. {SAFE}", _command(seen, "results"))


def _of_process(seen: Symptoms) -> Verdict | None:
    process = seen.process
    if seen.condition == "crashed":
        open_hits = _work(seen).outstanding
        rest = f"{open_hits} HITs are still out." if open_hits else SAFE
        sentence = f"The process that attended the run is gone, so nobody launches or collects. {rest}"
        is_done = not (open_hits or seen.count(*OPEN_STATES))
        return Verdict("crashed", sentence, "make recover" if is_done else _command(seen, "resume"))
    if process.suspended and process.holder:
        sentence = f"The process that attends the run, {process.holder.pid}, is suspended (Ctrl-Z), so nobody launches or collects."
        return Verdict("suspended", sentence, f"kill -CONT {process.holder.pid}")
    return None


def _of_pages(seen: Symptoms) -> Verdict | None:
    pages = seen.pages
    if pages is None:
        return None
    code, trouble = _trouble_of(pages, seen.run.run_id)
    if code is None:
        return None
    return Verdict(code, f"The task server {trouble}, so no worker gets a page.", _look_closer(seen, pages))


def _look_closer(seen: Symptoms, pages: Pages) -> str:
    """Return what shows a run's server, which differs by where it runs."""
    if pages.kind == "url":
        return f"curl {seen.parameters.url.rstrip('/')}/health"
    return _command(seen, "heroku-status" if pages.kind == "heroku" else "servers")


def _trouble_of(pages: Pages, run_id: str) -> tuple[str | None, str]:
    status = pages.status
    if pages.server is None and status is None:
        return "server_missing", "of the run is not known to the registry"
    if status and not status.exists:
        return "server_missing", "of the run does not exist any more"
    if status and status.scaled == 0:
        return "server_unscaled", f"{status.name} is scaled to 0 processes"
    if not pages.answers:
        state = f" ({status.dyno_state or 'down'})" if status else ""
        return "server_down", f"does not answer{state}"
    if pages.serves not in (None, "", run_id):
        return "server_of_another_run", f"serves run {pages.serves}"
    if pages.draining:
        return "server_draining", "is draining"
    return None, ""


def _of_books(seen: Symptoms) -> Verdict | None:
    broken = _work(seen).broken
    if not broken:
        return None
    reasons = sorted({difference.kind.reason for difference in broken})
    sentence = f"Registry and provider disagree about {len(broken)} units: {'; '.join(reasons)}."
    return Verdict("broken_units", sentence, _command(seen, "broken"))


def _of_money(seen: Symptoms) -> Verdict | None:
    work, planned = _work(seen), seen.count("planned")
    if not planned:
        return None
    if work.balance < seen.unit_cost:
        sentence = (
            f"The account has ${work.balance}, and the next of {planned} units costs ${seen.unit_cost}."
        )
        return Verdict("no_funds", sentence, "make account")
    if seen.cost_is_reached:
        sentence = f"max_cost of ${seen.parameters.max_cost} is reached, with {planned} units not launched."
        return Verdict("max_cost", sentence, _command(seen, "results"))
    return None


def _of_throttling(seen: Symptoms) -> Verdict | None:
    to_do = seen.count("planned", "creating")
    if not to_do or seen.throttled < MANY_THROTTLED * seen.calls:
        return None
    sentence = f"The endpoint puts off {seen.throttled} of {seen.calls} calls, so the {to_do} units that are left are launched slowly."
    return Verdict("throttled", sentence, _command(seen, "status", " ARGS='--watch 10'"))


def _of_nothing_out(seen: Symptoms) -> Verdict | None:
    """Nothing can be accepted, and nothing is being worked on."""
    work = _work(seen)
    if work.outstanding:
        return None
    if seen.condition == "attended" and (left := seen.count("planned", "creating", "outstanding")):
        sentence = f"Nothing is out at this moment, and {left} units are still to be launched or collected: the run is about to go on."
        return Verdict("going_on", sentence, _command(seen, "diagnose"))
    if work.uncollected:
        sentence = (
            f"All HITs have ended, and {work.uncollected} submitted assignments are not collected. {SAFE}"
        )
        return Verdict("uncollected", sentence, _command(seen, "results"))
    if work.unseen:
        return Verdict(
            "expired_unseen",
            f"{work.unseen} HITs ended and nobody had taken them. {SAFE}",
            _command(seen, "results"),
        )
    return Verdict("safe", SAFE, _command(seen, "results"))


def _of_workers_hands(seen: Symptoms) -> Verdict | None:
    """Nothing can be accepted, and something is being worked on."""
    work = _work(seen)
    if work.available:
        return None
    cap, planned = seen.parameters.max_num_concurrent_units, seen.count("planned")
    more = (
        f" The {planned} others wait, because max_num_concurrent_units is {cap}." if cap and planned else ""
    )
    sentence = f"All {work.outstanding} HITs that are out are in workers' hands; they can be submitted for {_latest(seen)}.{more}"
    return Verdict("in_hand", sentence, _command(seen, "status", " ARGS='--watch 10'"))


def _of_audience(seen: Symptoms) -> Verdict | None:
    work, caps = _work(seen), seen.caps
    for requirement in work.requirements:
        if requirement.excludes_everybody:
            sentence = f"Nobody may accept the {work.available} available assignments: {requirement.text}, and {requirement.met_by}."
            return Verdict("nobody_qualifies", sentence, _command(seen, "expire"))
    if caps and caps.workers and caps.at_cap >= caps.workers:
        sentence = (
            f"All {caps.workers} workers who took part have done maximum_units_per_worker ({caps.maximum}),"
            f" and {work.available} assignments are left: it needs other workers."
        )
        return Verdict("workers_at_cap", sentence, "make invite ARGS='--name NAME'")
    return None


def _of_flow(seen: Symptoms) -> Verdict:
    """Work is on offer, and nothing stands in its way."""
    work = _work(seen)
    limits = (seen.parameters.assignment_duration_in_seconds, seen.parameters.no_submission_patience)
    quiet, usual = seen.quiet_for, timedelta(seconds=min(limits))
    offer = f"{work.available} assignments can be accepted"
    if quiet <= usual:
        since = "the last submission" if work.last_submission else "the launch"
        sentence = f"The run is at work: {offer}, {work.pending} are being worked on, and {since} was {duration(quiet)} ago."
        return Verdict("at_work", sentence, _command(seen, "status", " ARGS='--watch 10'"))
    unseen = f" {work.unseen} HITs ended unseen." if work.unseen else ""
    if work.pending:
        sentence = f"{offer} and {work.pending} are being worked on, but nothing was submitted for {duration(quiet)}: do its pages work?"
        return Verdict("no_submissions", sentence, "make invite ARGS='--name TEST'")
    if work.last_submission is None:
        sentence = (
            f"Nobody has accepted anything since the launch {duration(quiet)} ago, though {offer}.{unseen}"
        )
        return Verdict("nobody_accepts", sentence, "make invite ARGS='--name NAME'")
    sentence = (
        f"Workers have stopped coming: {offer}, and nothing was submitted for {duration(quiet)}.{unseen}"
    )
    return Verdict("workers_gone", sentence, "make invite ARGS='--name NAME'")


RULES: tuple[Callable[[Symptoms], Verdict | None], ...] = (
    *(_of_endpoint, _of_end, _of_process, _of_pages, _of_books, _of_money, _of_throttling),
    *(_of_nothing_out, _of_workers_hands, _of_audience, _of_flow),
)


def _work(seen: Symptoms) -> Work:
    assert seen.work is not None  # the first rule has seen to that
    return seen.work


def _latest(seen: Symptoms) -> str:
    return f"{duration(timedelta(seconds=seen.parameters.assignment_duration_in_seconds))} at most"
