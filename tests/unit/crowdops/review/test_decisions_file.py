"""The decisions file through a real spreadsheet program, which must not lose anything that counts."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.works import Work, read_csv, write_csv
from tests.support.world import World

OFFICE = shutil.which("soffice") or shutil.which("localc")
ANSWERS = ("=1+1", "003", "1/2", "1.50", "3E5", 'He said "hi",\nand left; Größe 5 €', "true", "'quoted")


def save_again(path: Path, folder: Path) -> Path:
    """Open a CSV file in LibreOffice and save it as CSV, as somebody does who fills it in."""
    assert OFFICE is not None
    profile = f"-env:UserInstallation=file://{folder}/profile"
    for kind, source in (("ods", path), ("csv", folder / f"{path.stem}.ods")):
        subprocess.run(
            [OFFICE, profile, "--headless", "--convert-to", kind, "--outdir", str(folder), str(source)],
            check=True,
            capture_output=True,
            timeout=100,
        )
    return folder / path.name


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed (Debian: libreoffice-calc-nogui)")
def test_a_spreadsheet_opens_saves_and_loses_nothing(world: World, tmp_path: Path) -> None:
    work = Work(world, units=len(ANSWERS), done=False)
    for hit_id, answer in zip(work.hits, ANSWERS, strict=True):
        work.assignments.append(world.do(hit_id, "AWORKER1", label=answer))
    path = tmp_path / "decisions.csv"
    assert work.review("--export", str(path)).exit_code == 0
    rows = read_csv(path)
    for number, row in enumerate(rows):
        row |= (
            {"decision": "reject", "feedback": ANSWERS[number].replace("=", "")}
            if number % 2
            else {"decision": "approve"}
        )
    rows[0]["bonus"] = "0.50"
    write_csv(path, rows)
    (tmp_path / "saved").mkdir()
    saved = save_again(path, tmp_path / "saved")
    assert saved.read_bytes() != path.read_bytes()  # it is LibreOffice's own file
    result = work.review("--apply", str(saved), "--yes")
    assert result.exit_code == 0, result.stderr
    assert work.statuses() == ["Approved", "Rejected"] * (len(ANSWERS) // 2)
    [paid] = world.client.list_bonus_payments(HITId=work.hits[0])["BonusPayments"]
    assert paid["BonusAmount"] == "0.50"
    feedback = world.client.get_assignment(AssignmentId=work.assignments[5])["Assignment"][
        "RequesterFeedback"
    ]
    assert feedback == ANSWERS[5]
