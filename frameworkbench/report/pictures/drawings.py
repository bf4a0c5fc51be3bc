"""The pictures themselves, drawn with matplotlib.

A colour and a marker belong to a framework, so that no meaning hangs on colour alone; names stand beside the marks.
Text stays text, ids come from a fixed salt and nothing about the moment is written, so files can be compared.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..text import interval_text, significant, size
from .points import Curve, Dot, Ratio

# Okabe and Ito 2008, without the yellow, which is hard to see on white: colours that colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "frameworkbench",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "sans-serif"],
    "font.size": 9.0,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.edgecolor": "#5b6672",
    "axes.formatter.use_mathtext": False,
    "grid.color": "#d8dee6",
    "grid.linewidth": 0.7,
}
_WIDTH, _TALL = 7.4, 4.2  # inches
_ROW = 0.3
_LETTER = 0.078
_MOST_DIGITS = 15
_INK, _SOFT = "#16202c", "#4c5a6a"


@contextmanager
def style() -> Iterator[None]:
    """Draw with this module's settings, whatever the user's own are."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks: the text is in the file, and the reader's own fonts show it.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def forest(found: Sequence[Ratio], delta: float) -> bytes:
    """Ratios with intervals, one line each, under the row that they are compared with."""
    lines: list[Ratio | str] = []
    for each in found:
        if each.against not in lines:
            lines.append(each.against)
        lines.append(each)
    names = [each.label for each in found] + [f"relative to {each.against}:" for each in found]
    figure, axes = _canvas(0.9 + _ROW * len(lines), names, right=1.95)
    looks = _looks([each.adapter for each in found])
    axes.set_xscale("log")
    axes.axvspan(1 / (1 + delta), 1 + delta, color="#e9edf2", zorder=0)
    axes.axvline(1.0, color=_SOFT, linewidth=1)
    for y, line in enumerate(lines):
        if isinstance(line, Ratio):
            _interval(axes, line, y, looks[line.adapter])
    right = axes.get_yaxis_transform()
    for y, line in enumerate(lines):
        if isinstance(line, Ratio):
            axes.text(1.02, y, _written(line), transform=right, va="center", color=_SOFT)
    _rows(axes, [line.label if isinstance(line, Ratio) else f"relative to {line}:" for line in lines])
    for name, line in zip(axes.get_yticklabels(), lines, strict=True):
        name.set_color(_INK if isinstance(line, Ratio) else _SOFT)
        name.set_fontstyle("normal" if isinstance(line, Ratio) else "italic")
    _log_axis(axes.xaxis, "{}×")
    axes.set_xlabel("throughput as a multiple (logarithmic)")
    axes.grid(axis="x")
    return _saved(figure, "Throughput ratios with intervals")


def start(found: Sequence[Dot]) -> bytes:
    """Time to first step against steady speed."""
    figure, axes = _canvas(_TALL, right=_beside([dot.label for dot in found]))
    axes.set_xscale("log")
    axes.set_yscale("log")
    points = [(float(dot.wait_s or 0.0), dot.speed) for dot in found]
    looks = _looks([dot.adapter for dot in found])
    for dot, (x, y) in zip(found, points, strict=True):
        _mark(axes, x, y, looks[dot.adapter], filled=dot.main)
        if dot.low is not None and dot.high is not None:
            axes.plot([x, x], [dot.low, dot.high], color=looks[dot.adapter][0], linewidth=1.2)
    _log_axis(axes.xaxis, "{} s")
    _log_axis(axes.yaxis, "{}")
    axes.set_xlabel("time to first step, cold (seconds) · filled: main mode, hollow: other mode")
    axes.set_ylabel("samples per second")
    axes.grid()
    _side_labels(axes, [dot.label for dot in found], points)
    return _saved(figure, "Time to first step against steady speed")


