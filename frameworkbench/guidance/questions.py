"""The twelve questions that people who choose a framework face, as data.

Each answer is a filter on stated facts, a choice of execution modes, a choice among the measured conditions, a weight
on a criterion, or several of these. Nothing else decides, so a page can show the whole of what an answer does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import UsageError
from ..phrase import marked

Answers = dict[str, list[str]]
"""Options chosen, by question."""


@dataclass(frozen=True, slots=True)
class Need:
    """A filter: the fact must state one of these values; with none given it must be stated at all."""

    fact: str
    any: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One answer.

    Attributes:
        key: its name on the command line and in links.
        text: the answer in words, after "Because you said".
        needs: facts that a framework must have; all of them.
        modes: classes of execution modes that are left in; all where empty.
        select: by axis of a comparison the values that count as measured for this answer.
        weights: by criterion what is added to its weight.
    """

    key: str
    text: str
    needs: tuple[Need, ...] = ()
    modes: tuple[str, ...] = ()
    select: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "key": self.key,
            "text": self.text,
            "needs": [{"fact": need.fact, "any": list(need.any)} for need in self.needs],
            "modes": list(self.modes),
            "select": {axis: list(values) for axis, values in self.select.items()},
            "weights": dict(self.weights),
        }


@dataclass(frozen=True, slots=True)
class Question:
    """One question; ``many`` says whether several answers may be given at once."""

    key: str
    text: str
    options: tuple[Option, ...]
    many: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        options = [option.to_json() for option in self.options]
        return {"key": self.key, "text": self.text, "many": self.many, "options": options}


def _deployment(key: str, text: str) -> Option:
    return Option(key, text, needs=(Need("deployment", (key,)),))


def _format(key: str, text: str) -> Option:
    return Option(key, text, needs=(Need("export_formats", (key,)),))


def _card(key: str, text: str, device: str) -> Option:
    return Option(key, text, needs=(Need("accelerators", (key,)),), select={"device": (device,)})


_ACTIVE = Need("maintenance", ("active",))
_PUBLISHED = (Need("pretrained_hubs"), _ACTIVE)
_SHARDED = ("sharded", "tensor-parallel", "pipeline-parallel")

