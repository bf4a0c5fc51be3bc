"""The capacity pass: the largest batch that trains within a memory cap, each try in a fresh process (method D3).

The cap holds for what the worker's process tree keeps resident: it is sampled from outside and the worker is ended
above it, and its own peak counter is read at the end, so that a spike between samples counts too. Address space is
limited as well where the caller asked for it, as for every worker; frameworks reserve much more than they touch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import WorkerError
from ...reference import initial_weights
from .. import codes
from ..link import Setting, open_link
from ..search import RESOLUTION, Found, search
from ..tree_memory import TreeSampler
from .outcome import Outcome

STEPS = 20
LIMIT_S = 300.0
_STAGED = 2
_LARGEST = 2**20
# Not enough memory, in whatever form it shows.
_SIGNALS = frozenset({codes.OUT_OF_MEMORY, codes.KILLED})


@dataclass(frozen=True, slots=True)
class Trial:
    """One try: whether so many samples a step trained; ``code`` says how it failed, ``peak_bytes`` what it took."""

    batch: int
    fits: bool
    code: str
    reason: str
    peak_bytes: int | None
    wall_s: float


def capacity(
    setting: Setting, log: Path, *, cap_bytes: int, limit_s: float = LIMIT_S, progress: Callable[[str], None]
) -> Outcome:
    """Search for the largest batch that trains 20 steps within the cap.

    Args:
        setting: a proven cell.
        log: receives the workers' output.
        cap_bytes: most bytes that the process tree may keep resident.
        limit_s: time for the whole search; what is known then is the answer, and it says so.
        progress: told about each try.
    """
    trials: list[Trial] = []
    stop = time.monotonic() + limit_s

    def fits(batch: int) -> bool | None:
        left = stop - time.monotonic()
        if left <= 0:
            return None
        progress(f"batch of {batch:,} samples")
        trial = _try(setting, batch, cap_bytes, min(left, setting.timeout_s), log)
        trials.append(trial)
        if trial.code and trial.code not in _SIGNALS:
            return None  # neither fits nor is too large: no answer, the search ends here
        return trial.fits

    found = search(setting.workload.batch_size, _LARGEST, fits)
    return _outcome(setting, found, trials, cap_bytes, limit_s)


def _try(setting: Setting, batch: int, cap_bytes: int, limit_s: float, log: Path) -> Trial:
    started = time.monotonic()
    workload = replace(setting.workload, batch_size=batch)
    changed = replace(setting, workload=workload, timeout_s=limit_s)
    # Which samples they are makes no difference to memory, so a batch may be larger than the data set.
    order = np.random.default_rng(setting.seed).integers(0, setting.dataset.train_size, (_STAGED, batch))
    code, reason, own = "", "", None
    with (
        open_link(changed, log) as link,
        TreeSampler(link.worker.pid, limit=cap_bytes, on_limit=link.worker.kill) as sampler,
        sampler.phase("trial"),
    ):
        try:
            link.start()
            link.build(initial_weights(workload.model, setting.seed), workload.loss, workload.optimizer)
            link.stage(order, keep=False)
            losses = link.steps(STEPS)
            own = link.worker.ask("memory")["peak_bytes"]
            if not all(math.isfinite(loss) for loss in losses):
                code, reason = "DIVERGED", f"the loss is not finite after {STEPS} steps"
        except WorkerError as problem:
            code, reason = problem.code, str(problem)
    largest = sampler.peak.largest
    peak = max((value for value in (own, largest.resident if largest else None) if value is not None), default=None)
    if sampler.exceeded is not None or (peak is not None and peak > cap_bytes):
        code, reason = codes.OUT_OF_MEMORY, "more memory than the cap"
    return Trial(batch, not code, code, reason, peak, round(time.monotonic() - started, 3))


def _outcome(setting: Setting, found: Found, trials: list[Trial], cap_bytes: int, limit_s: float) -> Outcome:
    last = trials[-1] if trials else None
    odd = last if last is not None and last.code and last.code not in _SIGNALS else None
    if odd is not None and odd.code != codes.TIMEOUT:
        bound = odd.code
    elif not found.finished:
        bound = "time"
    else:
        bound = "memory" if found.failed is not None else "largest batch tried"
    payload: dict[str, Any] = {
        "capacity": {
            "batch": found.largest or None,
            "too_large": found.failed,
            "bound": bound,
            "steps": STEPS,
            "resolution": 1 / RESOLUTION,
            "cap_bytes": cap_bytes,
            "address_space_bytes": setting.memory_limit,
            "limit_s": limit_s,
            "trials": [asdict(trial) for trial in trials],
        }
    }
    if found.largest:
        return Outcome(payload=payload)
    if last is None:
        return Outcome("failed", codes.TIMEOUT, "no time for a single try", payload)
    return Outcome("failed", last.code, f"not even a batch of {last.batch} trained: {last.reason}", payload)
