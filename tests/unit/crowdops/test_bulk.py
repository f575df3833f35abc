"""One function over many items, side by side."""

import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import pytest

from crowdops import bulk
from crowdops.bulk import Action, BulkResult, Outcome
from crowdops.errors import NotFound, ProviderError, RegistryError, Unreachable


def test_every_item_gets_its_result() -> None:
    outcomes = list(bulk.outcomes(lambda n: n * n, range(100), threads=8))
    assert {o.item: o.result for o in outcomes} == {n: n * n for n in range(100)}
    assert not [o for o in outcomes if o.error]


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(bulk.outcomes(str, [])) == []


def test_items_are_worked_on_side_by_side_and_no_more_than_allowed() -> None:
    meeting = threading.Barrier(4, timeout=10)
    guard, inside, most = threading.Lock(), 0, 0

    def work(item: int) -> int:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        meeting.wait()  # returns only if four calls are under way at once
        with guard:
            inside -= 1
        return item

    assert len(list(bulk.outcomes(work, range(40), threads=4))) == 40
    assert most == 4


def test_only_as_many_items_as_threads_are_taken_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield number

    outcomes = bulk.outcomes(str, items(), threads=5)
    for done in range(1, 51):
        next(outcomes)
        assert taken <= done + 5
    outcomes.close()
    assert taken < 60


def test_a_failing_item_does_not_stop_the_others() -> None:
    def work(item: int) -> int:
        if item % 3 == 0:
            raise NotFound(f"there is no {item}")
        return item

    outcomes = list(bulk.outcomes(work, range(30), threads=3))
    failed = {o.item: str(o.error) for o in outcomes if o.error}
    assert failed == {n: f"there is no {n}" for n in range(0, 30, 3)}
    assert len(outcomes) == 30


def test_silence_stops_after_one_round() -> None:
    started = itertools.count()

    def work(item: int) -> int:
        next(started)
        raise Unreachable("nobody answers")

    outcomes = list(bulk.outcomes(work, range(1000), threads=4))
    assert len(outcomes) == 4
    assert next(started) == 4
    assert {str(o.error) for o in outcomes} == {"nobody answers"}


def test_one_answer_in_the_silence_lets_the_work_go_on() -> None:
    def work(item: int) -> int:
        if item == 0:
            raise Unreachable("nobody answers")
        time.sleep(0.05 if item < 4 else 0)
        return item

    outcomes = list(bulk.outcomes(work, range(50), threads=4))
    assert sorted(o.item for o in outcomes) == list(range(50))
    assert [o.item for o in outcomes if o.error] == [0]


def test_a_refusal_is_an_answer_too() -> None:
    def work(item: int) -> int:
        raise ProviderError("no")

    assert len(list(bulk.outcomes(work, range(20), threads=4))) == 20


def test_a_bug_is_raised_in_the_consumers_thread() -> None:
    def work(item: int) -> int:
        if item == 7:
            raise ZeroDivisionError("a bug")
        return item

    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(bulk.outcomes(work, range(100), threads=2))


def test_no_item_is_started_once_it_is_told_to_stop() -> None:
    done: list[int] = []
    for outcome in bulk.outcomes(lambda n: n, range(100), threads=1, stop=lambda: len(done) >= 3):
        done.append(outcome.item)
    assert done == [0, 1, 2]


def test_a_failing_source_of_items_fails_the_whole() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ProviderError("the list broke off")

    with pytest.raises(ProviderError, match="the list broke off"):
        list(bulk.outcomes(lambda n: n, items(), threads=1))


def test_without_threads_the_caller_makes_the_calls_itself_and_ends_them_at_the_first_silence() -> None:
    def work(item: int) -> int:
        assert threading.current_thread() is threading.main_thread()
        if item == 2:
            raise Unreachable("no answer")
        return item

    outcomes = list(bulk.outcomes(work, range(10), threads=0))
    assert [(outcome.item, outcome.result) for outcome in outcomes] == [(0, 0), (1, 1), (2, None)]


