"""What a number of blocks can resolve: the tables and the curve of docs/method.md.

usage: python benchmarks/power.py            print the tables
       python benchmarks/power.py --write    put them into docs/method.md and draw docs/images/power.svg

Nothing is measured or simulated here: the numbers come from ``frameworkbench.analysis.power``, which the tests hold
against simulated runs that go through the decisions themselves.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from frameworkbench.analysis.power import blocks_needed, power_of, resolvable_ratio
from frameworkbench.spec.protocol import SUITES

ROOT = Path(__file__).resolve().parent.parent
METHOD = ROOT / "docs" / "method.md"
PICTURE = ROOT / "docs" / "images" / "power.svg"
BEGIN, END = "<!-- power: written by benchmarks/power.py -->", "<!-- /power -->"

DEVIATIONS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10)
GAP = 1.05
# One pair, and the pairs of five frameworks.
FAMILIES = (1, 10)
_NAMES = ("quick", "standard", "rigorous")

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 320, 56, 16, 150, 44
_MOST_DEVIATION = 0.10
# Okabe-Ito colours, with dashes for whom colours do not help.
_CURVES = ((10, 1, "#0072b2", ""), (10, 10, "#0072b2", "6 4"), (20, 1, "#d55e00", ""), (20, 10, "#d55e00", "6 4"))


def main() -> None:
    """Print the tables, or write tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="update docs/method.md and docs/images/power.svg")
    if not parser.parse_args().write:
        print(tables())
        return
    text = METHOD.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    METHOD.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{after}", encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")


def tables() -> str:
    """Power of a 5 % gap in ``standard``, and the smallest difference that each suite resolves, as Markdown."""
    standard = SUITES["standard"]
    title = (
        f"Chance that `standard` ({standard.main_blocks} blocks, δ = {standard.delta * 100:g} %) calls a true 5 % gap"
    )
    head = [f"{title} *faster*, and the blocks that 80 % would take:", ""]
    first = [
        "| process-to-process deviation | one pair | as one of ten pairs | blocks for 80 %, one pair | ten pairs |"
    ]
    first += ["|---|---|---|---|---|"]
    for deviation in DEVIATIONS:
        powers = [power_of(GAP, standard.main_blocks, deviation, pairs, delta=standard.delta) for pairs in FAMILIES]
        blocks = [blocks_needed(GAP, deviation, pairs, delta=standard.delta) for pairs in FAMILIES]
        cells = [
            percent(deviation),
            *(f"{power:.2f}" for power in powers),
            *("> 1,000" if n is None else str(n) for n in blocks),
        ]
        first.append(f"| {' | '.join(cells)} |")
    second = [
        "",
        "Smallest true difference that is called *faster* in 80 % of runs, one pair / as one of ten pairs:",
        "",
    ]
    suites = [SUITES[name] for name in _NAMES]
    names = [f"`{suite.suite}` ({suite.main_blocks} blocks, δ {suite.delta * 100:g} %)" for suite in suites]
    second += [f"| process-to-process deviation | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for deviation in DEVIATIONS:
        ratios = [
            [resolvable_ratio(suite.main_blocks, deviation, pairs, delta=suite.delta) for pairs in FAMILIES]
            for suite in suites
        ]
        cells = [percent(deviation), *(" / ".join(percent(ratio - 1) for ratio in found) for found in ratios)]
        second.append(f"| {' | '.join(cells)} |")
    return "\n".join([*head, *first, *second])


def percent(share: float) -> str:
    """A share in percent with two significant digits, and more where it is above 100 %."""
    places = max(1 - math.floor(math.log10(share * 100)), 0)
    return f"{share * 100:.{places}f}".rstrip("0").rstrip(".") + " %" if places else f"{share * 100:.0f} %"


def picture() -> str:
    """Power of a true 5 % gap against deviation as SVG; the same bytes every time."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        "<title>Power to find a true 5 % gap against process-to-process deviation</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for tick in range(0, 11, 2):
        y, x = _y(tick / 10), _x(tick / 100)
        parts.append(f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{tick / 10:g}</text>')
        parts.append(f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{tick} %</text>')
    parts.append(f'<text x="{_x(0.05)}" y="{_HEIGHT - 6}" text-anchor="middle">process-to-process deviation</text>')
    parts.append(f'<text x="{_LEFT}" y="11">chance of the verdict faster at a true 5 % gap</text>')
    for index, (blocks, pairs, colour, dashes) in enumerate(_CURVES):
        delta = SUITES["standard" if blocks == SUITES["standard"].main_blocks else "rigorous"].delta
        points = [(step / 1000, power_of(GAP, blocks, step / 1000, pairs, delta=delta)) for step in range(2, 101, 2)]
        path = "L".join(f"{_x(deviation)} {_y(power)}" for deviation, power in points)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        parts.append(f'<path d="M{path}" {style}/>')
        y, x = _TOP + 20 + 22 * index, _WIDTH - _RIGHT + 12
        parts.append(
            f'<path d="M{x} {y}h26" {style}/>'
            f'<text x="{x + 32}" y="{y + 4}">{blocks} blocks, {pairs} pair{"s" * (pairs > 1)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(deviation: float) -> float:
    return round(_LEFT + deviation / _MOST_DEVIATION * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(power: float) -> float:
    return round(_HEIGHT - _BOTTOM - power * (_HEIGHT - _BOTTOM - _TOP - 6), 1)


if __name__ == "__main__":
    main()