QUESTIONS: tuple[Question, ...] = (
    Question(
        "family",
        marked("What kind of model is it?"),
        (
            Option("any", marked("several kinds, or not decided yet")),
            Option("dense", marked("a small dense network"), select={"family": ("dense",)}),
            Option("convolution", marked("a convolutional network, for images"), select={"family": ("convolution",)}),
            Option("recurrent", marked("a recurrent network, for text or series"), select={"family": ("recurrent",)}),
            Option("attention", marked("a transformer"), select={"family": ("attention",)}),
        ),
    ),
    Question(
        "purpose",
        marked("What will you do most: train, or use a trained model?"),
        (
            Option("train", marked("train models of my own"), select={"task": ("train",)}),
            Option(
                "finetune",
                marked("train published models further"),
                needs=(Need("pretrained_hubs"),),
                select={"task": ("train",)},
            ),
            Option("infer", marked("use trained models (inference)"), select={"task": ("infer",)}),
        ),
    ),
    Question(
        "priority",
        marked("What matters most?"),
        (
            Option(
                "balance",
                marked("a bit of everything"),
                weights={"throughput": 4, "first_step_warm": 1, "first_step_cold": 1, "memory": 2},
            ),
            Option(
                "speed",
                marked("speed in long runs"),
                weights={"throughput": 8, "first_step_warm": 1, "memory": 1},
            ),
            Option(
                "latency",
                marked("short answers to single requests"),
                weights={"latency": 6, "throughput": 2, "memory": 1},
            ),
            Option(
                "wait",
                marked("short waits while I try things out"),
                weights={"throughput": 4, "first_step_warm": 4, "first_step_cold": 1, "memory": 1},
            ),
            Option(
                "memory",
                marked("little memory"),
                weights={"memory": 6, "throughput": 3, "first_step_warm": 1},
            ),
            Option(
                "ease",
                marked("little code"),
                weights={"lines": 5, "throughput": 2, "first_step_warm": 2, "memory": 1},
            ),
        ),
    ),
    Question(
        "batch",
        marked("How do the batches look?"),
        (
            Option("fixed", marked("many samples at once, always in the same shape")),
            Option("one", marked("one sample at a time"), weights={"latency": 4}),
            Option("large", marked("as many samples at once as memory allows"), weights={"memory": 3}),
            Option("varying", marked("shapes that change often"), weights={"first_step_cold": 3}),
        ),
    ),
    Question(
        "hardware",
        marked("Which hardware must it run on, now and within a year?"),
        (
            Option("cpu", marked("CPU"), select={"device": ("cpu",)}),
            _card("nvidia", marked("NVIDIA GPU"), "cuda"),
            _card("amd", marked("AMD GPU"), "amd"),
            _card("apple", marked("Apple GPU"), "apple"),
            _card("intel", marked("Intel GPU"), "intel"),
            _card("google-tpu", marked("Google TPU"), "google-tpu"),
            _card("ascend", marked("Huawei Ascend"), "ascend"),
        ),
        many=True,
    ),
    Question(
        "deployment",
        marked("Where must the finished model run?"),
        (
            _deployment("server", marked("on a server")),
            _deployment("mobile", marked("on a phone")),
            _deployment("browser", marked("in a browser")),
            _deployment("edge", marked("on a small board (edge)")),
            _deployment("cpp", marked("in a C++ program without Python")),
        ),
        many=True,
    ),
    Question(
        "export",
        marked("Which file format must the model be exported to?"),
        (
            _format("onnx", marked("ONNX")),
            _format("saved-model", marked("SavedModel")),
            _format("stablehlo", marked("StableHLO")),
            _format("executorch", marked("ExecuTorch")),
            _format("litert", marked("LiteRT")),
            _format("openvino", marked("OpenVINO")),
        ),
        many=True,
    ),
    Question(
        "team",
        marked("How does the team like to write models?"),
        (
            Option("any", marked("any style")),
            Option(
                "layers",
                marked("by stacking ready-made layers"),
                needs=(Need("building_styles", ("sequential",)),),
                weights={"lines": 1},
            ),
            Option("classes", marked("as Python classes"), needs=(Need("building_styles", ("subclassing",)),)),
            Option("functions", marked("as functions of arrays"), needs=(Need("building_styles", ("functional",)),)),
        ),
    ),
    Question(
        "debugging",
        marked("Debugging or compiled speed?"),
        (
            Option("step", marked("I stop at any line and look at values, always"), modes=("eager",)),
            Option(
                "both",
                marked("I look at values while developing and compile later"),
                needs=(Need("graph_styles", ("dynamic",)),),
            ),
            Option("speed", marked("compiled speed counts more"), weights={"throughput": 2}),
        ),
    ),
    Question(
        "scale",
        marked("On how many devices at once?"),
        (
            Option("one", marked("one device")),
            Option(
                "devices",
                marked("several devices with a copy of the model each"),
                needs=(Need("distributed", ("data-parallel", *_SHARDED)),),
                weights={"throughput": 1},
            ),
            Option(
                "split",
                marked("many devices with the model split over them"),
                needs=(Need("distributed", _SHARDED),),
                weights={"throughput": 1, "memory": 1},
            ),
        ),
    ),
    Question(
        "precision",
        marked("In which precision?"),
        (
            Option("float32", marked("ordinary float32"), select={"precision": ("float32",)}),
            Option("reduced", marked("reduced (TF32, bfloat16)"), select={"precision": ("tf32", "bfloat16")}),
        ),
    ),
    Question(
        "ecosystem",
        marked("Does it need published models and a living community?"),
        (
            Option("published", marked("published models and active development"), needs=_PUBLISHED),
            Option("active", marked("active development"), needs=(_ACTIVE,)),
            Option("maintained", marked("fixes are enough"), needs=(Need("maintenance", ("active", "maintenance")),)),
            Option("any", marked("not even that: the code exists")),
        ),
    ),
)


def questions_json() -> list[dict[str, Any]]:
    """All questions with what each answer does, as plain data; texts are English keys of the message catalogue."""
    return [question.to_json() for question in QUESTIONS]


def read_answers(given: Mapping[str, Sequence[str]]) -> Answers:
    """Checked answers in the order of the questions and of their options, without those that are empty.

    Raises:
        UsageError: an unknown question or option, or several answers where one is expected.
    """
    known = {question.key: question for question in QUESTIONS}
    for key in given:
        if key not in known:
            raise UsageError(f"unknown question {key!r}; known: {', '.join(known)}")
    found: Answers = {}
    for key, question in known.items():
        chosen = list(given.get(key, ()))
        options = [option.key for option in question.options]
        for one in chosen:
            if one not in options:
                raise UsageError(f"--{key}: expected {one_of(options)}; received {one!r}")
        if len(set(chosen)) > 1 and not question.many:
            raise UsageError(f"--{key}: expected one answer; received {', '.join(chosen)}")
        if chosen:
            found[key] = [option for option in options if option in chosen]
    return found


def one_of(names: Iterable[str]) -> str:
    """Names for a message: "a, b or c"."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
