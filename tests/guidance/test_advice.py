"""What guidance names, on planted tables whose answer is known, and what it never names."""

from __future__ import annotations

import copy
import itertools
import math
import random
from typing import Any

import pytest

from frameworkbench.errors import UsageError
from frameworkbench.guidance import PRESETS, QUESTIONS, advise, guidance_table, read_answers

from .planted_table import DAY, PlantedReport, firm, traded

SPEED = {"priority": ["speed"]}


def _between(throughput: float, memory: float) -> dict[str, float]:
    """Weight on speed and memory alone."""
    return {"throughput": throughput, "memory": memory, "first_step_warm": 0.0, "first_step_cold": 0.0}


def _texts(found: Any) -> str:
    return " ".join(str(one) for one in (*found.headlines, *found.cautions))


def _plain(found: Any) -> dict[str, Any]:
    return found.to_json()


def test_a_clear_winner_is_named() -> None:
    """What is best in everything by more than its intervals is named, with its mode and its share of trials."""
    found = advise(firm().table(), {})

    assert found.pick == "alpha"
    assert found.candidates == ("alpha",)
    assert str(found.headlines[0]).startswith("Take Alpha in mode usual. It came first in 100 % of 2,000 trials")
    assert "2.00× the throughput (1.94×–2.06×)" in str(found.headlines[1])


def test_a_tie_is_not_decided() -> None:
    """Of two rows within their intervals none is named, and the sentence says that the measurement decides."""
    planted = PlantedReport()
    planted.row("alpha", speed=102.0, half=0.2)
    planted.row("beta", speed=100.0, half=0.2)

    found = advise(planted.table(), SPEED)

    assert found.pick is None
    assert set(found.candidates) == {"alpha", "beta"}
    assert str(found.headlines[1]).startswith(
        "It turns on the measurement: Alpha has 1.02× the throughput (0.77×–1.35×) of Beta"
    )
    assert "--more auto" in str(found.headlines[1])


def test_a_choice_that_turns_on_a_weight() -> None:
    """A fast and large row against a slow and small one: the sentence names criterion, question and both weights."""
    found = advise(traded().table(), {}, _between(52, 48))

    turn = _plain(found)["turn"]
    assert found.pick is None
    assert set(found.candidates) == {"alpha", "beta"}
    assert (turn["kind"], turn["first"], turn["second"], turn["criterion"]) == ("weight", "alpha", "beta", "throughput")
    assert (turn["from"], turn["to"]) == (pytest.approx(0.52), pytest.approx(0.49))
    assert "with 52 % of the weight, as now, Alpha leads; with 49 %, Beta would" in str(found.headlines[1])
    assert "“What matters most?”" in str(found.headlines[1])


def test_the_flip_is_the_smallest() -> None:
    """At the stated weight the other one leads, and one hundredth nearer it does not yet."""
    table = traded().table()
    turn = _plain(advise(table, {}, _between(52, 48)))["turn"]

    def leader(weight: float) -> str:
        ranking = _plain(advise(table, {}, _between(weight, 1 - weight)))["ranking"]
        return str(max((row["score"], row["label"]) for one in ranking for row in one["rows"])[1])

    assert leader(turn["from"]) == "alpha:usual"
    assert leader(turn["to"] + 0.011) == "alpha:usual"
    assert leader(turn["to"]) == "beta:usual"


def test_a_choice_that_turns_on_the_model() -> None:
    """Where different frameworks are firm on different kinds of model, the sentence says which is for which."""
    planted = PlantedReport()
    for workload, fast in (("net", "alpha"), ("words", "beta")):
        for name in ("alpha", "beta"):
            planted.row(name, workload=workload, speed=300.0 if name == fast else 100.0)

    found = advise(planted.table(), SPEED)

    assert found.pick is None
    expected = "It turns on the kind of model: Alpha for a small dense network; Beta for a recurrent network."
    assert str(found.headlines[1]) == expected
    assert advise(planted.table(), {**SPEED, "family": ["recurrent"]}).pick == "beta"


def test_a_known_front() -> None:
    """The dominated row is off the front, the two that trade speed for memory are on it."""
    rows = [row for one in _plain(advise(traded().table(), {}))["ranking"] for row in one["rows"]]

    assert {row["label"]: row["front"] for row in rows} == {
        "alpha:usual": True,
        "beta:usual": True,
        "gamma:usual": False,
    }


def test_the_order_of_rows_changes_nothing() -> None:
    """Any order of cells gives the same object."""
    planted = traded()
    expected = _plain(advise(planted.table(), {}, _between(52, 48)))

    for order in itertools.permutations(planted.cells):
        planted.cells = list(order)
        assert _plain(advise(planted.table(), {}, _between(52, 48))) == expected


