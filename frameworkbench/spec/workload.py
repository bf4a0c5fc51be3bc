"""A workload: one TOML file that fixes model, data, training and parity tolerances. No code.

Reading a workload touches no environment variable, device or network.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data.model import DATASETS, GENERATED, DataSpec
from ..errors import SpecError, UsageError
from .fields import Fields
from .model import Model, build_model, read_initializers
from .precision import Limits
from .training import Loss, Optimizer, read_loss, read_optimizer

SCHEMA = 1

# Options that must reach as far as the data's numbers.
_TABLES = (("embedding", "vocabulary"), ("pair_embedding", "users"), ("pair_embedding", "items"))


@dataclass(frozen=True, slots=True)
class ParityLimits:
    """Largest errors against the float64 reference at which a cell still counts as the same model.

    ``logits`` and ``gradient``: max|a−b| / max|reference|. ``optimizer`` and ``parameters``: relative L2 norm of
    the difference between *updates*. ``trajectory``: relative loss error allowed up to each step. ``parameters_steps``
    is the inclusive range from which the step of the parameter check is drawn.
    """

    logits: float
    gradient: float
    optimizer: float
    trajectory: Mapping[int, float]
    parameters: float
    parameters_steps: tuple[int, int]
    parameters_steps_quick: tuple[int, int]

    def loss_tolerance(self, step: int) -> float:
        """Allowed relative error of the loss at a step, counted from 1."""
        return self.trajectory[min(limit for limit in self.trajectory if limit >= step)]

    @property
    def trajectory_steps(self) -> int:
        """Number of steps whose losses are compared."""
        return max(self.trajectory)

    def at_least(self, limits: Limits) -> ParityLimits:
        """The same checks at the same steps with the limits of a narrower precision where those are wider."""
        return replace(
            self,
            logits=max(self.logits, limits.logits),
            gradient=max(self.gradient, limits.gradient),
            optimizer=max(self.optimizer, limits.optimizer),
            trajectory={step: max(limit, limits.trajectory) for step, limit in self.trajectory.items()},
            parameters=max(self.parameters, limits.parameters),
        )


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be done, in full; ``sha256`` identifies the file it was read from.

    ``by_name`` workloads answer one question; they are measured where somebody names them, and in no suite by default.
    """

    name: str
    title: str
    description: str
    data: DataSpec
    model: Model
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    epochs: int
    accuracy_target: float
    parity: ParityLimits
    sha256: str
    by_name: bool = False


def without_dropout(workload: Workload) -> Workload:
    """The same work with every dropout rate at zero: what the reference and the comparisons with it are made of."""
    return replace(workload, model=workload.model.without_dropout()) if workload.model.dropout else workload


def load_workload(path: Path) -> Workload:
    """Read one workload file.

    Raises:
        SpecError: the file cannot be read, or a key is missing, unknown, of the wrong type or out of range.
    """
    from ..written_files import parse_toml, read_content  # Python 3.11; workers (3.10) receive JSON instead

    content = read_content(path)
    return read_workload(parse_toml(content, path), str(path), hashlib.sha256(content).hexdigest())


def load_workloads(folder: Path, extra: Sequence[Path] = ()) -> dict[str, Workload]:
    """All workloads of a folder and the extra files, by name.

    Raises:
        SpecError: a file is wrong or two share a name.
    """
    found: dict[str, Workload] = {}
    for path in [*sorted(folder.glob("*.toml")), *extra]:
        workload = load_workload(path)
        if workload.name in found:
            raise SpecError(str(path), f"a second workload called {workload.name!r}", expected="distinct names")
        found[workload.name] = workload
    return found


def select_workloads(known: Mapping[str, Workload], names: Sequence[str]) -> list[Workload]:
    """The named workloads, or all but those that have to be named.

    Raises:
        UsageError: a name is unknown.
    """
    for name in names:
        if name not in known:
            raise UsageError(f"unknown workload {name!r}; known: {', '.join(known)} (a file path also works)")
    return [known[name] for name in names or (name for name in known if not known[name].by_name)]


