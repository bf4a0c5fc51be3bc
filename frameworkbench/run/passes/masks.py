"""Drives the proof of a framework's own dropout (``validity/dropout.py`` judges it)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...spec.model import Model
from ...spec.training import Loss
from ...validity import dropout
from ...validity.dropout import Seen
from ...validity.findings import Finding
from ..link import Link


def prove_dropout(link: Link, model: Model) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Read masks off ordinary steps of the probe model, once for each rate of the timed model.

    Args:
        link: a worker; afterwards its batches come from the probe's samples.
        model: the model that is timed.
    """
    inputs, labels = dropout.probe_data()
    link.open_data(inputs, labels, {"flatten": True})
    findings: list[Finding] = []
    figures: list[dict[str, Any]] = []
    for rate in dropout.rates(model):
        looks = [_look(link, rate)]
        if dropout.needs_another(rate, looks[0]):
            looks.append(_look(link, rate))
        found, figure = dropout.judge(rate, looks)
        findings += found
        figures.append(figure)
    return findings, figures


def _look(link: Link, rate: float) -> Seen:
    link.build(dropout.probe_weights(), Loss("softmax_cross_entropy"), dropout.PROBE, dropout.probe_model(rate))
    link.stage(np.tile(np.arange(dropout.SAMPLES), (dropout.STEPS, 1)))
    exports = [link.export()]
    for _ in range(dropout.STEPS):
        link.steps(1)
        exports.append(link.export())
    kernels, bias = dropout.masked_weights(exports)
    return Seen(kernels, bias, [link.predict(0), link.predict(0)])
