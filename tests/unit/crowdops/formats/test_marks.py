"""Marks and tokens."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdops.formats import marks
from crowdops.formats.marks import Mark

RUN = "20261122-114502-k3f9"
NAMES = st.text("abcXYZ019._-", min_size=1, max_size=128)


@given(st.integers(0, 10**12 - 1), NAMES)
def test_a_mark_comes_back_as_it_was(unit: int, task_name: str) -> None:
    mark = Mark(RUN, unit, task_name)
    text = marks.annotation(mark)
    assert marks.parse_annotation(text) == mark
    assert text.isascii() and len(text) <= 255


@given(st.text())
def test_no_text_of_others_breaks_the_parser(text: str) -> None:
    assert marks.parse_annotation(text) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "crowdops",
        "batch=17",
        "crowdops:1:",
        f"crowdops:2:{RUN}:0:pilot",
        f"crowdops:1:{RUN}:0:",
        f"crowdops:1:{RUN}::pilot",
        f"crowdops:1:{RUN}:-1:pilot",
        f" crowdops:1:{RUN}:0:pilot",
        f"crowdops:1:{RUN}:0:pilot\n",
        f"crowdops:1:{RUN}:0:pi lot",
        "crowdops:1:٢٠٢٦١١٢٢-114502-k3f9:0:pilot",
        f"crowdops:1:{RUN}:٧:pilot",
        f"crowdops:1:{RUN}:0:pilöt",
        "crowdops:1:../../etc:0:pilot",
        f"crowdops:1:{RUN}:0:pilot:more",
        f"CROWDOPS:1:{RUN}:0:pilot",
    ],
)
def test_what_only_looks_like_a_mark_is_foreign(text: str | None) -> None:
    assert marks.parse_annotation(text) is None


def test_a_token_is_the_same_in_every_process_and_fits_the_api() -> None:
    # Written down here: with another token, a call that is repeated after an update would count twice.
    known = "8839d7f24d90267fa36236369a29d9919f6604a4caaecfb6ed052599bac31b45"
    assert marks.token("create-hit", RUN, 7) == known
    assert len(known) == 64
    assert (
        len({marks.token(o, r, u) for o in ("create-hit", "bonus") for r in (RUN, "x") for u in range(50)})
        == 200
    )


def test_run_ids_sort_by_time() -> None:
    moments = [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 11, 22, 11, 45, 2, tzinfo=UTC)]
    first, second = (marks.new_run_id(moment) for moment in moments)
    assert first.startswith("20260102-030405-") and second.startswith("20261122-114502-")
    assert first < second
    assert marks.RUN_ID.fullmatch(first) and marks.RUN_ID.fullmatch(marks.new_run_id())
    assert len({marks.new_run_id(moments[0]) for _ in range(20)}) > 15
