"""Which rows are compared with which: the families of one group, and what takes their verdicts away.

Holm's correction spans a family, so a family is kept to the question that is asked: the frameworks' main modes
against each other, and the modes of one framework against each other. All rows in one family would make eleven rows
55 pairs, and a 5 % gap at 2 % noise would be found in 69 % of runs instead of 92 % (method, section 1.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..phrase import Phrase, marked, phrase, sentences, some
from ..spec.lanes import MATCHED
from .comparison import LEAST_BLOCKS, Entry, Ranking, rank
from .control import FAILED, NOT_RUN, TWIN, Control, absent, control, unresolved_sentence
from .disturbance import Disturbance
from .sentences import Wording
from .verdicts import FASTER, INCONCLUSIVE, INVALID, Pair

FALSE_WIN = "FALSE_WIN"
NOISY = "NOISY"
UNRESOLVED = "UNRESOLVED"
NO_DELTA = "NO_DELTA"
NOT_RANKED = "NOT_RANKED"

ENTRANT = "entrant"

_ROWS = Wording(phrase("row"), phrase("rows"))

# Why a verdict is not what its interval alone would give.
CONTROL_FAILED = marked("A/A control failed")
NOISY_RUN = marked("noisy run")
WITHIN_FLOOR = marked("within the noise floor")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proved row with its process means, and what decides its family."""

    entry: Entry
    adapter: str
    mode: str
    role: str
    main: bool
    built_on: str = ""
    """Label of the row that does the work below this one, where there is one."""


@dataclass(frozen=True, slots=True)
class GroupVerdicts:
    """Everything that one group of equal conditions says.

    Main modes, modes of each framework, rows beside those that they are built on (by both labels), the A/A control.
    """

    main: Ranking
    modes: Mapping[str, Ranking]
    built_on: Mapping[tuple[str, str], Ranking]
    control: Control


def group_verdicts(
    candidates: Sequence[Candidate], delta: float | None, noise: Disturbance, lane: str = MATCHED
) -> GroupVerdicts:
    """Compare the rows of one group within their families.

    Args:
        candidates: proved and timed rows under equal conditions.
        delta: smallest relative difference that matters; None when the protocol sets none.
        noise: what the run knows about itself.
        lane: of the group; only matched has tiers.
    """
    if delta is None:
        why = phrase("the protocol sets no smallest difference that matters")
        none = Ranking({}, (), 0.0, phrase("No winner is named: {reason}.", reason=why), NO_DELTA)
        return GroupVerdicts(none, {}, {}, absent(why))
    found = _control(candidates, delta)
    entrants = [row for row in candidates if row.role == ENTRANT]
    main = rank([row.entry for row in entrants if row.main], delta)
    modes = {}
    for adapter in dict.fromkeys(row.adapter for row in entrants):
        family = [row.entry for row in entrants if row.adapter == adapter and len(row.entry.throughput) >= LEAST_BLOCKS]
        if len(family) > 1:
            modes[adapter] = rank(family, delta, _modes_of(adapter))
    cautioned = {name: _cautioned(ranking, found, noise) for name, ranking in modes.items()}
    below = {labels: _cautioned(ranking, found, noise) for labels, ranking in _built_on(entrants, delta).items()}
    return GroupVerdicts(_unranked(_cautioned(main, found, noise), lane), cautioned, below, found)


def _built_on(entrants: Sequence[Candidate], delta: float) -> dict[tuple[str, str], Ranking]:
    """Each row that is built on another one of the group, and that one: what the layer on top costs."""
    timed = {row.entry.label: row.entry for row in entrants if len(row.entry.throughput) >= LEAST_BLOCKS}
    return {
        (row.entry.label, row.built_on): rank([row.entry, timed[row.built_on]], delta, _ROWS)
        for row in entrants
        if row.built_on in timed and row.entry.label in timed
    }


def uncontrolled(groups: Mapping[str, Sequence[GroupVerdicts]]) -> list[str]:
    """Workloads whose verdicts stand without an A/A control.

    Args:
        groups: by workload.
    """
    return sorted(
        name
        for name, found in groups.items()
        if any(group.control.verdict == NOT_RUN and (group.main.pairs or group.modes) for group in found)
    )