def read_workload(table: Mapping[str, Any], where: str, sha256: str) -> Workload:
    """Check a parsed workload table.

    Raises:
        SpecError: names file, key, what was expected and what was received.
    """
    fields = Fields(table, where)
    fields.schema(SCHEMA)
    data = _read_data(fields.table("data"))
    model = _read_model(fields, data, where)
    training = fields.table("training")
    workload = Workload(
        name=_read_name(fields, where),
        title=fields.required("title", str),
        description=fields.optional("description", str, ""),
        data=data,
        model=model,
        loss=_read_loss(training, model, data, where),
        optimizer=read_optimizer(training.table("optimizer")),
        batch_size=training.positive("batch_size"),
        epochs=training.positive("epochs"),
        accuracy_target=training.required("accuracy_target", float),
        parity=_read_parity(fields.table("parity")),
        sha256=sha256,
        by_name=fields.optional("by_name", bool, False),
    )
    training.done()
    fields.done()
    return workload


def _read_loss(training: Fields, model: Model, data: DataSpec, where: str) -> Loss:
    """The loss, which must fit what the model gives out: one number, or a logit for each class."""
    loss = read_loss(training, "loss")
    wrong = model.classes != 1 if loss.single_output else model.classes < data.classes
    if wrong:
        expected = "1 output" if loss.single_output else f"at least {data.classes} logits, one for each class"
        raise SpecError(f"{where}: layers", f"do not fit {loss.kind}", expected=expected, received=model.classes)
    if loss.kind in ("binary_cross_entropy", "focal") and data.classes != 2:
        raise SpecError(f"{where}: training: loss", "needs two classes", expected=loss.kind, received=data.classes)
    return loss


def _read_name(fields: Fields, where: str) -> str:
    name = fields.required("name", str)
    if not name.replace("-", "").isalnum() or name != name.lower():
        raise SpecError(f"{where}: name", "not usable", expected="lower-case letters, digits, -", received=name)
    return name


def _read_model(fields: Fields, data: DataSpec, where: str) -> Model:
    shape, kind = _sample_shape(data)
    initializers = read_initializers(fields.table("initializers"))
    model = build_model(shape, kind, fields.raw("layers"), initializers, where)
    for layer in model.layers:
        for kind, key in _TABLES:
            if layer.kind == kind and layer.options[key] < getattr(data, key):
                raise SpecError(
                    f"{where}: {layer.name}: {key}",
                    "smaller than the data's",
                    expected=f"at least {getattr(data, key)}",
                    received=layer.options[key],
                )
    return model


def _sample_shape(data: DataSpec) -> tuple[tuple[int, ...], str]:
    if data.dataset == "imdb":
        return (data.length,), "tokens"
    if data.is_ratings:
        return (2,), "tokens"
    shape = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}[data.dataset]
    return ((math.prod(shape),) if data.flatten else shape), "floats"


def _read_data(fields: Fields) -> DataSpec:
    spec = DataSpec(
        dataset=fields.choice("dataset", (*DATASETS, *GENERATED)),
        vocabulary=fields.optional("vocabulary", int, 0),
        length=fields.optional("length", int, 0),
        padding=fields.choice("padding", ("front", "back"), "front"),
        scale=fields.optional("scale", float, 1.0),
        mean=tuple(float(value) for value in fields.raw("mean", [])),
        std=tuple(float(value) for value in fields.raw("std", [])),
        flatten=fields.optional("flatten", bool, False),
        users=fields.optional("users", int, 0),
        items=fields.optional("items", int, 0),
    )
    fields.done()
    return spec


def _read_parity(fields: Fields) -> ParityLimits:
    limits = ParityLimits(
        logits=fields.required("logits", float),
        gradient=fields.required("gradient", float),
        optimizer=fields.required("optimizer", float),
        trajectory=_trajectory(fields.table("trajectory")),
        parameters=fields.required("parameters", float),
        parameters_steps=_range(fields, "parameters_steps"),
        parameters_steps_quick=_range(fields, "parameters_steps_quick"),
    )
    fields.done()
    return limits


def _trajectory(fields: Fields) -> dict[int, float]:
    limits: dict[int, float] = {}
    for step, value in fields.items():
        if not step.isdigit() or int(step) < 1 or not isinstance(value, float):
            raise SpecError(f"{fields.where}: {step}", "not a limit", expected='"step" = tolerance', received=value)
        limits[int(step)] = value
    if not limits:
        raise SpecError(fields.where, "empty", expected="step = tolerance pairs")
    return limits


def _range(fields: Fields, key: str) -> tuple[int, int]:
    value = fields.required(key, list)
    good = len(value) == 2 and all(isinstance(step, int) for step in value) and 2 <= value[0] <= value[1]
    if not good:
        raise SpecError(f"{fields.where}: {key}", "not a range", expected="[first, last], first ≥ 2", received=value)
    return (value[0], value[1])
