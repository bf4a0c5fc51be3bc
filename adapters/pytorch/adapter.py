"""PyTorch: ``torch.nn`` layers in the ordinary training loop, eager or under ``torch.compile``.

PyTorch's layouts are the canonical ones, so loading and exporting copy through views of the parameters.
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
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

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
        if loss.kind != "softmax_cross_entropy":
            raise UnsupportedError("UNSUPPORTED_LOSS", f"the PyTorch adapter has no loss {loss.kind!r}")
        self._tokens = model.input_kind == "tokens"
        self._scale = loss.scale
        mixed = self.settings.precision == "bfloat16"
        self._objective = (_MixedObjective if mixed else _Objective)(model.layers).to(self._device)
        self._logits: Tensor | None = None
        self._tensors = _canonical(model.layers, self._objective.network)
        trained = [p for p in self._objective.parameters() if p.requires_grad]
        self._optimizer = _optimizer(optimizer, trained, self.settings.options.get("fused_optimizer"))
        self.load(weights)
        eager = self.settings.mode == "eager"
        self._run = self._objective if eager else self._compile("_run", self._objective)
        self._forward = self._objective.network if eager else self._compile("_forward", self._objective.network)

    def load(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))
        self._optimizer.state.clear()

    def stage(self, batches: Sequence[Batch]) -> list[tuple[Tensor, Tensor]]:
        return [(self._inputs(inputs), torch.tensor(labels, device=self._device)) for inputs, labels in batches]

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        if not self._objective.training:
            self._objective.train()
        self._optimizer.zero_grad(set_to_none=True)
        loss, self._logits = self._run(*batch)
        if self._scale != 1.0:  # outside the compiled graph: the probes run the very graph that is timed
            loss = loss * self._scale
        loss.backward()
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
        with torch.inference_mode():
            return self._forward(batch[0])

    def fetch(self, handle: Tensor) -> Array:
        return np.array(handle.detach().float().cpu())

    def predict(self, inputs: Array) -> Array:
        if self.settings.mode == "eager":
            return super().predict(inputs)
        # Compiled graphs are specialised on grad and training mode: this shows the one that trains.
        self._objective.train()
        labels = torch.zeros(len(inputs), dtype=torch.int64, device=self._device)
        return self.fetch(self._run(self._inputs(inputs), labels)[1])

    def export(self) -> dict[str, Array]:
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
            "optimizer": f"torch.optim, not compiled; foreach {parameter.is_cuda}, fused {optimizer['fused']}",
        }
        if self.settings.mode == "compile":
            graphs = counters["stats"]["unique_graphs"]
            facts |= {"compile": "inductor, one static full graph with the loss", "compiled_graphs": graphs}
        return facts

    def compilations(self) -> int | None:
        return counters["stats"]["unique_graphs"] if self.settings.mode == "compile" else None

    def device_memory(self) -> dict[str, Any] | None:
        if self._device.type != "cuda":
            return None
        live, peak = torch.cuda.memory_allocated(self._device), torch.cuda.max_memory_allocated(self._device)
        return {"source": "torch.cuda.max_memory_allocated", "live_bytes": live, "peak_bytes": peak}

    def _inputs(self, inputs: Array) -> Tensor:
        dtype = torch.int64 if self._tokens else torch.float32
        return torch.tensor(inputs, dtype=dtype, device=self._device)  # always a copy

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
    """Network and loss in one graph."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.network = nn.Sequential(*_modules(layers))

    def forward(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(inputs)
        return nn.functional.cross_entropy(logits, labels), logits.detach()


class _MixedObjective(_Objective):
    """The same with the network under autocast; parameters, gradients and the loss stay float32."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__(layers)
        self.network = _MixedNetwork(*self.network)

    def forward(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(inputs)
        return nn.functional.cross_entropy(logits.float(), labels), logits.detach()


class _MixedNetwork(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return super().forward(x)


class _PositionEmbedding(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(layer.input_shape))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class _LastLSTMState(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.lstm = nn.LSTM(layer.input_shape[-1], layer.options["units"], batch_first=True)
        # Both biases would receive the gradient, so that their sum moved twice as fast.
        nn.init.zeros_(self.lstm.bias_hh_l0.requires_grad_(False))

    def forward(self, x: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(x)
        return hidden[-1]


class _SelfAttention(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        width = layer.input_shape[-1]
        self.attention = nn.MultiheadAttention(width, layer.options["heads"], batch_first=True)
        # The key bias stays zero: its gradient is rounding noise, which Adam would turn into full steps.
        bias = nn.init.zeros_(self.attention.in_proj_bias)
        bias.register_post_accumulate_grad_hook(_freeze_key_bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


def _freeze_key_bias(in_proj_bias: Tensor) -> None:
    in_proj_bias.grad.chunk(3)[1].zero_()


class _MeanPool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


class _Residual(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


_MODULES: dict[str, Callable[[Layer], nn.Module]] = {
    "dense": lambda layer: nn.Linear(layer.input_shape[-1], layer.options["units"]),
    "conv2d": lambda layer: nn.Conv2d(
        layer.input_shape[0], *(layer.options[key] for key in ("filters", "size", "stride", "padding"))
    ),
    "max_pool2d": lambda layer: nn.MaxPool2d(layer.options["size"], layer.options["stride"]),
    "flatten": lambda _: nn.Flatten(),
    "relu": lambda _: nn.ReLU(),
    "gelu": lambda _: nn.GELU(approximate="none"),
    "embedding": lambda layer: nn.Embedding(layer.options["vocabulary"], layer.options["width"]),
    "position_embedding": _PositionEmbedding,
    "lstm": _LastLSTMState,
    "layer_norm": lambda layer: nn.LayerNorm(layer.input_shape[-1], eps=layer.options["epsilon"]),
    "attention": _SelfAttention,
    "mean_pool": lambda _: _MeanPool(),
    "residual": lambda layer: _Residual(*_modules(layer.layers)),
}


def _modules(layers: Sequence[Layer]) -> list[nn.Module]:
    for layer in layers:
        if layer.kind not in _MODULES:
            raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: the PyTorch adapter has no {layer.kind!r}")
    return [_MODULES[layer.kind](layer) for layer in layers]


def _canonical(layers: Sequence[Layer], network: nn.Sequential) -> dict[str, Tensor]:
    """Views that share memory with the parameters, under canonical names."""
    found: dict[str, Tensor] = {}
    for layer, module in zip(layers, network, strict=True):
        if layer.kind == "residual":
            found |= _canonical(layer.layers, module)
        else:
            found |= {layer.parameter(local): tensor.detach() for local, tensor in _views(layer.kind, module).items()}
    return found


def _views(kind: str, module: Any) -> dict[str, Tensor]:
    if kind == "lstm":
        lstm = module.lstm
        return {"kernel": lstm.weight_ih_l0, "recurrent": lstm.weight_hh_l0, "bias": lstm.bias_ih_l0}
    if kind == "attention":
        inner = module.attention
        views = dict(zip(("query_kernel", "key_kernel", "value_kernel"), inner.in_proj_weight.chunk(3), strict=True))
        views["query_bias"], _, views["value_bias"] = inner.in_proj_bias.chunk(3)
        return {**views, "output_kernel": inner.out_proj.weight, "output_bias": inner.out_proj.bias}
    tables = {"embedding": ("table",), "position_embedding": ("table",), "layer_norm": ("scale", "shift")}
    names = tables.get(kind, ("kernel", "bias"))
    return dict(zip(names, module.parameters(), strict=False))  # weight, then bias; none for activations


def _optimizer(spec: Optimizer, parameters: list[nn.Parameter], fused: bool | None) -> torch.optim.Optimizer:
    if spec.kind == "sgd":
        return torch.optim.SGD(parameters, lr=spec.learning_rate, momentum=spec.momentum, fused=fused)
    if spec.kind == "adam":
        return torch.optim.Adam(parameters, spec.learning_rate, (spec.beta1, spec.beta2), spec.epsilon, fused=fused)
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
