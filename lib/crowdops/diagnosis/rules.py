"""What can keep a run from finishing: the rules that make one verdict of a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from crowdops.config.environments import start_command
from crowdops.diagnosis import next_commands
from crowdops.diagnosis.checks import SKEW, duration, untaken
from crowdops.diagnosis.snapshot import Pages, Snapshot, Work
from crowdops.errors import CredentialsRefused, OtherServer, Unreachable
from crowdops.formats import words
from crowdops.registry import OPEN_STATES

SAFE = "Nothing is available or pending: it is safe to shut down."
MANY_THROTTLED = 0.5  # of the calls
MANY_RETURNS = 3  # of work of which nothing was ever submitted: one worker may change their mind


class Verdict(NamedTuple):
    """The reason, as a word for programs and as a sentence for people, and what to type next."""

    code: str
    sentence: str
    next: str


def judge(snapshot: Snapshot) -> Verdict:
    """Return the first verdict that a snapshot allows: what stops everything comes first."""
    if snapshot.work is None:
        return _judge_endpoint(snapshot)
    return next(verdict for rule in RULES if (verdict := rule(snapshot, snapshot.work)))


def _judge_endpoint(snapshot: Snapshot) -> Verdict:
    error, ahead = snapshot.endpoint.error, snapshot.endpoint.clock_ahead
    again = next_commands.command(snapshot, "diagnose")
    if isinstance(error, CredentialsRefused):
        if ahead is None or abs(ahead) <= SKEW:
            sentence = f"The endpoint refuses the key: {error}"
            return Verdict("key_refused", sentence, again)
        sentence = (
            f"This machine's clock and the endpoint's are {duration(abs(ahead))} apart, and the endpoint"
            " refuses what is signed with a wrong time."
        )
        return Verdict("clock_skew", sentence, "timedatectl set-ntp true")
    if isinstance(error, Unreachable):
        sentence = f"The endpoint does not answer: {error}"
        if isinstance(error, OtherServer):
            return Verdict("other_server", sentence, f"AWS_ENDPOINT_URL_MTURK=URL {again}")
        start = start_command(snapshot.run.endpoint)
        return Verdict("endpoint_silent", sentence, start or again)
    return Verdict("endpoint_error", f"The endpoint cannot be asked: {error}", again)


def _judge_end(snapshot: Snapshot, work: Work) -> Verdict | None:
    run = snapshot.run
    if snapshot.condition != "ended":
        return None
    results = next_commands.command(snapshot, "results")
    if run.state == "failed" and not work.outstanding:
        sentence = f"The run failed before it had any work out: {run.reason}. {SAFE}"
        return Verdict("failed", sentence, next_commands.launch_again(snapshot))
    if work.assignable:
        sentence = f"The run is {run.state}, and {work.assignable} of its HITs can still be accepted."
        return Verdict("open_after_end", sentence, next_commands.command(snapshot, "expire"))
    if work.pending:
        sentence = (
            f"The run is {run.state}, and {words.are(work.pending, 'assignment')} still being worked on:"
            f" {words.choose(work.pending, 'it', 'they')} can come in for {_latest(snapshot)}."
        )
        return Verdict("in_flight", sentence, results)
    if work.uncollected:
        sentence = (
            f"The run is {run.state},"
            f" and {words.are(work.uncollected, 'submitted assignment')} not collected yet."
        )
        return Verdict("uncollected", sentence, results)
    why = f" ({run.reason})" if run.reason else ""
    return Verdict("safe", f"The run is {run.state}{why}. {SAFE}", results)


def _judge_process(snapshot: Snapshot, work: Work) -> Verdict | None:
    process = snapshot.process
    if snapshot.condition == "crashed":
        rest = f"{words.are(work.outstanding, 'HIT')} still out." if work.outstanding else SAFE
        sentence = f"The process that attended the run is gone, so nobody launches or collects. {rest}"
        is_done = not (work.outstanding or snapshot.count(*OPEN_STATES))
        return Verdict(
            "crashed", sentence, "make recover" if is_done else next_commands.command(snapshot, "resume")
        )
    if process.is_suspended and process.holder:
        pid = process.holder.pid
        sentence = (
            f"The process that attends the run, {pid}, is suspended (Ctrl-Z), so nobody launches or collects."
        )
        return Verdict("suspended", sentence, f"kill -CONT {pid}")
    return None


def _judge_pages(snapshot: Snapshot, work: Work) -> Verdict | None:
    pages = snapshot.pages
    if pages is None:
        return None
    code, problem = page_problem(pages, snapshot.run.run_id)
    if code is None:
        return None
    sentence = f"The task server {problem}, so no worker gets a page."
    if pages.kind == "url":
        return Verdict(code, sentence, f"curl {snapshot.run.parameters.url.rstrip('/')}/health")
    return Verdict(
        code,
        sentence,
        next_commands.command(snapshot, "heroku-status" if pages.kind == "heroku" else "servers"),
    )


def page_problem(pages: Pages, run_id: str) -> tuple[str | None, str]:
    """Return what keeps a task server from giving out pages, as a word and as a sentence; None if nothing."""
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
    if pages.is_draining:
        return "server_draining", "is draining"
    return None, ""


def _judge_units(snapshot: Snapshot, work: Work) -> Verdict | None:
    if not work.differences:
        return None
    reasons = sorted({difference.kind.reason for difference in work.differences})
    units = words.count(len(work.differences), "unit")
    sentence = f"Registry and provider disagree about {units}: {'; '.join(reasons)}."
    return Verdict("broken_units", sentence, next_commands.command(snapshot, "broken", " ARGS=--mend"))


def _judge_money(snapshot: Snapshot, work: Work) -> Verdict | None:
    cost, planned = snapshot.unit_cost, snapshot.count("planned")
    if not planned:
        return None
    if work.balance < cost:
        units = words.count(planned, "unit")
        sentence = f"The account has ${work.balance}, and the next of {units} costs ${cost}."
        return Verdict("no_funds", sentence, "make account")
    if snapshot.cost_is_reached:
        max_cost = snapshot.run.parameters.max_cost
        sentence = f"max_cost of ${max_cost} is reached, with {words.count(planned, 'unit')} not launched."
        enough = snapshot.bound + planned * cost
        return Verdict(
            "max_cost", sentence, next_commands.command(snapshot, "raise-max-cost", f" ARGS={enough}")
        )
    return None


def _judge_throttling(snapshot: Snapshot, work: Work) -> Verdict | None:
    to_launch, endpoint = snapshot.count("planned", "creating"), snapshot.endpoint
    if not to_launch or endpoint.throttled < MANY_THROTTLED * endpoint.calls:
        return None
    sentence = (
        f"The endpoint puts off {endpoint.throttled} of {endpoint.calls} calls, so the"
        f" {words.count(to_launch, 'unit')} that {words.choose(to_launch, 'is left is', 'are left are')}"
        " launched slowly."
    )
    return Verdict("throttled", sentence, next_commands.watch(snapshot))


def _judge_nothing_out(snapshot: Snapshot, work: Work) -> Verdict | None:
    """Judge a run of which nothing can be accepted, and nothing is being worked on."""
    if work.outstanding:
        return None
    unfinished = snapshot.count("planned", "creating", "outstanding")
    if snapshot.condition == "attended" and unfinished:
        sentence = (
            f"Nothing is out at this moment, and {words.are(unfinished, 'unit')} still to be launched or"
            " collected: the run is about to go on."
        )
        return Verdict("going_on", sentence, next_commands.command(snapshot, "diagnose"))
    results = next_commands.command(snapshot, "results")
    if work.uncollected:
        sentence = (
            f"All HITs have ended, and {words.are(work.uncollected, 'submitted assignment')} not collected."
            f" {SAFE}"
        )
        return Verdict("uncollected", sentence, results)
    if work.untouched:
        sentence = f"{untaken(work.untouched)}. {SAFE}"
        return Verdict("expired_unseen", sentence, results)
    return Verdict("safe", SAFE, results)


def _judge_work_in_hand(snapshot: Snapshot, work: Work) -> Verdict | None:
    """Judge a run of which nothing can be accepted, and something is being worked on."""
    if work.available:
        return None
    cap, planned = snapshot.run.parameters.max_num_concurrent_units, snapshot.count("planned")
    sentence = (
        words.choose(
            work.outstanding,
            "The one HIT that is out is in a worker's hands; it",
            f"All {work.outstanding} HITs that are out are in workers' hands; they",
        )
        + f" can be submitted for {_latest(snapshot)}."
    )
    if cap and planned:
        sentence += f" The {planned} others wait, because max_num_concurrent_units is {cap}."
    return Verdict("in_hand", sentence, next_commands.watch(snapshot))


def _judge_eligibility(snapshot: Snapshot, work: Work) -> Verdict | None:
    caps = snapshot.caps
    for requirement in work.requirements:
        if requirement.excludes_everybody:
            sentence = (
                f"Nobody may accept the {words.count(work.available, 'available assignment')}:"
                f" {requirement.text}, and {requirement.met_by}."
            )
            return Verdict("nobody_qualifies", sentence, next_commands.end(snapshot))
    if caps and caps.workers and caps.at_cap >= caps.workers:
        sentence = (
            words.choose(
                caps.workers,
                "The one worker who took part has",
                f"All {caps.workers} workers who took part have",
            )
            + f" done maximum_units_per_worker ({caps.maximum}),"
            f" and {words.are(work.available, 'assignment')} left: it needs other workers."
        )
        return Verdict("workers_at_cap", sentence, next_commands.invite(snapshot, "NAME"))
    return None


def _judge_flow(snapshot: Snapshot, work: Work) -> Verdict:
    """Judge a run whose work is on offer, with nothing in its way."""
    parameters = snapshot.run.parameters
    usual = min(parameters.assignment_duration_in_seconds, parameters.no_submission_patience)
    quiet = duration(snapshot.quiet_for)
    offer = f"{words.count(work.available, 'assignment')} can be accepted"
    if snapshot.given_back >= MANY_RETURNS and work.last_submission is None:
        sentence = (
            f"The page may be broken: {snapshot.given_back} accepted and returned, nothing submitted in"
            f" {quiet}, though {offer}. Look at it as a worker does."
        )
        return Verdict("given_back", sentence, next_commands.invite(snapshot, "TEST"))
    if snapshot.quiet_for <= timedelta(seconds=usual):
        since = "the last submission" if work.last_submission else "the launch"
        sentence = (
            f"The run is at work: {offer}, {work.pending} are being worked on, and {since} was {quiet} ago."
        )
        return Verdict("at_work", sentence, next_commands.watch(snapshot))
    if work.pending:
        sentence = (
            f"{offer} and {work.pending} are being worked on, but nothing was submitted for {quiet}: do its"
            " pages work?"
        )
        return Verdict("no_submissions", sentence, next_commands.invite(snapshot, "TEST"))
    ended = f" {words.count(work.untouched, 'HIT')} ended unseen." if work.untouched else ""
    invite = next_commands.invite(snapshot, "NAME")
    returned = (
        f" {snapshot.given_back} {words.choose(snapshot.given_back, 'was', 'were')} accepted and returned."
        if snapshot.given_back
        else ""
    )
    if work.last_submission is None:
        nobody = "Nobody has submitted anything" if returned else "Nobody has accepted anything"
        sentence = f"{nobody} since the launch {quiet} ago, though {offer}.{returned}{ended}"
        return Verdict("nobody_accepts", sentence, invite)
    sentence = (
        f"Workers have stopped coming: {offer}, and nothing was submitted for {quiet}.{returned}{ended}"
    )
    return Verdict("workers_gone", sentence, invite)


RULES: tuple[Callable[[Snapshot, Work], Verdict | None], ...] = (
    _judge_end,
    _judge_process,
    _judge_pages,
    _judge_units,
    _judge_money,
    _judge_throttling,
    _judge_nothing_out,
    _judge_work_in_hand,
    _judge_eligibility,
    _judge_flow,
)


def _latest(snapshot: Snapshot) -> str:
    seconds = snapshot.run.parameters.assignment_duration_in_seconds
    return f"{duration(timedelta(seconds=seconds))} at most"
