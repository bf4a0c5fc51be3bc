"""Every sentence that guidance can say, as a template; the page's script takes them from the table, not its own."""

from __future__ import annotations

from collections.abc import Mapping

from ..phrase import marked

TEXTS: Mapping[str, str] = {
    # The answer.
    "firm": marked(
        "Take {title} in mode {modes}. It came first in {share} of {trials} trials, in which the measured values moved "
        "within their intervals and the weights around yours."
    ),
    "only": marked("Take {title} in mode {modes}: of what was measured here, nothing else fits what you said."),
    "open": marked(
        "No single answer among {names}. In {trials} trials, in which the measured values moved within their intervals "
        "and the weights around yours, {shares}; to be named, one must come first in {firm}."
    ),
    "denied": marked("No framework is named, because {reason}. In {trials} trials, {shares}."),
    "hint": marked(
        "No answer, only a hint. Not measured in this run: {wanted}. In what was measured ({used}), {shares} of "
        "{trials} trials."
    ),
    # With one framework to weigh, shares of trials would say nothing.
    "denied_only": marked("No framework is named, because {reason}. Only {title} has figures to weigh here."),
    "hint_only": marked(
        "No answer, only a hint. Not measured in this run: {wanted}. In what was measured ({used}), only {title} has "
        "figures to weigh."
    ),
    "facts": marked(
        "What fits, by stated facts: {names}. Nothing that bears on it was measured, so none is put first."
    ),
    "none": marked("No framework here fits all that you said."),
    "unweighed": marked(
        "What fits, by stated facts: {names}. None of it has figures to weigh in this run, so none is put first."
    ),
    "share": marked("{title} came first in {share}"),
    "share_more": marked("{title} in {share}"),
    # What it rests on, or turns on.
    "why": marked("Because measured: {row} has {items} of {other}."),
    "why_many": marked("Because measured, over {count} workloads (mean and range): {title} has {items} of {other}."),
    "but": marked("{good}, but {bad}"),
    "within": marked("{comparison} ({low}–{high})"),
    "turn_family": marked("It turns on the kind of model: {parts}."),
    "turn_conditions": marked("It turns on the conditions: {parts}."),
    "turn_lean": marked("It differs between workloads, and nobody is first everywhere: {parts}."),
    "turn_part": marked("{title} for {models}"),
    "turn_weight": marked(
        "It turns on how much the {criterion} counts (“{question}”): with {now} of the weight, as now, {first} leads; "
        "with {then}, {second} would."
    ),
    "turn_noise": marked(
        "It turns on the measurement: the {criterion} of {first} and {second} is too uncertain. More blocks help: "
        "frameworkbench run --more auto."
    ),
    "turn_noise_by": marked(
        "It turns on the measurement: {first} has {comparison} of {second}, which is too uncertain. More blocks help: "
        "frameworkbench run --more auto."
    ),
    "turn_equal": marked("It turns on nothing that was measured: {first} and {second} have the same figures."),
    "flip": marked(
        "It would change if the {criterion} had {then} of the weight instead of {now}: then {second} would come first."
    ),
    "measure": marked("To know, measure it where it will run: {command}"),
    "without": marked("Without “{answer}”, {names} would fit."),
    # Because you said.
    "said": marked("Because you said {answers}, {kept} of {count} frameworks remain; left out: {names}."),
    "said_all": marked("Because you said {answers}, all {count} frameworks remain."),
    "said_nothing": marked("Nothing you said leaves a framework out: all {count} remain."),
    "quoted": marked("“{answer}”"),
    "because": marked("Because you said “{answer}”: {effects}."),
    "effect_out": marked("{names} left out"),
    "effect_all": marked("no framework left out"),
    "effect_weight": marked("more weight on {criteria}"),
    "effect_modes": marked("only modes that run operation by operation"),
    "effect_select": marked("{count} of {all} comparisons used"),
    "effect_unmeasured": marked("not measured in this run"),
    "weights": marked("Your answers give these weights: {weights}."),
    "weight": marked("{criterion} {share}"),
    # Who is left out.
    "out_fact": marked("{title}: {fact} is {value} (checked {checked}), and you said “{answer}”."),
    "out_modes": marked("{title} has no mode here that runs operation by operation, and you said “{answer}”."),
    "out_unmeasured": marked("{title} was not measured under these conditions."),
    "out_status": marked("{title} has no row with a proof and figures here."),
    # What a reader must know beside it.
    "synthetic": marked("Measured on generated stand-in data, fit to compare speed but not accuracy: {workloads}."),
    "partly": marked("Not measured in this run: {wanted}."),
    "code": marked("On {workloads} the report names no winner: {reason}."),
    "NOISY": marked("the run ended noisy"),
    "FALSE_WIN": marked("a row won against itself"),
    "UNRESOLVED": marked("the noise is larger than the difference that counts"),
    "NOT_RANKED": marked("only equalised settings are ranked"),
    "NO_DELTA": marked("no difference was fixed beforehand that counts"),
    "UNTIMED": marked("fewer than two rows were timed in two or more blocks"),
    "unnamed": marked("the run did not pass its own checks"),
    "not_comparable": marked("Left out on {workload}, as not comparable (another model was computed): {row}."),
    "invalid": marked("Left out on {workload}, as the measurement is not valid ({code}): {row}."),
    "not_ok": marked("No figure on {workload} ({status}, {code}): {row}."),
    "single": marked("Timed in one process only on {workload}, so without an interval and not weighed: {row}."),
    "incomplete": marked("Not weighed on {workload}, because {criterion} was not measured: {row}."),
    "dropped": marked("Not measured, so not weighed: {criteria}."),
    "unknown": marked("Not stated, so not checked: {fact} of {names}."),
    "stale": marked("Checked more than a year ago: {fact} of {title} ({checked})."),
    "state": marked("{title} is in maintenance state “{state}” (checked {checked})."),
    "retired": marked(
        "{title} is retired (checked {checked}) but still runs: {proved} of {count} rows proved here, with {ratio} the "
        "throughput of {first}."
    ),
    "retired_only": marked("{title} is retired (checked {checked}): nobody fixes it any more."),
    "convergence": marked("The accuracy of {row} on {workload} ended outside what the reference reaches."),
    "modes": marked(
        "Not the main mode of its framework: {rows}. The report ranks main modes only; here each is weighed by its "
        "own interval."
    ),
    "fits_unmeasured": marked("By stated facts these would fit too, but they were not measured here: {names}."),
    "by_facts": marked("Not measured, from stated facts only: {topics}."),
    "method": marked("{method} would put {title} first on {workload}."),
    "reversal": marked("Without {removed}, which is worse anyway, {method} would put {title} first on {workload}."),
    "assumed": marked(
        "Times to the first step and peak memory are recorded without intervals; they are taken to deviate by {start} "
        "and {memory} from process to process."
    ),
    "unverified": marked("All figures come from one run on one machine that nobody has repeated (unverified)."),
    # Words for conditions.
    "train": marked("training"),
    "infer": marked("inference"),
    "cpu": marked("the CPU"),
    "cuda": marked("an NVIDIA GPU"),
    "amd": marked("an AMD GPU"),
    "apple": marked("an Apple GPU"),
    "intel": marked("an Intel GPU"),
    "google-tpu": marked("a Google TPU"),
    "ascend": marked("a Huawei Ascend"),
    "float32": marked("float32"),
    "tf32": marked("TF32"),
    "bfloat16": marked("bfloat16"),
    "dense": marked("a small dense network"),
    "convolution": marked("a convolutional network"),
    "recurrent": marked("a recurrent network"),
    "attention": marked("a transformer"),
    "other": marked("another model"),
    # Lists that phrase.py does not join.
    "sentences": marked("{first} {rest}"),
    "either": marked("{names} or {last}"),
}