def trade(found: Sequence[Dot]) -> bytes:
    """Peak memory against steady speed; the area of a mark grows with the wait for the first step."""
    figure, axes = _canvas(_TALL, right=_beside([dot.label for dot in found]))
    axes.set_yscale("log")
    points = [(float(dot.memory_bytes or 0.0) / 2**20, dot.speed) for dot in found]
    looks = _looks([dot.adapter for dot in found])
    longest = max((dot.wait_s or 0.0 for dot in found), default=0.0) or 1.0
    largest_first = sorted(zip(found, points, strict=True), key=lambda each: -(each[0].wait_s or 0.0))
    for dot, (x, y) in largest_first:
        area = 5.0 + 11.0 * ((dot.wait_s or 0.0) / longest) ** 0.5
        _mark(axes, x, y, looks[dot.adapter], filled=dot.front, size=area)
    axes.set_xlim(left=0)
    _log_axis(axes.yaxis, "{}")
    axes.set_xlabel("peak memory (MiB) · filled: Pareto front; larger: longer wait for the first step")
    axes.set_ylabel("samples per second")
    axes.grid()
    _side_labels(axes, [dot.label for dot in found], points)
    return _saved(figure, "Speed, memory and time to first step")


def memory(cells: Sequence[Mapping[str, Any]]) -> bytes:
    """Peak memory as bars from zero, the smallest on top."""
    rows = sorted(cells, key=lambda cell: (cell["peak_memory_bytes"], cell["label"]))
    figure, axes = _canvas(0.8 + _ROW * len(rows), [str(cell["label"]) for cell in rows])
    looks = _looks([str(cell["adapter"]) for cell in rows])
    for y, cell in enumerate(rows):
        value, colour = cell["peak_memory_bytes"] / 2**20, looks[str(cell["adapter"])][0]
        axes.barh(y, value, height=0.62, facecolor=colour if cell["main"] else "white", edgecolor=colour, linewidth=1.4)
        text = size(cell["peak_memory_bytes"])
        axes.annotate(text, (value, y), xytext=(4, 0), textcoords="offset points", va="center", color=_INK)
    _rows(axes, [str(cell["label"]) for cell in rows])
    axes.set_xlim(0, 1.15 * max(cell["peak_memory_bytes"] for cell in rows) / 2**20)
    axes.set_xlabel("peak memory (MiB) · filled: main mode, hollow: other mode")
    axes.grid(axis="x")
    return _saved(figure, "Peak memory")


def latency(found: Sequence[tuple[str, str, tuple[float, ...]]]) -> bytes:
    """p50, p95 and p99 of each row on one line."""
    figure, axes = _canvas(0.9 + _ROW * len(found), [label for _, label, _ in found])
    axes.set_xscale("log")
    looks = _looks([adapter for adapter, _, _ in found])
    for y, (adapter, _, values) in enumerate(found):
        colour = looks[adapter][0]
        axes.plot([values[0] * 1e3, values[-1] * 1e3], [y, y], color=colour, linewidth=2)
        for value, marker in zip(values, ("o", "|", "D"), strict=False):
            axes.plot([value * 1e3], [y], marker, color=colour, markersize=7, markeredgewidth=2)
    _rows(axes, [label for _, label, _ in found])
    _log_axis(axes.xaxis, "{} ms")
    axes.set_xlabel("latency of one request (milliseconds) · ● p50 · | p95 · ◆ p99")
    axes.grid(axis="x")
    return _saved(figure, "Latency of single requests")


def accuracy(found: Sequence[Curve]) -> bytes:
    """Accuracy after each epoch against training time."""
    figure, axes = _canvas(_TALL, right=_beside([curve.label for curve in found]))
    axes.set_xscale("log")
    looks = _looks([curve.adapter for curve in found])
    for curve in found:
        colour, marker = looks[curve.adapter]
        values = [100 * value for value in curve.accuracy]
        axes.plot(curve.time_s, values, color=colour, marker=marker, markersize=5, linewidth=1.4)
    targets = sorted({curve.target for curve in found if curve.target is not None})
    for target in targets:
        axes.axhline(100 * target, color=_SOFT, linewidth=1, linestyle=(0, (4, 3)))
    _log_axis(axes.xaxis, "{} s")
    axes.set_xlabel("training time (seconds)")
    axes.set_ylabel("accuracy on the test set (%)")
    axes.grid()
    ends = [(curve.time_s[-1], 100 * curve.accuracy[-1]) for curve in found]
    _side_labels(axes, [curve.label for curve in found], ends)
    return _saved(figure, "Accuracy against training time")