def without_control(workloads: Sequence[str]) -> list[Phrase]:
    """A sentence about these workloads; none where there are none."""
    if not workloads:
        return []
    return [
        phrase(
            "No A/A control was run for {workloads}: nothing shows that a row would not have beaten itself.",
            workloads=some(sorted(workloads)),
        )
    ]


def _modes_of(adapter: str) -> Wording:
    return Wording(phrase("mode of {adapter}", adapter=adapter), phrase("modes of {adapter}", adapter=adapter))


def _control(candidates: Sequence[Candidate], delta: float) -> Control:
    twins = [row for row in candidates if row.role == TWIN]
    if not twins:
        return absent(phrase("no row entered twice and was timed"))
    twin = twins[0]
    same = (row for row in candidates if row.role == ENTRANT and (row.adapter, row.mode) == (twin.adapter, twin.mode))
    original = next(same, None)
    if original is None:
        return absent(phrase("{row} has no proved and timed original", row=twin.entry.label))
    return control(twin.entry, original.entry, delta)


def _cautioned(ranking: Ranking, found: Control, noise: Disturbance) -> Ranking:
    """The ranking as far as the run as a whole lets it stand; the gravest doubt comes first."""
    if not ranking.pairs:
        return ranking
    if found.verdict == FAILED:
        said = phrase(
            "Invalid: {row} wins against itself, so a win here proves nothing. No winner is named.", row=found.label
        )
        pairs = tuple(_without(pair, INVALID, CONTROL_FAILED) for pair in ranking.pairs)
        return Ranking({}, pairs, ranking.delta, said, FALSE_WIN)
    if noise.noisy:
        pairs = tuple(_without(pair, INCONCLUSIVE, NOISY_RUN) for pair in ranking.pairs)
        return Ranking({}, pairs, ranking.delta, _noisy(noise.reason), NOISY)
    if not found.resolves(ranking.delta):
        floor = found.noise_floor or 0.0
        pairs = tuple(_above(pair, 1 + floor, found.extra_blocks) for pair in ranking.pairs)
        said = sentences([unresolved_sentence(found, ranking.delta), _clear(pairs)])
        return Ranking({}, pairs, ranking.delta, said, UNRESOLVED)
    return ranking


def _unranked(ranking: Ranking, lane: str) -> Ranking:
    """Outside the lane matched settings differ from framework to framework: pairs, but no tiers and no winner."""
    if lane == MATCHED or ranking.code or not ranking.pairs:
        return ranking
    said = phrase(
        "Lane {lane} is shown, not ranked: its settings differ between frameworks. The pairs say what differs.",
        lane=lane,
    )
    return Ranking({}, ranking.pairs, ranking.delta, said, NOT_RANKED)


def _noisy(reason: str) -> Phrase:
    if not reason:
        return phrase("The run ended noisy: ratios have intervals, no winner is named.")
    return phrase("The run ended noisy ({reason}): ratios have intervals, no winner is named.", reason=reason)


def _without(pair: Pair, verdict: str, reason: str) -> Pair:
    return replace(pair, verdict=verdict, reason=reason, extra_blocks=None)


def _above(pair: Pair, floor: float, extra_blocks: int | None) -> Pair:
    """A pair on a machine that cannot resolve delta: only an interval wholly above the noise floor says anything.

    Any other pair that had a verdict needs what the control needs before its verdict counts.
    """
    if pair.verdict == INCONCLUSIVE or (pair.verdict == FASTER and pair.low > floor):
        return pair
    return replace(pair, verdict=INCONCLUSIVE, reason=WITHIN_FLOOR, extra_blocks=extra_blocks)


def _clear(pairs: Sequence[Pair]) -> Phrase:
    count = sum(pair.verdict == FASTER for pair in pairs)
    if not count:
        return phrase("No difference stands out from that.")
    return phrase(
        "{count} of {total} differences are larger than that; the pairs below say which.", count=count, total=len(pairs)
    )
