"""PyTorch: ``torch.nn`` layers in the ordinary training loop, eager or under ``torch.compile``.

PyTorch's layouts are the canonical ones, so loading and exporting copy through views of the parameters. Losses and
optimizers are below, layers in ``layers.py``. The rate of a schedule is set on the optimizer before each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .layers import RunningVariances, canonical, modules

# Each is set and read by itself: the top-level switch did not reach all of them (pytorch/pytorch#179445),
# and convolutions and RNNs on cuDNN default to TF32.
_FP32_BACKENDS = {
    f"{library}.{kind}": getattr(getattr(torch.backends, library), kind)
    for library, kinds in {"cuda": ["matmul"], "cudnn": ["conv", "rnn"], "mkldnn": ["matmul", "conv", "rnn"]}.items()
    for kind in kinds
}


class PyTorchAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._device = torch.device(settings.device)
        if settings.equalised:
            torch.set_num_threads(int(settings.options.get("threads", settings.threads)))
            if torch.get_num_interop_threads() != 1:  # may be set once only per process
                torch.set_num_interop_threads(1)
            for name, backend in _FP32_BACKENDS.items():
                backend.fp32_precision = "tf32" if settings.precision == "tf32" and name[:6] != "mkldnn" else "ieee"
        torch._dynamo.config.suppress_errors = False

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        self._tokens = model.input_kind == "tokens"
        self._classes = torch.float32 if loss.single_output else torch.int64  # type of the labels
        self._scale = loss.scale
        network = nn.Sequential(*modules(model.layers))
        mixed = self.settings.precision == "bfloat16"
        self._objective = _Objective(_MixedNetwork(*network) if mixed else network, loss).to(self._device)
        self._logits: Tensor | None = None
        self._tensors = canonical(model.layers, self._objective.network)
        self._variances = RunningVariances(model.layers, self._objective.network)
        # Inference differs from training: only an evaluation shows it.
        self._differs = bool({"batch_norm", "dropout"} & model.kinds)
        self._trained = [p for p in self._objective.parameters() if p.requires_grad]
        self._rule = optimizer
        self.load(weights)
        eager = self.settings.mode == "eager"
        if not eager:  # Dynamo counts the graphs of a function for the whole process; another model is no recompile
            torch.compiler.reset()
            counters.clear()
        self._run = self._objective if eager else self._compile("_run", self._objective)
        self._forward = self._objective.network if eager else self._compile("_forward", self._objective.network)

    def load(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))
        self._variances.restart()
        self._optimizer = _optimizer(self._rule, self._trained, self.settings.options.get("fused_optimizer"))
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[tuple[Tensor, Tensor]]:
        return [(self._inputs(x), torch.tensor(y, dtype=self._classes, device=self._device)) for x, y in batches]

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        if not self._objective.training:
            self._objective.train()
        self._optimizer.zero_grad(set_to_none=True)
        loss, self._logits = self._run(*batch)
        if self._scale != 1.0:  # outside the compiled graph: the probes run the very graph that is timed
            loss = loss * self._scale
        loss.backward()
        if self._rule.options:
            self._prepare_update()
        if self._differs:
            self._variances.count(len(batch[1]))
        self._optimizer.step()
        return loss.detach()

    def loss(self, handle: Tensor) -> float:
        return float(handle)

    def drain(self) -> None:
        if self._device.type == "cuda":  # CPU operators have finished when they return
            torch.cuda.synchronize(self._device)

    def infer(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        if self._objective.training:
            self._objective.eval()
            self._variances.settle()
        with torch.inference_mode():
            return self._forward(batch[0])

    def fetch(self, handle: Tensor) -> Array:
        return np.array(handle.detach().float().cpu())

    def predict(self, inputs: Array) -> Array:
        if self.settings.mode == "eager" or self._differs:
            return super().predict(inputs)
        # Compiled graphs are specialised on grad and training mode: this shows the one that trains.
        self._objective.train()
        labels = torch.zeros(len(inputs), dtype=self._classes, device=self._device)
        return self.fetch(self._run(self._inputs(inputs), labels)[1])

    def export(self) -> dict[str, Array]:
        self._variances.settle()
        return {name: np.array(tensor.cpu()) for name, tensor in self._tensors.items()}

    def effective(self) -> dict[str, Any]:
        fp32 = {name: str(backend.fp32_precision) for name, backend in _FP32_BACKENDS.items()}
        parameter, optimizer = next(self._objective.parameters()), self._optimizer.param_groups[0]
        facts = {
            "version": torch.__version__,
            "mode": self.settings.mode,
            "device": parameter.device.type,
            "precision": _precision(parameter, self._logits, fp32 if self.settings.equalised else {}),
            "threads": torch.get_num_threads(),
            "interop_threads": torch.get_num_interop_threads(),
            "fp32_precision": fp32,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "parallel": torch.__config__.parallel_info(),
            "optimizer": f"torch.optim, not compiled; foreach {parameter.is_cuda}, fused {optimizer.get('fused')}",
        }
        if self.settings.mode == "compile":
            graphs = counters["stats"]["unique_graphs"]
            facts |= {"compile": "inductor, one static full graph with the loss", "compiled_graphs": graphs}
        return facts

    def compilations(self) -> int | None:
        return counters["stats"]["unique_graphs"] if self.settings.mode == "compile" else None

    def end_helpers(self) -> None:
        if self.settings.mode == "compile":
            from torch._inductor.async_compile import shutdown_compile_workers

            shutdown_compile_workers()  # for Triton's kernels it starts a process per core, which go on starting

    def device_memory(self) -> dict[str, Any] | None:
        if self._device.type != "cuda":
            return None
        live, peak = torch.cuda.memory_allocated(self._device), torch.cuda.max_memory_allocated(self._device)
        return {"source": "torch.cuda.max_memory_allocated", "live_bytes": live, "peak_bytes": peak}

    def _inputs(self, inputs: Array) -> Tensor:
        dtype = torch.int64 if self._tokens else torch.float32
        return torch.tensor(inputs, dtype=dtype, device=self._device)  # always a copy

    def _prepare_update(self) -> None:
        """What comes between gradients and update where it is asked for: clipping, the L1 penalty, the step's rate."""
        self._steps += 1
        if self._rule.clip_norm:
            nn.utils.clip_grad_norm_(self._trained, self._rule.clip_norm)
        if self._rule.l1:
            torch._foreach_add_(
                [p.grad for p in self._trained], torch._foreach_sign(self._trained), alpha=self._rule.l1
            )
        if self._rule.scheduled:
            self._optimizer.param_groups[0]["lr"] = self._rule.rate(self._steps)

    def _compile(self, attribute: str, module: nn.Module) -> Callable[..., Any]:
        """A first call that compiles, makes sure that the whole graph was compiled, and steps aside."""
        compiled = torch.compile(module, fullgraph=True, dynamic=False)

        def first_call(*batch: Tensor) -> Any:
            try:
                result = compiled(*batch)
            except torch._dynamo.exc.Unsupported as refusal:
                raise _unsupported("MODE_FALLBACK", str(refusal)) from refusal
            except RuntimeError as problem:
                if "compiler" not in str(problem).lower():
                    raise
                raise _unsupported("NO_COMPILER", str(problem)) from problem
            breaks = [*counters["unimplemented"], *counters["graph_break"]]
            if breaks or not counters["stats"]["unique_graphs"]:
                raise _unsupported("MODE_FALLBACK", breaks[0] if breaks else "nothing was compiled")
            setattr(self, attribute, compiled)
            return result

        return first_call


