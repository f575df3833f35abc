"""The real `aws mturk` commands take a HIT through its whole life."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.crowds import Crowd
from tests.support.offers import html_question
from tests.support.requesters import Workers


class _Aws:
    """`aws mturk …` against a crowd server."""

    def __init__(self, crowd: Crowd) -> None:
        self._command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", crowd.url, "mturk"]
        self._environment = {**os.environ, **crowd.environment}

    def __call__(self, *arguments: str) -> Any:
        finished = self._run(arguments)
        assert (finished.returncode, finished.stderr) == (0, "")
        return json.loads(finished.stdout) if finished.stdout.strip() else {}

    def error(self, *arguments: str) -> str:
        finished = self._run(arguments)
        assert (finished.returncode != 0, finished.stdout) == (True, "")
        return finished.stderr.strip()

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_the_command_line_reads_and_is_refused(crowd: Crowd) -> None:
    aws = _Aws(crowd)
    assert aws("get-account-balance") == {"AvailableBalance": "10000.00", "OnHoldBalance": "0.00"}
    error = aws.error("get-hit", "--hit-id", "NONE")
    assert "(RequestError) when calling the GetHIT operation: Hit NONE does not exist. (" in error


@pytest.mark.long
def test_a_hit_lives_and_dies_by_command_line(crowd: Crowd, hands: Workers, tmp_path: Path) -> None:
    aws = _Aws(crowd)
    question = tmp_path / "question.xml"
    question.write_text(html_question())
    hit_type_id = aws(
        "create-hit-type",
        "--title",
        "Label a picture",
        "--description",
        "Say what is in it",
        "--reward",
        "0.50",
        "--assignment-duration-in-seconds",
        "600",
    )["HITTypeId"]
    hit_id = aws(
        "create-hit-with-hit-type",
        "--hit-type-id",
        hit_type_id,
        "--lifetime-in-seconds",
        "3600",
        "--max-assignments",
        "2",
        "--question",
        f"file://{question}",
        "--requester-annotation",
        "row 1",
    )["HIT"]["HITId"]
    one, two = hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")
    # Lists are fetched page by page without being asked.
    listed = aws("list-assignments-for-hit", "--hit-id", hit_id, "--page-size", "1")["Assignments"]
    assert [assignment["AssignmentId"] for assignment in listed] == [one, two]
    assert [hit["HITId"] for hit in aws("list-reviewable-hits", "--hit-type-id", hit_type_id)["HITs"]] == [
        hit_id
    ]
    assert aws("approve-assignment", "--assignment-id", one) == {}
    assert aws("reject-assignment", "--assignment-id", two, "--requester-feedback", "no") == {}
    assert aws("update-expiration-for-hit", "--hit-id", hit_id, "--expire-at", "0") == {}
    assert aws("get-account-balance") == {"AvailableBalance": "9999.40", "OnHoldBalance": "0.00"}
    hit = aws("get-hit", "--hit-id", hit_id)["HIT"]
    assert (hit["HITStatus"], hit["NumberOfAssignmentsCompleted"], hit["RequesterAnnotation"]) == (
        "Reviewable",
        2,
        "row 1",
    )
    assert aws("delete-hit", "--hit-id", hit_id) == {}
    error = aws.error("get-hit", "--hit-id", hit_id)
    assert f"(RequestError) when calling the GetHIT operation: Hit {hit_id} does not exist. (" in error
    assert aws("list-hits") == {"HITs": []}
