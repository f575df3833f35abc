"""Run parameters: every bad input gets one clear line and exit 2 before anything is created."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crowdops.config import parameters
from crowdops.config.parameters import Parameters
from crowdops.errors import UsageError
from tests.support.forks import REPOSITORY
from tests.support.home import PAGE
from tests.support.processes import free_port
from tests.support.world import World

TASK: dict[str, str] = {
    "task_name": '"pilot-1"',
    "task_title": '"Sort"',
    "task_description": '"Say what it is."',
    "task_reward": '"0.05"',
    "data": '"items.csv"',
    "template": '"task.html"',
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a run.toml with its data and page; values are TOML as it stands, None leaves a line out."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "items.csv").write_text("id,text\n1,a\n2,b\n")
    (folder / "task.html").write_text(PAGE)

    def write(more: str = "", **values: str | None) -> Path:
        lines = [f"{name} = {value}" for name, value in (TASK | values).items() if value is not None]
        (folder / "run.toml").write_text("[task]\n" + "\n".join(lines) + "\n" + more)
        return folder / "run.toml"

    return write


def load(path: Path, **overrides: str) -> Parameters:
    return parameters.load(path, overrides)


def complaint(path: Path, **overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(path, **overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_what_is_left_out_has_its_default(write: Write) -> None:
    found = load(write())
    assert found.task_reward == Decimal("0.05") and found.max_cost is None
    assert found.assignments_per_unit == 1 and found.assignment_duration_in_seconds == 1800
    assert found.task_lifetime_in_seconds == 2_678_400 and found.auto_approval_delay_in_seconds == 604_800
    assert found.max_num_concurrent_units == 0 and found.no_submission_patience == 43_200
    assert found.server_kind == "none" and found.qualifications == []


def test_files_lie_beside_run_toml_unless_absolute(write: Write, tmp_path: Path) -> None:
    path = write(template=f'"{tmp_path / "other.html"}"')
    found = load(path)
    assert found.data == path.parent / "items.csv"
    assert found.template == tmp_path / "other.html"


def test_overrides_win_over_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    monkeypatch.setenv("CROWDOPS_TASK_REWARD", "0.07")
    assert load(path).task_reward == Decimal("0.07")
    assert load(path, task_reward="0.10", task_name="pilot-2")[:4:3] == ("pilot-2", Decimal("0.10"))


def test_parameters_come_back_from_their_json(write: Write) -> None:
    more = (
        '[[qualifications]]\nQualificationTypeId = "00000000000000000040"\n'
        'Comparator = "GreaterThan"\nIntegerValues = [5]\n'
    )
    found = load(write(max_cost='"9.99"', more=more))
    assert Parameters.from_json(found.as_json()) == found
    assert load(write()) == Parameters.from_json(load(write()).as_json())


def test_the_example_is_in_order() -> None:
    found = load(REPOSITORY / "examples" / "run.toml")
    assert found.data.is_file() and found.template.is_file()


@pytest.mark.parametrize(
    "values,wanted",
    [
        (
            {"task_reward": '"0.005"'},
            "run.toml: task_reward is '0.005'; it must be dollars such as \"0.25\", at least 0.01,"
            " two decimals.",
        ),
        ({"task_reward": '"0.00"'}, "run.toml: task_reward is '0.00'; it must be dollars"),
        ({"task_reward": '"-1.00"'}, "run.toml: task_reward is '-1.00'; it must be dollars"),
        ({"task_reward": '"$0.25"'}, "run.toml: task_reward is '$0.25'; it must be dollars"),
        ({"task_reward": '"1e-1"'}, "run.toml: task_reward is '1e-1'; it must be dollars"),
        ({"task_reward": '"NaN"'}, "run.toml: task_reward is 'NaN'; it must be dollars"),
        ({"task_reward": '"٠.٢٥"'}, "run.toml: task_reward is '٠.٢٥'; it must be dollars"),
        ({"task_reward": "0.25"}, 'run.toml: task_reward is 0.25; write it as "0.25".'),
        ({"task_reward": None}, "run.toml: task_reward is missing from [task]. "),
        ({"max_cost": '"lots"'}, "run.toml: max_cost is 'lots'; it must be dollars"),
        (
            {"max_num_concurrent_units": "-1"},
            "run.toml: max_num_concurrent_units is -1; it must be a whole number from 0 to 1000000000.",
        ),
        (
            {"assignments_per_unit": "0"},
            "run.toml: assignments_per_unit is 0; it must be a whole number from 1 to 1000000000.",
        ),
        (
            {"assignments_per_unit": '"3"'},
            "run.toml: assignments_per_unit is '3'; write it as a whole number.",
        ),
        (
            {"assignments_per_unit": "1.5"},
            "run.toml: assignments_per_unit is 1.5; write it as a whole number.",
        ),
        (
            {"assignments_per_unit": "true"},
            "run.toml: assignments_per_unit is True; write it as a whole number.",
        ),
        (
            {"assignment_duration_in_seconds": "29"},
            "run.toml: assignment_duration_in_seconds is 29; it must be a whole number from 30 to 31536000.",
        ),
        (
            {"no_submission_patience": "0"},
            "run.toml: no_submission_patience is 0; it must be a whole number from 1 to 31536000.",
        ),
        (
            {"task_lifetime_in_seconds": '"1 month"'},
            "run.toml: task_lifetime_in_seconds is '1 month'; write whole seconds, or words such as",
        ),
        (
            {"task_lifetime_in_seconds": '"400 days"'},
            "run.toml: task_lifetime_in_seconds is 34560000; it must be a whole number from 30 to 31536000.",
        ),
        (
            {"no_submission_patience": "1.5"},
            "run.toml: no_submission_patience is 1.5; write it as whole seconds, or in words such as",
        ),
        ({"maximum_units_per_worker": "-5"}, "run.toml: maximum_units_per_worker is -5; it must be"),
        (
            {"allowed_concurrent": "2"},
            'run.toml: allowed_concurrent needs a server to refuse pages, and kind = "none" has none.',
        ),
        (
            {"task_name": '"my task"'},
            "run.toml: task_name 'my task' breaks the rule: 1 to 128 of A-Z a-z 0-9 . _ - only.",
        ),
        ({"task_name": f'"{"x" * 129}"'}, "run.toml: task_name 'xxx"),
        ({"task_name": '"pilot\\n"'}, "run.toml: task_name 'pilot\\n' breaks the rule"),
        ({"task_name": '""'}, "run.toml: task_name is empty. "),
        ({"task_name": "7"}, "run.toml: task_name is 7; write it as a string in quotes."),
        (
            {"task_title": f'"{"x" * 129}"'},
            "run.toml: task_title has 129 characters; at most 128 are allowed.",
        ),
        ({"task_description": '"  "'}, "run.toml: task_description is empty. "),
        (
            {"task_rewrad": '"0.05"'},
            "run.toml: unknown key 'task_rewrad' in [task]. Did you mean task_reward?",
        ),
        (
            {"max_concurrent_units": "5"},
            "run.toml: unknown key 'max_concurrent_units' in [task]. Did you mean max_num_concurrent_units?",
        ),
        ({"xyzzy": "5"}, "run.toml: unknown key 'xyzzy' in [task]."),
        (
            {"more": "[serevr]\nkind = 'none'\n"},
            "run.toml: unknown section or key 'serevr'. Did you mean server?",
        ),
        (
            {"more": "[server]\nkind = 'heruko'\n"},
            "run.toml: kind is 'heruko'; it can be none, local, heroku, url.",
        ),
        (
            {"more": "[server]\nknid = 'none'\n"},
            "run.toml: unknown key 'knid' in [server]. Did you mean kind?",
        ),
        ({"more": "[[server]]\nkind = 'none'\n"}, "run.toml: write [server] as a section"),
        (
            {"more": "[qualifications]\nComparator = 'Exists'\n"},
            "run.toml: write [qualifications] as a section, or [[qualifications]] for each requirement.",
        ),
        (
            {"more": "[[qualifications]]\nComparator = 'Exists'\n"},
            "run.toml: qualification 1 lacks QualificationTypeId.",
        ),
        (
            {"more": "[[qualifications]]\nQualificationTypeID = 'x'\n"},
            "run.toml: unknown key 'QualificationTypeID' in qualification 1."
            " Did you mean QualificationTypeId?",
        ),
        ({"more": "task_name = \n"}, "run.toml is not TOML: "),
        ({"more": "[Task]\n"}, "run.toml: unknown section or key 'Task'. Did you mean task?"),
        ({"more": "[SERVER]\n"}, "run.toml: unknown section or key 'SERVER'. Did you mean server?"),
        ({"Max_Cost": '"1.00"'}, "run.toml: unknown key 'Max_Cost' in [task]. Did you mean max_cost?"),
        ({"kind": '"none"'}, "run.toml: unknown key 'kind' in [task]. It belongs below [server]."),
        (
            {"more": "[server]\nmax_cost = '1.00'\n"},
            "run.toml: unknown key 'max_cost' in [server]. It belongs below [task].",
        ),
        (
            {"Comparator": '"Exists"'},
            "run.toml: unknown key 'Comparator' in [task]. It belongs below [[qualifications]].",
        ),
        (
            {"task_title": '"a\\u001bb"'},
            "run.toml: task_title holds the control character U+001B. Take it out.",
        ),
        ({"task_tags": '"\\u0001"'}, "run.toml: task_tags holds the control character U+0001."),
    ],
)
def test_a_bad_line_is_named_and_explained(write: Write, values: dict[str, str | None], wanted: str) -> None:
    assert complaint(write(**values)).startswith(wanted)


def test_a_key_above_all_sections_is_sent_where_it_belongs(write: Write) -> None:
    path = write()
    path.write_text('task_name = "x"\n' + path.read_text())
    assert complaint(path) == "run.toml: unknown section or key 'task_name'. It belongs below [task]."


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_end_is_read(write: Write, ending: str) -> None:
    path = write(more="[server]\nkind = 'none'\n")
    wanted = load(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_text().replace("\n", ending).encode())
    assert load(path) == wanted


def test_requirements_that_are_no_tables_are_said(write: Write) -> None:
    path = write()
    path.write_text("qualifications = [1, 'a']\n" + path.read_text())
    assert (
        complaint(path)
        == "run.toml: qualification 1 is not a table: write [[qualifications]] above its lines."
    )


def test_a_bad_override_is_named_with_its_source(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    assert complaint(path, assignments_per_unit="many") == (
        "assignments_per_unit (from flag) is many; it must be a whole number from 1 to 1000000000."
    )
    assert complaint(path, timeout="3") == "--set timeout: that is a setting, not a run parameter."
    assert complaint(path, task_rewrad="3").endswith("Did you mean task_reward?")
    monkeypatch.setenv("CROWDOPS_MAX_COST", "-3")
    assert complaint(path).startswith("max_cost (from environment) is '-3'; it must be dollars")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert (
        complaint(tmp_path / "run.toml")
        == "run.toml: No such file or directory. Start from examples/run.toml."
    )
    (tmp_path / "run.toml").write_bytes(b"[task]\ntask_name = '\xff'\n")
    assert complaint(tmp_path / "run.toml") == "run.toml is not UTF-8 (byte 21). Save the file as UTF-8."


# The same through launch_run, where nothing may be left behind


def refused(world: World, path: Path, *args: str, code: int = 2) -> str:
    """Launch what must be refused; returns the one line that says why."""
    before = world.crowd.calls()
    result = world.invoke("mturk/launch_run", str(path), "--yes", *args)
    assert result.exit_code == code, result
    assert result.stdout == ""
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: ") and "Traceback" not in result.stderr
    called = {name for name, count in world.crowd.calls().items() if count != before.get(name)}
    assert called <= {"GetAccountBalance", "ListQualificationTypes"}  # which only look
    assert not (world.home / "registry.db").exists() or world.sql("SELECT * FROM task_runs") == []
    assert not (world.home / "runs").exists()
    return line.removeprefix("error: ").replace(f"{path.parent}/", "")


BAD_FILES: list[tuple[str, bytes, str]] = [
    ("items.csv", b"", "items.csv has no rows. A run needs at least one unit."),
    ("items.csv", b"id,text\n", "items.csv has no rows. A run needs at least one unit."),
    ("items.csv", b"id,text\n1,a\n2\n", "items.csv: row 2 (line 3) has 1 cells, the header has 2."),
    (
        "items.csv",
        b"id,text\n1,a\n2,\xe9\n",
        "items.csv: row 2 (line 3) is not UTF-8 (byte 3 of the line). Save the file as UTF-8.",
    ),
    (
        "items.csv",
        b"id,txet\n1,a\n",
        "task.html uses the field 'text', which no column of the data has. Did you mean txet?",
    ),
    (
        "items.csv",
        b"id,text\n1,a\n2," + b"x" * 65_535 + b"\n",
        "row 2: the page has 65810 bytes, and a HIT holds at most 65535.",
    ),
    (
        "items.csv",
        b"id,text\n1,a\n2,\x07\n",
        "row 2: the page holds the character U+0007, which XML cannot carry.",
    ),
    ("task.html", b"{{ text", "task.html, line 1: "),
    ("task.html", b"", "task.html is empty."),
    ("task.html", b"{{ text }} {{ text / 2 }}", "task.html: row 1 cannot be rendered: "),
]


@pytest.mark.parametrize("name,content,wanted", BAD_FILES)
def test_a_bad_file_creates_nothing(
    world: World, write: Write, name: str, content: bytes, wanted: str
) -> None:
    path = write()
    (path.parent / name).write_bytes(content)
    assert refused(world, path).startswith(wanted)


@pytest.mark.parametrize("name", ["items.csv", "task.html", "run.toml"])
def test_a_missing_file_creates_nothing(world: World, write: Write, name: str) -> None:
    path = write()
    (path.parent / name).unlink()
    assert refused(world, path).startswith(f"{name}: No such file or directory. ")


def test_bad_parameters_create_nothing(world: World, write: Write) -> None:
    assert refused(world, write(allowed_concurrent="2")).startswith(
        "run.toml: allowed_concurrent needs a server"
    )
    assert refused(world, write(), "--set", "task_reward=free").startswith(
        "task_reward (from flag) is 'free'"
    )
    assert refused(world, write(), "--set", "task_reward").startswith(
        "--set task_reward: write it as NAME=VALUE."
    )
    assert refused(world, write(max_cost='"0.10"')) == (
        "The run would cost $0.12, over its max_cost of $0.10. To allow it: --set max_cost=0.12"
    )
    assert refused(world, write(max_num_concurrent_units="5"), "--detach").startswith(
        "--detach launches everything"
    )


def test_an_endpoint_that_is_not_there_creates_nothing(
    world: World, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", endpoint)
    line = refused(world, write(), code=1)
    assert line.startswith(f"Nothing listens at {endpoint}. ") and line.endswith("Nothing was created.")


def test_a_refused_key_creates_nothing(world: World, write: Write) -> None:
    path = world.home / "crowd" / "credentials"
    path.write_text("[default]\naws_access_key_id = CROWDWRONG\naws_secret_access_key = " + "wrong" * 8)
    line = refused(world, write())
    assert line.startswith(f"{world.crowd.url} refused the key (") and line.endswith("Nothing was created.")


def test_too_little_money_creates_nothing(world: World, write: Write) -> None:
    world.set_funds(11)
    assert (
        refused(world, write()) == "The account has $0.11, and the run would cost $0.12. Nothing was created."
    )


def test_production_needs_a_bound_on_the_cost(world: World, write: Write) -> None:
    line = refused(world, write(), "--environment", "production")
    assert line == "In production max_cost is required. This run would cost $0.12."


def test_a_dry_run_shows_everything_and_calls_nobody(world: World, write: Write) -> None:
    result, calls = world.calls_of("mturk/launch_run", str(write()), "--dry-run")
    assert result.exit_code == 0 and calls == {}
    for text in (
        "2 units, 2 assignments: $0.10 in rewards + $0.02 in fees (20%) = $0.12",
        "task_reward = 0.05",
    ):
        assert text in result.stdout
    assert "<p>a</p>" not in result.stdout
    size = len(PAGE.replace("{{ text }}", "a"))
    assert f"The first page has {size} bytes" in result.stdout
    assert not (world.home / "registry.db").exists()


def test_without_a_terminal_yes_is_needed(world: World, write: Write) -> None:
    result, calls = world.calls_of("mturk/launch_run", str(write()))
    assert result.exit_code == 2 and calls == {"GetAccountBalance": 1}  # the input is checked first
    assert "Look with --dry-run, then add --yes. Nothing was done." in result.stderr


def test_overrides_reach_the_api(world: World, write: Write) -> None:
    args: list[Any] = ["--detach", "--yes", "--set", "task_reward=0.11", "--set", "task_title=Another title"]
    assert world.invoke("mturk/launch_run", str(write()), *args).exit_code == 0
    hits = world.client.list_hits()["HITs"]
    assert {(hit["Reward"], hit["Title"]) for hit in hits} == {("0.11", "Another title")}
    assert len(hits) == 2
