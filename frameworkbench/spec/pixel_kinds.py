"""The vocabulary's layers that work on one position or one image: dense, convolution, pooling, activations, norms.

Canonical layouts: dense kernels are ``[out, in]``, convolution kernels ``[out, in, height, width]`` on ``NCHW`` data.
"""

from __future__ import annotations

import math

from ..errors import SpecError
from .layer import (
    Entry,
    Kind,
    Layer,
    Options,
    Shape,
    check_rank,
    no_options,
    no_parameters,
    per_element,
    same_shape,
    share,
)

_IMAGE = "(channels, height, width)"


def _dense_output(where: str, shape: Shape, options: Options) -> Shape:
    if not shape:
        raise SpecError(where, "wrong input shape", expected="at least one axis per sample", received=shape)
    return (*shape[:-1], options["units"])


def _dense_parameters(shape: Shape, options: Options) -> list[Entry]:
    width, units = shape[-1], options["units"]
    kernel = ("kernel", (units, width), "kernel", width, units)
    return [kernel, ("bias", (units,), "bias", width, units)] if options["bias"] else [kernel]


def _dense_flops(layer: Layer) -> int:
    rows = math.prod(layer.output_shape[:-1])
    bias: bool = layer.options["bias"]
    return rows * layer.output_shape[-1] * (2 * layer.input_shape[-1] + bias)


def _conv_output(where: str, shape: Shape, options: Options) -> Shape:
    check_rank(where, shape, 3, _IMAGE)
    size, stride, padding = options["size"], options["stride"], options["padding"]
    sides = tuple((side + 2 * padding - size) // stride + 1 for side in shape[1:])
    if min(sides) < 1:
        raise SpecError(where, "kernel larger than its input", expected=f"size <= {shape[1:]}", received=size)
    return (options["filters"], *sides)


def _conv_parameters(shape: Shape, options: Options) -> list[Entry]:
    filters, size = options["filters"], options["size"]
    fan_in, fan_out = shape[0] * size * size, filters * size * size
    kernel = ("kernel", (filters, shape[0], size, size), "kernel", fan_in, fan_out)
    return [kernel, ("bias", (filters,), "bias", fan_in, fan_out)] if options["bias"] else [kernel]


def _conv_flops(layer: Layer) -> int:
    size: int = layer.options["size"]
    bias: bool = layer.options["bias"]
    return math.prod(layer.output_shape) * (2 * layer.input_shape[0] * size * size + bias)


def _pool_output(where: str, shape: Shape, options: Options) -> Shape:
    check_rank(where, shape, 3, _IMAGE)
    size, stride = options["size"], options["stride"]
    if min(shape[1:]) < size:
        raise SpecError(where, "pool larger than its input", expected=f"size <= {shape[1:]}", received=size)
    return (shape[0], *((side - size) // stride + 1 for side in shape[1:]))


def _pool_flops(layer: Layer) -> int:
    size: int = layer.options["size"]
    return math.prod(layer.output_shape) * size * size


def _global_output(where: str, shape: Shape, _options: Options) -> Shape:
    check_rank(where, shape, 3, _IMAGE)
    return shape[:1]


def _softmax_output(where: str, shape: Shape, _options: Options) -> Shape:
    if len(shape) not in (1, 2):
        raise SpecError(where, "wrong input shape", expected="a vector or a sequence per sample", received=shape)
    return shape


def _batch_norm_output(where: str, shape: Shape, _options: Options) -> Shape:
    if len(shape) not in (1, 3):
        raise SpecError(where, "wrong input shape", expected=f"a vector or {_IMAGE} per sample", received=shape)
    return shape


def _batch_norm_parameters(shape: Shape, _options: Options) -> list[Entry]:
    channels = shape[0]
    roles = {"scale": "scale", "shift": "bias", "mean": "running_mean", "variance": "running_variance"}
    return [(local, (channels,), role, channels, channels) for local, role in roles.items()]


_POOL = Kind(
    lambda f: {"size": f.positive("size"), "stride": f.positive("stride")}, _pool_output, no_parameters, _pool_flops
)

PIXEL_KINDS: dict[str, Kind] = {
    "dense": Kind(
        lambda f: {"units": f.positive("units"), "bias": f.optional("bias", bool, True)},
        _dense_output,
        _dense_parameters,
        _dense_flops,
    ),
    "conv2d": Kind(
        lambda f: {
            "filters": f.positive("filters"),
            "size": f.positive("size"),
            "stride": f.positive("stride", 1),
            "padding": f.not_negative("padding", 0),
            "bias": f.optional("bias", bool, True),
        },
        _conv_output,
        _conv_parameters,
        _conv_flops,
    ),
    "max_pool2d": _POOL,
    "avg_pool2d": _POOL,
    "global_avg_pool2d": Kind(no_options, _global_output, no_parameters, lambda layer: math.prod(layer.input_shape)),
    "flatten": Kind(no_options, lambda _w, s, _o: (math.prod(s),), no_parameters, lambda _: 0),
    "relu": Kind(no_options, same_shape, no_parameters, per_element(1)),
    "gelu": Kind(no_options, same_shape, no_parameters, per_element(8)),
    "gelu_tanh": Kind(no_options, same_shape, no_parameters, per_element(8)),
    "sigmoid": Kind(no_options, same_shape, no_parameters, per_element(4)),
    "tanh": Kind(no_options, same_shape, no_parameters, per_element(4)),
    "softmax": Kind(no_options, _softmax_output, no_parameters, per_element(4)),
    "layer_norm": Kind(
        lambda f: {"epsilon": f.required("epsilon", float)},
        same_shape,
        lambda s, _o: [("scale", (s[-1],), "scale", s[-1], s[-1]), ("shift", (s[-1],), "bias", s[-1], s[-1])],
        per_element(8),
    ),
    "batch_norm": Kind(
        lambda f: {"epsilon": f.required("epsilon", float), "momentum": share(f, "momentum")},
        _batch_norm_output,
        _batch_norm_parameters,
        per_element(8),
    ),
    "dropout": Kind(lambda f: {"rate": share(f, "rate")}, same_shape, no_parameters, per_element(2)),
}
