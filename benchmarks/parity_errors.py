"""How far honest code strays: parameter errors by step, over adapters and seeds.

The tolerances of ``[parity]`` in a workload are at least three times the worst error printed here.

usage: python benchmarks/parity_errors.py [--workload NAME] [--seeds N] [--data-dir DIR] [--python adapter=PATH]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from frameworkbench.analysis.parity import compare_updates, worst
from frameworkbench.run.fingerprints import available_cores
from frameworkbench.run.judge import expected
from frameworkbench.run.link import Setting, open_link
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose, make_plan
from frameworkbench.run.prepare import prepare_all
from frameworkbench.spec.protocol import suite

_BATCHES = 64


def main() -> None:
    """Print one line for each workload and step: the worst error and whose it is."""
    arguments = _arguments()
    cores = tuple(available_cores())
    options = RunOptions(
        protocol=suite("quick", data="real" if arguments.data_dir else None),
        out=Path(tempfile.mkdtemp()),
        cache_dir=arguments.cache_dir,
        workloads=tuple(arguments.workload or ()),
        adapters=tuple(arguments.adapter or ()),
        interpreters={pair.split("=")[0]: Path(pair.split("=", 1)[1]) for pair in arguments.python or ()},
        data_dir=arguments.data_dir,
    )
    choice = choose(options)
    ready = prepare_all(options, choice, lambda event: None)
    found: dict[tuple[str, int], list[tuple[float, str]]] = {}
    for workload in choice.workloads:
        low, high = workload.parity.parameters_steps_quick[0], workload.parity.parameters_steps[1]
        steps = sorted({low, high, *range(low, high, max(1, (high - low) // 12))})
        for seed in range(arguments.seeds):
            judge = expected(workload, ready.datasets[workload.name], seed=seed, steps=steps, batches=_BATCHES,
                             cache_dir=options.cache_dir)  # fmt: skip
            for planned in make_plan(options, choice, ready.datasets, ready.interpreters, len(cores), ""):
                if planned.cell.workload != workload.name or not planned.main:
                    continue
                setting = Setting(planned.cell, choice.adapters[planned.cell.adapter],
                                  ready.interpreters[planned.cell.adapter], workload, ready.datasets[workload.name],
                                  options.protocol, seed, cores, options.out / "compile", 900.0, None,
                                  options.protocol.warmup_steps)  # fmt: skip
                with open_link(setting, options.out / "log") as link:
                    link.start()
                    link.build(judge.weights, workload.loss, workload.optimizer)
                    link.stage(judge.order)
                    done = 0
                    for step in steps:
                        link.steps(step - done)
                        done = step
                        checks = compare_updates(
                            "parameters", step, link.export(), judge.weights, judge.updates[step], 1.0
                        )
                        bad = worst(checks)
                        found.setdefault((workload.name, step), []).append(
                            (bad.error, f"{planned.cell.row} seed {seed} {bad.tensor}")
                        )
        for (name, step), errors in found.items():
            if name == workload.name:
                top = sorted(errors, reverse=True)
                print(f"{name:16} step {step:3}  " + "   ".join(f"{e:.1e} {who}" for e, who in top[:2]), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", action="append")
    parser.add_argument("--adapter", action="append")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--python", action="append")
    return parser.parse_args()


if __name__ == "__main__":
    main()
