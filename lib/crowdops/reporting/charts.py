"""Charts as SVG that stands inside a page: no script, no style of its own, no id, nothing from elsewhere.

The page's style sheet colours them by class: `color-0` and so on for the series, `axis` for what is around.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pygal
from markupsafe import Markup
from pygal.style import Style

from crowdops.console import output

MOST_POINTS = 200  # values of a series; who has more bins them first
WIDTH, HEIGHT = 480, 220  # units of the drawing; the page scales it
LABELS, LETTERS = 5, 36  # at most, along the bottom: on a phone no more fit
STEPS = 4  # at most, up the side
LABEL_SIZE = 17  # the largest that the style sheet chooses: pygal leaves room for it
_NOT_SHOWN = ("script", "style", "desc", "title", "defs")

Number = float | int


class Series(NamedTuple):
    """One line, or one part of each bar; 0 and None are not drawn as bars. `name` is said with each value."""

    name: str
    values: Sequence[Number | None]


class Chart(NamedTuple):
    """What a chart shows. `says` is what somebody hears who cannot see it; `shown` writes a value.
    `is_whole`: the values are counts.

    Of `below`, a few stand under the chart; `labels` are said with the values.
    """

    says: str
    labels: Sequence[str]
    below: Sequence[str]
    series: Sequence[Series]
    shown: Callable[[Number], str]
    is_whole: bool = True


def bars(chart: Chart) -> Markup:
    """Return a chart of bars, one a label, the series on top of each other."""
    sums = [sum(value or 0 for value in values) for values in _columns(chart)]
    gap = 1 if len(chart.labels) > 30 else 4
    drawing = _drawing(pygal.StackedBar, chart, max(sums, default=0), spacing=gap)
    for series in chart.series:
        drawing.add(None, list(series.values))
    return _svg(drawing, chart, "bars")


def lines(chart: Chart) -> Markup:
    """Return a chart of lines. The ground below the first one is tinted."""
    highest = max((value or 0 for values in _columns(chart) for value in values), default=0)
    drawing = _drawing(pygal.Line, chart, highest, show_dots=False)
    for series in chart.series:
        drawing.add(None, list(series.values))
    drawing.add(None, list(chart.series[0].values), fill=True)
    return _svg(drawing, chart, "lines")


def ticks(highest: Number, *, are_whole: bool) -> list[Number]:
    """Return round numbers from 0 to one that is not below the highest value."""
    if highest <= 0:
        return [0, 1]
    if are_whole and highest <= STEPS:
        return list(range(math.ceil(highest) + 1))
    power = 10.0 ** math.floor(math.log10(highest / STEPS))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * STEPS >= highest)
    return [round(step * number, 10) for number in range(math.ceil(highest / step - 1e-9) + 1)]


def _columns(chart: Chart) -> Iterator[tuple[Number | None, ...]]:
    assert len(chart.labels) <= MOST_POINTS, "bin the values first"
    return zip(*(series.values for series in chart.series), strict=True)


def _drawing(kind: Callable[..., Any], chart: Chart, highest: Number, **options: Any) -> Any:
    steps = ticks(highest, are_whole=chart.is_whole)
    labels = _few(chart.below)
    return kind(
        js=[],
        css=[],
        style=Style(label_font_size=LABEL_SIZE, major_label_font_size=LABEL_SIZE),
        width=WIDTH,
        height=HEIGHT,
        margin=8,
        show_legend=False,
        disable_xml_declaration=True,
        no_prefix=True,
        range=(0, steps[-1]),
        y_labels=[{"value": step, "label": chart.shown(step)} for step in steps],
        x_labels=labels,
        x_labels_major=[label for label in labels if label],
        show_minor_x_labels=False,
        truncate_label=-1,
        formatter=chart.shown,
        **options,
    )


def _few(labels: Sequence[str]) -> list[str]:
    """Return the labels with only so many of them left that they stand apart."""
    longest = max(map(len, labels), default=0)
    every = math.ceil(len(labels) / max(1, min(LABELS, LETTERS // (longest + 1))))
    first = (every - 1) // 2
    return [output.clean(label) if number % every == first else "" for number, label in enumerate(labels)]


def _svg(drawing: Any, chart: Chart, kind: str) -> Markup:
    drawing.add_xml_filter(lambda root: _plain(root, chart, kind))
    return Markup(drawing.render(is_unicode=True))  # noqa: S704 pygal has escaped it


def _plain(root: Any, chart: Chart, kind: str) -> Any:
    """Leave of a drawing what the page needs: shapes and labels; then say the value of each bar."""
    for node in list(root.iter()):
        node.attrib.pop("id", None)
        for child in list(node):
            if _is_unwanted(child):
                node.remove(child)
    for group in list(root.iter("g")):
        classes = (group.get("class") or "").split()
        if "series" in classes and len(group):
            _name_bars(group, chart, int(classes[1].removeprefix("serie-")))
    root.attrib.update({"class": f"chart {kind}", "role": "img", "aria-label": output.clean(chart.says)})
    return root


def _is_unwanted(node: Any) -> bool:
    if not isinstance(node.tag, str) or node.tag in _NOT_SHOWN:  # the former are comments
        return True
    return node.tag == "g" and (node.get("class") or "").endswith(("overlay", "titles"))


def _name_bars(group: Any, chart: Chart, number: int) -> None:
    if number >= len(chart.series):
        return
    series = chart.series[number]
    for bars_of_series in group.iter("g"):
        if bars_of_series.get("class") != "bars":
            continue
        for label, value, bar in zip(chart.labels, series.values, list(bars_of_series), strict=True):
            if not value:
                bars_of_series.remove(bar)
                continue
            title = bar.makeelement("title", {})
            title.text = output.clean(f"{label}: {series.name} {chart.shown(value)}")
            bar.append(title)