def test_the_unit_changes_nothing() -> None:
    """Speeds per minute, times in milliseconds and memory in kibibytes give the same shares and sentences."""
    planted, other = traded(), traded()
    for cell in other.cells:
        speed = cell["throughput_samples_per_s"]
        cell["throughput_samples_per_s"] = speed | {key: speed[key] * 60 for key in ("mean", "low", "high")}
        cell["time_to_first_step_s"] *= 1000
        cell["time_to_first_step_warm_s"] *= 1000
        cell["peak_memory_bytes"] /= 1024

    first, second = (_plain(advise(one.table(), {})) for one in (planted, other))

    assert second["headlines"] == first["headlines"]
    shares = [[(one["adapter"], one["share"]) for one in found["ranking"]] for found in (first, second)]
    assert shares[0] == [(name, pytest.approx(share, abs=1e-3)) for name, share in shares[1]]


def test_a_row_twice_changes_nothing() -> None:
    """The same row entered twice, and a copy of one that loses under another name, leave pick and share as they are."""
    expected = advise(firm().table(), {})
    doubled, copied = firm(), firm()
    doubled.cells.append(copy.deepcopy(doubled.cells[0]) | {"key": "zz"})
    copied.row("delta", speed=90.0, warm=4.0)

    for planted in (doubled, copied):
        found = advise(planted.table(), {})
        assert found.pick == expected.pick
        assert found.case.trials.first["alpha"] == expected.case.trials.first["alpha"]


def test_a_copy_of_the_winner_is_named_beside_it() -> None:
    """A framework with the very figures of the winner: both are candidates, and the sentence says why."""
    planted = firm()
    planted.row("omega", speed=200.0, warm=1.0, cold=1.5, memory=2**28)

    found = advise(planted.table(), {})

    assert found.pick is None
    assert found.candidates == ("alpha", "omega")
    assert str(found.headlines[1]) == "It turns on nothing that was measured: Alpha and Omega have the same figures."


def _perturbed(table: dict[str, Any], source: random.Random) -> dict[str, Any]:
    changed = copy.deepcopy(table)
    for row in changed["rows"]:
        for value in row["values"]:
            if value is not None:
                value[0] += source.choice((-1, 1)) * math.log(1.01)
    return changed


def test_rows_that_were_timed_once_name_nobody() -> None:
    """Where the report ranks nothing, memory and waiting alone make no firm pick, and the answer says why."""
    planted = firm()
    report = planted.report()
    for comparison in report["comparisons"]:
        comparison["ranks"] = {}
    table = guidance_table(report, planted.facts, families={"net": "dense"}, lines={})

    found = advise(table, SPEED)

    assert advise(planted.table(), SPEED).pick == "alpha"
    assert found.pick is None
    assert "because fewer than two rows were timed in two or more blocks" in str(found.headlines[0])


def test_one_that_stands_alone_has_no_share() -> None:
    """With a single framework to weigh, a share of trials says nothing and is not said, in a denial nor in a hint."""
    planted = PlantedReport()
    planted.row("alpha")
    report = planted.report()
    report["comparisons"][0]["ranks"] = {}
    table = guidance_table(report, {}, families={"net": "dense"}, lines={})

    denied, hint = advise(table, SPEED).headlines[0], advise(table, {"purpose": ["infer"]}).headlines[0]

    assert str(denied).endswith("Only Alpha has figures to weigh here.")
    assert str(hint).startswith("No answer, only a hint.")
    assert "only Alpha has figures to weigh" in str(hint)
    assert "trials" not in f"{denied}{hint}"


@pytest.mark.parametrize("gap", [0.02, 0.04, 0.06, 0.08, 0.1, 0.5])
def test_one_per_cent_never_flips_a_firm_pick(gap: float) -> None:
    """What is named stays first in four of five trials when every value moves by one per cent, even all against it."""
    planted = PlantedReport()
    planted.row("alpha", speed=100.0 * (1 + gap), half=0.03)
    planted.row("beta", speed=100.0, half=0.03)
    planted.row("gamma", speed=99.0, half=0.03)
    table = planted.table()
    named = advise(table, SPEED)
    source = random.Random(gap)
    worst = copy.deepcopy(table)
    for row in worst["rows"]:
        for value, criterion in zip(row["values"], worst["criteria"], strict=True):
            if value is not None:
                value[0] += criterion["better"] * math.log(1.01) * (-1 if row["adapter"] == "alpha" else 1)

    others = [advise(one, SPEED) for one in (worst, *(_perturbed(table, source) for _ in range(20)))]

    assert {one.pick for one in others} - {None} <= {named.pick} - {None} or named.pick is None
    if named.pick is not None:
        assert min(one.case.trials.first["alpha"] for one in others) >= 0.8
    assert named.pick == ("alpha" if gap >= 0.06 else None)