def _canvas(height: float, names: Sequence[str] = (), *, right: float = 0.3) -> tuple[Figure, Axes]:
    """A figure with room for names at the left, or for a scale where there are none, and at the right (inches)."""
    left = 0.3 + min(_LETTER * max((len(name) for name in names), default=8), 3.4)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    axes = figure.add_axes((left / _WIDTH, 0.55 / height, (_WIDTH - left - right) / _WIDTH, 1 - 0.7 / height))
    return figure, axes


def _beside(names: Sequence[str]) -> float:
    """Room for names at the right."""
    return 0.4 + min(_LETTER * max(map(len, names), default=0), 3.4)


def _looks(adapters: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each framework, by the order of their names."""
    names = sorted(set(adapters))
    return {name: (COLOURS[at % len(COLOURS)], MARKERS[at % len(MARKERS)]) for at, name in enumerate(names)}


def _mark(axes: Axes, x: float, y: float, look: tuple[str, str], *, filled: bool, size: float = 8.0) -> None:
    colour, marker = look
    axes.plot(
        [x],
        [y],
        marker=marker,
        markersize=size,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        markeredgewidth=1.6,
        linestyle="none",
        zorder=3,
    )


def _interval(axes: Axes, each: Ratio, y: float, look: tuple[str, str]) -> None:
    axes.plot([each.low, each.high], [y, y], color=look[0], linewidth=2, solid_capstyle="butt")
    _mark(axes, each.ratio, y, look, filled=each.shown, size=7.0)


def _written(line: Ratio) -> str:
    """Ratio and interval with the digits that the interval supports, but no more than there is room for."""
    ratio, interval = interval_text(line.ratio, line.low, line.high)
    if len(interval) > _MOST_DIGITS:
        ratio, interval = significant(line.ratio, 4), f"{significant(line.low, 4)}–{significant(line.high, 4)}"
    return f"{ratio}× ({interval})"


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """One row of the picture for each name, the first on top."""
    axes.set_yticks(range(len(labels)), labels=list(labels))
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _log_axis(axis: Any, text: str) -> None:
    """Plain numbers at 1, 2 and 5 of each decade."""
    axis.set_major_locator(LogLocator(base=10.0, subs=(1.0, 2.0, 5.0), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text.format(f"{value:,.10g}")))
    axis.set_minor_formatter(NullFormatter())


def _side_labels(axes: Axes, labels: Sequence[str], points: Sequence[tuple[float, float]]) -> None:
    """Names in a column at the right, in the order of their marks' heights and never on top of each other."""
    axes.margins(0.08)
    axes.get_xlim(), axes.get_ylim()  # settles the scales, without which no place in the picture is known
    to_share = axes.transData + axes.transAxes.inverted()
    heights = [float(to_share.transform(point)[1]) for point in points]
    order = sorted(range(len(labels)), key=lambda at: (-heights[at], labels[at]))
    gap = 0.17 / (axes.get_position().height * _TALL)
    places = _apart([heights[at] for at in order], gap)
    for at, place in zip(order, places, strict=True):
        axes.annotate(
            labels[at],
            points[at],
            xytext=(1.03, place),
            textcoords="axes fraction",
            va="center",
            color=_INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#a9b6c4", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 5},
        )


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Heights from top to bottom, moved until they are ``gap`` apart; none falls below zero."""
    places: list[float] = []
    for height in heights:
        places.append(min(height, places[-1] - gap) if places else height)
    for at in reversed(range(len(places))):
        floor = places[at + 1] + gap if at + 1 < len(places) else 0.0
        places[at] = max(places[at], floor)
    return places


def _saved(figure: Figure, title: str) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="svg", metadata={"Title": title, "Date": None, "Creator": None})
    return target.getvalue()
