"""Charts stand in a page: they bring nothing that runs, no style, no id, and no address."""

import re
from xml.etree import ElementTree

import pytest

from crowdops.reporting import charts
from crowdops.reporting.charts import Chart, Series

HOSTILE = "\"'</title></svg><script>alert(1)</script>\x00\u202e"
SVG = "{http://www.w3.org/2000/svg}"


def whole(value: float) -> str:
    return f"{value:g}"


def chart(*series: list[int | None]) -> Chart:
    labels = [f"{HOSTILE}{number}" for number in range(len(series[0]))]
    return Chart(HOSTILE, labels, labels, [Series(HOSTILE, values) for values in series], whole)


@pytest.mark.parametrize("draw", [charts.bars, charts.lines])
def test_a_chart_holds_shapes_and_texts_alone(draw: type) -> None:
    drawn = draw(chart([1, 2, 3], [1, None, 0]))
    root = ElementTree.fromstring(str(drawn))
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        "svg",
        "g",
        "rect",
        "path",
        "text",
        "title",
    }
    assert not [
        name for node in root.iter() for name in node.attrib if name in ("id", "href") or "on" in name
    ]
    assert "http" not in str(drawn).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert root.get("role") == "img" and (root.get("aria-label") or "").startswith("\"'</title>")


def test_each_bar_that_is_drawn_says_its_value() -> None:
    drawn = ElementTree.fromstring(str(charts.bars(chart([1, 2, 3], [4, None, 0]))))
    titles = [node.text or "" for node in drawn.iter(f"{SVG}title")]
    assert [title[-1] for title in titles] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("highest", "are_whole", "wanted"),
    [
        (0, True, [0, 1]),
        (3, True, [0, 1, 2, 3]),
        (3, False, [0, 1, 2, 3]),
        (1.5, False, [0, 0.5, 1, 1.5]),
        (57, True, [0, 20, 40, 60]),
        (100_000, True, [0, 50_000, 100_000]),
        (0.01, False, [0, 0.005, 0.01]),
    ],
)
def test_the_steps_at_the_side_are_round_and_few(
    highest: float, are_whole: bool, wanted: list[float]
) -> None:
    assert charts.ticks(highest, are_whole=are_whole) == wanted


def test_more_labels_than_fit_are_left_out() -> None:
    labels = [f"{number:05}" for number in range(200)]
    drawn = charts.lines(Chart("", [], labels, [Series("", list(range(200)))], whole))
    below = re.findall(r">(\d{5})<", drawn)
    assert 2 <= len(below) <= charts.LABELS