# carry_out()


def action(
    call: Callable[[str], int] = len, intend: Callable[[str], None] = lambda item: None
) -> Action[str, int]:
    """What is as it should be already has the length 1; an item that is NotFound is so, too."""

    def settle(outcome: Outcome[str, int]) -> bool:
        if isinstance(outcome.error, NotFound):
            return True
        if outcome.error:
            raise outcome.error
        return outcome.result == 1

    return Action(call, settle, lambda item, error: (item, str(error)), intend)


def failing(names: Collection[str], error: Exception) -> Callable[[str], int]:
    def call(item: str) -> int:
        if item in names:
            raise error
        return len(item)

    return call


def test_items_are_counted_by_what_came_of_them() -> None:
    items = ["a", "bb", "cc", "gone", "bad"]

    def call(item: str) -> int:
        if item == "gone":
            raise NotFound("it is gone")
        return failing(["bad"], ProviderError("no"))(item)

    progress: list[tuple[int, str]] = []
    result = bulk.carry_out(action(call), items, threads=1, on_progress=lambda *shown: progress.append(shown))
    assert sorted(result.settled) == ["a", "bb", "cc", "gone"]
    assert (result.done, result.already, result.failed) == (2, 2, [("bad", "no")])
    assert not result.interrupted
    assert progress == [(1, ""), (2, ""), (3, ""), (4, ""), (4, "1 failed")], "what failed is not counted"


def test_an_item_that_cannot_be_intended_is_not_called_and_stops_nobody() -> None:
    called: list[str] = []

    def call(item: str) -> int:
        called.append(item)
        return 2

    def intend(item: str) -> None:
        if item == "second":
            raise ProviderError("not that one")

    progress: list[tuple[int, str]] = []
    items = ["first", "second", "third"]
    result = bulk.carry_out(
        action(call, intend), items, threads=1, on_progress=lambda *shown: progress.append(shown)
    )
    assert called == result.settled == ["first", "third"]
    assert result.failed == [("second", "not that one")]
    assert progress[-1] == (2, "1 failed")


def test_every_item_is_intended_before_it_is_called_and_settled_after_it() -> None:
    steps: list[tuple[str, str]] = []
    caller = threading.get_ident()

    def step(name: str, item: str) -> None:
        assert (threading.get_ident() == caller) is (name != "call")
        steps.append((item, name))

    def call(item: str) -> int:
        step("call", item)
        return 0

    def settle(outcome: Outcome[str, int]) -> bool:
        step("settle", outcome.item)
        return False

    items = [f"item {number}" for number in range(20)]
    work = Action(call, settle, lambda item, error: (item, str(error)), lambda item: step("intend", item))
    assert bulk.carry_out(work, items, threads=4).done == 20
    for item in items:
        assert [name for other, name in steps if other == item] == ["intend", "call", "settle"]


def test_one_id_may_stand_for_several_items() -> None:
    result = bulk.carry_out(action(), ["same", "same", "other", "same"], threads=2)
    assert sorted(result.settled) == ["other", "same", "same", "same"]
    assert (result.done, result.failed) == (4, [])
    broken = action(failing(["same"], ProviderError("no")))
    assert bulk.carry_out(broken, ["same", "same"], threads=2).failed == [("same", "no"), ("same", "no")]


def test_what_was_stopped_before_it_was_tried_is_in_no_list() -> None:
    called: list[str] = []

    def call(item: str) -> int:
        called.append(item)
        return 2

    items = [f"item {number}" for number in range(50)]
    result = bulk.carry_out(action(call), items, threads=1, stop=lambda: len(called) >= 3)
    assert result.interrupted
    assert result.settled == called == items[:3]
    assert not result.failed


def test_a_stop_after_the_last_item_interrupts_nothing() -> None:
    called: list[str] = []

    def call(item: str) -> int:
        called.append(item)
        return 2

    result = bulk.carry_out(action(call), ["one", "two"], threads=1, stop=lambda: len(called) == 2)
    assert not result.interrupted
    assert result.done == 2