class _Objective(nn.Module):
    """Network and loss in one graph. Under autocast parameters, gradients and the loss stay float32."""

    def __init__(self, network: nn.Sequential, loss: Loss) -> None:
        super().__init__()
        self.network, self._loss = network, _loss(loss)

    def forward(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(inputs)
        return self._loss(logits.float(), labels), logits.detach()


class _MixedNetwork(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return super().forward(x)


def _loss(spec: Loss) -> Callable[[Tensor, Tensor], Tensor]:
    functional = nn.functional
    if spec.kind == "softmax_cross_entropy":
        return functional.cross_entropy
    if spec.kind == "binary_cross_entropy":
        return lambda z, y: functional.binary_cross_entropy_with_logits(z[:, 0], y)
    if spec.kind == "mean_squared_error":
        return lambda z, y: functional.mse_loss(z[:, 0], y)
    if spec.kind == "focal":

        def focal(z: Tensor, y: Tensor) -> Tensor:
            """As torchvision.ops.sigmoid_focal_loss writes it: PyTorch itself has no focal loss."""
            each = functional.binary_cross_entropy_with_logits(z[:, 0], y, reduction="none")
            p = torch.sigmoid(z[:, 0])
            missed = p * (1 - y) + (1 - p) * y
            return ((spec.alpha * y + (1 - spec.alpha) * (1 - y)) * missed**spec.gamma * each).mean()

        return focal
    raise UnsupportedError("UNSUPPORTED_LOSS", f"the PyTorch adapter has no loss {spec.kind!r}")


def _optimizer(spec: Optimizer, parameters: list[nn.Parameter], fused: bool | None) -> torch.optim.Optimizer:
    optim, rate, betas = torch.optim, spec.learning_rate, (spec.beta1, spec.beta2)
    if spec.kind in ("rmsprop", "adagrad") and spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"PyTorch adds the epsilon of {spec.kind} outside the root")
    if spec.kind in ("sgd", "nesterov"):
        nesterov = spec.kind == "nesterov"
        return optim.SGD(parameters, rate, spec.momentum, 0, spec.l2, nesterov, fused=fused)
    if spec.kind == "rmsprop":
        return optim.RMSprop(parameters, rate, spec.decay, spec.epsilon, spec.l2)
    if spec.kind == "adagrad":
        start = spec.initial_accumulator
        return optim.Adagrad(parameters, rate, 0, spec.l2, start, spec.epsilon)
    if spec.kind == "adam":
        return optim.Adam(parameters, rate, betas, spec.epsilon, spec.l2, fused=fused)
    if spec.kind == "adamw":
        return optim.AdamW(parameters, rate, betas, spec.epsilon, spec.weight_decay, fused=fused)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"the PyTorch adapter has no optimizer {spec.kind!r}")


def _precision(parameter: Tensor, logits: Tensor | None, fp32: dict[str, str]) -> str:
    """What the last step showed: the type of its logits, the parameters' type, and the switches for float32, if set."""
    stored = str(parameter.dtype).removeprefix("torch.")
    computed = stored if logits is None else str(logits.dtype).removeprefix("torch.")
    card = {value for name, value in fp32.items() if not name.startswith("mkldnn")}
    host = {value for name, value in fp32.items() if name.startswith("mkldnn")}
    if stored == "float32" and host <= {"ieee"} and card <= {"ieee"}:  # empty where nothing was switched
        return computed
    if stored == computed == "float32" and host == {"ieee"} and card == {"tf32"}:
        return "tf32"
    return f"{computed} on {stored} parameters with {fp32}"


def _unsupported(code: str, message: str) -> UnsupportedError:
    first_line = message.strip().split("\n", 1)[0]
    return UnsupportedError(code, f"torch.compile would not run this as one graph: {first_line}")


ADAPTER = PyTorchAdapter