@pytest.mark.parametrize("status", ["not_comparable", "invalid", "failed", "unsupported"])
def test_a_row_without_proof_is_never_named(status: str) -> None:
    """The fastest row is not weighed when it has no proof, whatever figures stand beside it, and the answer says so."""
    planted = firm()
    planted.row("cheat", speed=1e6, status=status, code="WRONG_RESULT", reason="gradient off")

    found = advise(planted.table(), {})

    assert found.pick == "alpha"
    assert "cheat:usual" in _texts(found)
    assert "cheat" in dict(found.left_out)
    why = {
        "not_comparable": "as not comparable (another model was computed)",
        "invalid": "as the measurement is not valid (WRONG_RESULT)",
    }.get(status)
    if why:
        assert f"Left out on net, {why}: cheat:usual." in str(found.headlines[2])


def test_only_rows_without_proof() -> None:
    """Where no row has a proof nothing is named."""
    planted = PlantedReport()
    planted.row("alpha", status="not_comparable", code="WRONG_RESULT")
    planted.row("beta", status="failed", code="CRASHED")

    found = advise(planted.table(), {})

    assert (found.pick, found.candidates) == (None, ())
    assert str(found.headlines[0]).startswith("What fits, by stated facts: Alpha and Beta. None of it has figures")
    assert "not comparable" in _texts(found)


def test_generated_data_are_said() -> None:
    """A pick from generated data says so among the first sentences."""
    planted = firm()
    for cell in planted.cells:
        cell["data"] = "synthetic"

    found = advise(planted.table(), {})

    assert found.pick == "alpha"
    assert "generated stand-in data" in str(found.headlines[2])


def test_real_data_outrank_generated() -> None:
    """Where the same was measured on real data, generated data are not used."""
    planted = firm()
    for cell in copy.deepcopy(planted.cells):
        planted.cells.append(cell | {"data": "synthetic", "key": cell["key"] + "s"})

    found = advise(planted.table(), {})

    assert [found.case.table["groups"][one.group]["data"] for one in found.case.played] == ["real"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NOISY", "the run ended noisy"),
        ("FALSE_WIN", "a row won against itself"),
        ("UNRESOLVED", "the noise is larger"),
    ],
)
def test_a_report_without_a_winner_gives_no_pick(code: str, words: str) -> None:
    """Where the run's own checks forbid to name a winner, guidance names none and says why."""
    planted = firm()
    planted.codes["net"] = code

    found = advise(planted.table(), {})

    assert found.pick is None
    assert str(found.headlines[0]).startswith(f"No framework is named, because {words}")


def test_a_single_process_is_not_weighed() -> None:
    """A row without an interval is not weighed and is named as such."""
    planted = firm()
    planted.row("once", speed=1e5, half=None)

    found = advise(planted.table(), {})

    assert found.pick == "alpha"
    assert "Timed in one process only on net, so without an interval and not weighed: once:usual." in _texts(found)


def test_what_was_not_measured_gives_a_hint_only() -> None:
    """Inference was asked for and training was measured: no pick, the answer says so and how to measure it."""
    found = advise(firm().table(), {"purpose": ["infer"], "priority": ["latency"]})

    assert found.pick is None
    assert str(found.headlines[0]).startswith("No answer, only a hint. Not measured in this run: inference.")
    assert "frameworkbench run --task infer" in str(found.headlines[2])


def test_latency_is_weighed_where_it_was_measured() -> None:
    """For single requests the row with the shorter latency is named, not the one with the higher throughput."""
    planted = PlantedReport()
    planted.row("alpha", task="infer", speed=200.0, latency=0.020)
    planted.row("beta", task="infer", speed=150.0, latency=0.005)

    found = advise(planted.table(), {"purpose": ["infer"], "priority": ["latency"], "batch": ["one"]})

    assert found.pick == "beta"


def test_filters_leave_out_by_facts() -> None:
    """A framework that cannot be deployed where it must is left out, with the fact and the answer as links."""
    planted = firm()
    planted.fact("alpha", deployment=("server",))
    planted.fact("beta", deployment=("server", "mobile"))
    planted.fact("gamma", deployment=("mobile",))

    found = advise(planted.table(), {"deployment": ["mobile"]})

    assert found.pick == "beta"
    name, sentence = found.left_out[0]
    assert name == "alpha"
    assert list(sentence.links) == [{"answer": "deployment"}, {"fact": ["alpha", "deployment"]}]
    assert "and you said “on a phone”" in str(sentence)


def test_a_fact_that_nobody_stated_is_said() -> None:
    """A framework whose fact is unknown stays in, and the answer says that it was not checked."""
    planted = firm()
    planted.fact("beta", deployment=("mobile",))
    planted.fact("gamma", deployment=("mobile",))

    found = advise(planted.table(), {"deployment": ["mobile"]})

    assert found.pick == "alpha"
    assert "Not stated, so not checked: deployment of Alpha." in str(found.headlines[2])