def test_a_silent_endpoint_is_asked_once_a_thread_and_everything_else_was_not_tried() -> None:
    called: list[str] = []

    def call(item: str) -> int:
        called.append(item)
        raise Unreachable("no answer")

    items = [f"item {number}" for number in range(20)]
    result = bulk.carry_out(action(call), items, threads=3)
    assert len(called) <= 3
    assert result.failed[: len(called)] == [(item, "no answer") for item in called]
    assert result.failed[len(called) :] == [(item, bulk.NOT_TRIED) for item in items if item not in called]
    assert not (result.settled or result.interrupted)


def test_an_error_of_the_registry_ends_everything() -> None:
    called: list[str] = []

    def call(item: str) -> int:
        called.append(item)
        return 2

    def intend(item: str) -> None:
        if item == "second":
            raise RegistryError("the disk is full")

    def settle(outcome: Outcome[str, int]) -> bool:
        raise RegistryError("the disk is full")

    with pytest.raises(RegistryError, match="full"):
        bulk.carry_out(action(call, intend), ["first", "second", "third"], threads=1)
    assert called == ["first"]
    with pytest.raises(RegistryError, match="full"):
        bulk.carry_out(Action(call, settle, lambda item, error: (item, "")), ["fourth", "fifth"], threads=1)
    assert called == ["first", "fourth"]


def test_nothing_is_carried_out_at_once() -> None:
    assert bulk.carry_out(action(), [], threads=2, stop=lambda: True) == BulkResult()


def test_results_add_up() -> None:
    planned = BulkResult[str](already=2, failed=[("a", "no")])
    called = BulkResult[str](settled=["b"], done=1, already=3, failed=[("c", "no")], interrupted=True)
    assert planned + called == BulkResult(["b"], 1, 5, [("a", "no"), ("c", "no")], True)


def test_a_failure_names_the_row_of_a_file() -> None:
    assert bulk.in_row("A1", 3, ProviderError("no")) == ("A1", "row 3: no")
    assert bulk.in_row("A1", None, "no") == ("A1", "no")


def test_an_errand_that_hangs_is_not_waited_for() -> None:
    released = threading.Event()
    hanging = bulk.Errand(lambda item: released.wait(60), "hangs")
    assert hanging.outcome(0.01) is None
    assert hanging.outcome(-1) is None
    released.set()
    outcome = hanging.outcome(60)
    assert outcome and (outcome.item, outcome.get()) == ("hangs", True)


def test_an_errand_hands_on_an_error_and_raises_a_bug() -> None:
    def fail(error: Exception) -> None:
        raise error

    outcome = bulk.Errand(fail, Unreachable("nobody")).outcome(60)
    assert outcome and str(outcome.error) == "nobody"
    with pytest.raises(ZeroDivisionError):
        bulk.Errand(fail, ZeroDivisionError()).outcome(60)


def test_what_starts_at_once_is_written_down_together_before_it_starts() -> None:
    log: list[object] = []

    @contextmanager
    def transaction() -> Iterator[None]:
        yield
        log.append("commit")

    def call(item: int) -> None:
        log.append(("called", item))

    def intend(item: int) -> None:
        log.append(("intent", item))

    action = Action(call, lambda outcome: False, lambda item, why: ("", ""), intend, transaction)
    assert bulk.carry_out(action, range(50), threads=4).done == 50
    assert log[:5] == [*(("intent", item) for item in range(4)), "commit"]
    for item in range(50):
        assert "commit" in log[log.index(("intent", item)) : log.index(("called", item))]


def test_a_transaction_that_fails_starts_nothing_of_it() -> None:
    @contextmanager
    def transaction() -> Iterator[None]:
        yield
        raise RegistryError("the disk is full")

    called: list[int] = []
    action = Action(called.append, lambda outcome: False, lambda item, why: ("", ""), together=transaction)
    with pytest.raises(RegistryError, match="the disk is full"):
        bulk.carry_out(action, range(8), threads=4)
    assert called == []
