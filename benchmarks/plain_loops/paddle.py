"""Paddle's documented loop: ``for batch_id, data in enumerate(train_loader())``, reading ``loss.numpy()`` at times.

Source:
    Loop: PaddlePaddle/docs, docs/guides/beginner/train_eval_predict_cn.ipynb (section on the basic API).
    Waiting: https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/device/synchronize_en.html on a card;
    there is no such call for the CPU, where reading the loss waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import paddle


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    loss = None
    started = time.perf_counter()
    for batch in batches:
        loss = step(batch)
    if paddle.device.get_device() != "cpu":
        paddle.device.synchronize()
    elif loss is not None:
        loss.numpy()
    return time.perf_counter() - started