def test_what_nobody_stated_is_said_first() -> None:
    """An unchecked demand weighs more than stand-in data and missing figures: it leads the third sentence."""
    planted = PlantedReport()
    planted.row("alpha", speed=200.0, data="synthetic", memory=None)
    planted.row("beta", data="synthetic", memory=None)
    planted.fact("beta", deployment=("mobile",))

    beside = str(advise(planted.table(), {"deployment": ["mobile"]}).headlines[2])

    assert beside.startswith("Not stated, so not checked: deployment of Alpha. Measured on generated stand-in data")


def test_stale_and_retired_are_said() -> None:
    """A fact older than a year, and that the pick was given up by its makers, are said in the third sentence."""
    planted = firm()
    planted.fact("alpha", checked=DAY.replace(year=2025, month=11, day=1), maintenance="retired")

    found = advise(planted.table(), {})

    assert "Checked more than a year ago: maintenance of Alpha (2025-11-01)." in str(found.headlines[2])
    assert "Alpha is retired" in str(found.headlines[2])


def test_freshness_is_that_of_the_day_asked_for() -> None:
    """``today`` decides what is stale; without it the day of the run does."""
    planted = firm()
    planted.fact("alpha", maintenance="active")

    assert "more than a year" not in _texts(advise(planted.table(), {}))
    assert "more than a year" in _texts(advise(planted.table(today=DAY.replace(year=2028)), {}))


def test_only_modes_that_can_be_stepped_through() -> None:
    """Who debugs line by line gets eager rows only; a framework without one is left out."""
    planted = PlantedReport()
    planted.row("alpha", "fused", mode_class="compiled", speed=500.0)
    planted.row("beta", "fused", mode_class="compiled", speed=400.0)
    planted.row("beta", "plain", speed=100.0)

    found = advise(planted.table(), {"debugging": ["step"], **SPEED})

    assert str(found.headlines[0]).startswith("Take Beta in mode plain:")
    assert "Alpha has no mode here that runs operation by operation" in str(found.left_out[0][1])


def test_nothing_fits() -> None:
    """Where the answers leave nobody, the sentence names the answer without which the most would fit."""
    planted = firm()
    for name in ("alpha", "beta", "gamma"):
        planted.fact(name, deployment=("server",), maintenance="active")

    found = advise(planted.table(), {"deployment": ["browser"], "ecosystem": ["active"]})

    assert [str(one) for one in found.headlines] == [
        "No framework here fits all that you said.",
        "Without “in a browser”, Alpha, Beta and Gamma would fit.",
    ]


def test_a_worse_row_decides_nothing_by_the_weighted_sum() -> None:
    """Taking away a dominated row never changes the weighted sum's first place."""
    found = advise(traded().table(), {})

    assert [one for one in found.case.reversals if one.method == "weighted sum"] == []
    assert found.case.methods[0].keys() == {"weighted sum", "TOPSIS", "PROMETHEE II"}


@pytest.mark.parametrize(
    ("answers", "weights", "message"),
    [
        ({"colour": ["red"]}, {}, "unknown question 'colour'"),
        ({"family": ["huge"]}, {}, "--family: expected any, dense"),
        ({"family": ["dense", "attention"]}, {}, "--family: expected one answer; received dense, attention"),
        ({}, {"beauty": 1.0}, "--weight: unknown criterion 'beauty'; known: throughput"),
        ({}, {"memory": -1.0}, "--weight memory: expected a number from 0 up"),
        ({}, {"memory": float("nan")}, "--weight memory: expected a number from 0 up"),
    ],
)
def test_wrong_answers(answers: dict[str, list[str]], weights: dict[str, float], message: str) -> None:
    """A question, option, criterion or weight that cannot be is refused by name."""
    with pytest.raises(UsageError, match=message):
        advise(firm().table(), answers, weights)


def test_questions_are_few_and_every_one_counts() -> None:
    """At most twelve questions; each has an option that filters, selects or weighs, with known names only."""
    from frameworkbench.facts import VOCABULARY
    from frameworkbench.guidance.criteria import CRITERIA

    criteria = {one.key for one in CRITERIA}
    assert len(QUESTIONS) == 12
    for question in QUESTIONS:
        assert any(one.needs or one.modes or one.select or one.weights for one in question.options)
        for option in question.options:
            assert set(option.weights) <= criteria
            for need in option.needs:
                topic = VOCABULARY[need.fact]
                assert set(need.any) <= set(topic.allowed)


def test_presets_are_answers() -> None:
    """Each preset answers known questions with known options."""
    assert [preset.key for preset in PRESETS] == ["research", "server", "mobile", "course", "scale", "legacy"]
    for preset in PRESETS:
        assert set(read_answers(preset.answers)) == set(preset.answers)
