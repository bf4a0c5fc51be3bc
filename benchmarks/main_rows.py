"""Settings of the main mode of each adapter, for benchmarks that start workers of their own."""

from __future__ import annotations

from typing import Any

from frameworkbench.reference import initial_weights
from frameworkbench.run.fingerprints import available_cores
from frameworkbench.run.judge import batch_order
from frameworkbench.run.link import Link, Setting
from frameworkbench.run.options import RunOptions
from frameworkbench.run.prepare import Ready
from frameworkbench.spec.cell import Cell

_WARMUP_STEPS = 8
_BATCHES = 64
_TIMEOUT_S = 1800.0


def warm_up(setting: Setting, link: Link) -> float:
    """Build, stage and run until compiled; seconds per step, by the faster of two looks."""
    workload = setting.workload
    link.start()
    link.build(initial_weights(workload.model, setting.seed), workload.loss, workload.optimizer)
    link.stage(batch_order(workload, setting.dataset, setting.seed, _BATCHES))
    link.steps(_WARMUP_STEPS)
    looks = [link.worker.ask("steps", count=_WARMUP_STEPS)["elapsed_ns"] for _ in range(2)]
    return max(min(looks) / _WARMUP_STEPS / 1e9, 1e-7)


def main_rows(options: RunOptions, choice: Any, ready: Ready) -> list[Setting]:
    """One setting for each workload and adapter that could be prepared, in its main mode on all cores."""
    cores = tuple(available_cores())
    return [
        Setting(
            cell=Cell(
                task="train", workload=workload.name, data=ready.datasets[workload.name].kind, adapter=info.name,
                role=info.role, mode=info.main_mode, mode_class=info.modes[info.main_mode].mode_class,
                lane=options.lanes[0], device=options.device, precision=info.precisions[0], threads=len(cores),
                batch_size=workload.batch_size,
            ),
            adapter=info,
            interpreter=ready.interpreters[info.name],
            workload=workload,
            dataset=ready.datasets[workload.name],
            protocol=options.protocol,
            seed=options.seed,
            cores=cores,
            compile_cache=options.cache_dir / "compile" / "benchmarks" / info.name / workload.name,
            timeout_s=_TIMEOUT_S,
            memory_limit=None,
            warmup_steps=options.protocol.warmup_steps,
        )
        for workload in choice.workloads
        for info in choice.adapters.values()
        if info.name in ready.interpreters
    ]  # fmt: skip
