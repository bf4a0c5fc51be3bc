"""Before the first measurement: interpreters, data, and the manifest that says what was used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__, environments
from ..data import PreparedDataset, prepare
from ..device.monitor import Monitor
from ..environments import EnvironmentSpec, Interpreter
from ..errors import EnvironmentProblem, UsageError
from ..registry import AdapterInfo
from ..retired import load_retired
from ..spec.protocol import Protocol
from ..store.atomic import read_json, write_json_atomic
from ..store.run import MANIFEST
from .events import Event, Report
from .fingerprints import code_sha256, machine
from .options import RunOptions
from .plan import Choice
from .platform_facts import harness_commit, platform_facts
from .resolution import Resolution, resolution


@dataclass(slots=True)
class Ready:
    """What preparation came to; ``problems`` holds (code, message) of adapters that have no environment."""

    interpreters: dict[str, Interpreter] = field(default_factory=dict)
    problems: dict[str, tuple[str, str]] = field(default_factory=dict)
    datasets: dict[str, PreparedDataset] = field(default_factory=dict)
    environment_s: float = 0.0


def prepare_all(options: RunOptions, choice: Choice, report: Report) -> Ready:
    """Find or make every interpreter and every dataset.

    A failed environment becomes an entry in ``problems``; the other frameworks go on.

    Raises:
        DataError: real data was asked for and is missing or damaged.
    """
    ready = Ready()
    started = time.monotonic()
    for info in choice.adapters.values():
        report(Event("phase", f"environment of {info.name}"))
        try:
            ready.interpreters[info.name] = interpreter_for(info, options, report)
        except EnvironmentProblem as problem:
            ready.problems[info.name] = (problem.code, str(problem))
            report(Event("note", f"{info.name}: {problem.code}: {problem}", status="failed"))
    ready.environment_s = time.monotonic() - started
    for workload in choice.workloads:
        report(Event("phase", f"data of {workload.name}"))
        ready.datasets[workload.name] = prepare(
            workload.data,
            source="real" if options.protocol.data == "real" else "synthetic",
            data_dir=options.data_dir,
            cache_dir=options.cache_dir,
            progress=lambda text: report(Event("detail", text)),
        )
    return ready


def interpreter_for(info: AdapterInfo, options: RunOptions, report: Report) -> Interpreter:
    """The user's interpreter, the harness's own, or a managed environment, in this order.

    Raises:
        EnvironmentProblem: there is none and it could not be made.
    """
    if info.name in options.interpreters:
        path = options.interpreters[info.name]
        return environments.use_external(info.name, path, distribution=info.distribution, module=info.module)
    if info.interpreter == "core":
        return environments.core(info.name)
    spec = environment_spec(info, options.device)
    return environments.ensure(spec, cache_dir=options.cache_dir, progress=lambda text: report(Event("detail", text)))


def environment_spec(info: AdapterInfo, device: str) -> EnvironmentSpec:
    """The managed environment that an adapter declares for a device.

    Raises:
        EnvironmentProblem: it declares none.
    """
    install = info.installs.get(device)
    if install is None:
        raise EnvironmentProblem(
            environments.ENVIRONMENT_MISSING,
            f"{info.name} declares no environment for {device} (has: {', '.join(info.installs) or 'none'}); "
            f"name an interpreter with --python {info.name}=/path/to/python",
        )
    return EnvironmentSpec(
        adapter=info.name,
        variant=install.variant,
        lock=install.lock,
        python=info.python,
        indexes=install.indexes,
        distribution=info.distribution,
        module=info.module,
    )


def open_manifest(options: RunOptions, choice: Choice, ready: Ready, threads: int, monitor: Monitor) -> dict[str, Any]:
    """Write the manifest of a new run, or check that an existing one belongs to the same request.

    Raises:
        UsageError: the folder holds a run of another protocol, set of lanes, device, precision or seed.
    """
    file = options.out / MANIFEST
    if not file.exists():
        manifest = _manifest(options, choice, ready, threads) | {"card": monitor.card, "card_note": monitor.missing}
        write_json_atomic(file, manifest)
        return manifest
    manifest = dict(read_json(file))
    other = differences(options, manifest)
    if other:
        raise UsageError(
            f"{options.out} holds a run with another {other[0]} "
            f"({manifest.get('suite')} suite, {manifest.get('created')}); choose another folder with --out, "
            "or start over with --again (the old run is kept under another name)"
        )
    return manifest


def differences(options: RunOptions, manifest: Mapping[str, Any]) -> list[str]:
    """In what a stored run is not the one that is asked for."""
    wanted = {
        "protocol": ("protocol_sha256", options.protocol.sha256),
        "set of lanes": ("lanes", list(options.lanes)),
        "device": ("device", options.device),
        "precision": ("precision", options.precision or "float32"),
        "seed": ("seed", options.seed),
    }
    # Runs written before precision was an axis are float32 throughout, those before lanes were hold a single one.
    found = {"precision": "float32", "lanes": [manifest.get("lane")], **manifest}
    return [name for name, (key, value) in wanted.items() if found.get(key) != value]


def _manifest(options: RunOptions, choice: Choice, ready: Ready, threads: int) -> dict[str, Any]:
    created = datetime.now(UTC)
    return {
        "schema": 1,
        "run_id": f"{options.protocol.suite}-{created:%Y%m%dT%H%M%SZ}",
        "created": created.isoformat(timespec="seconds"),
        "frameworkbench_version": __version__,
        "code_sha256": code_sha256(),
        "suite": options.protocol.suite,
        "protocol": options.protocol.to_json(),
        "protocol_sha256": options.protocol.sha256,
        "resolution": _resolution(options.protocol, choice).to_json(),
        "command": list(options.command),
        "seed": options.seed,
        "machine": machine() | {"platform": platform_facts()},
        "harness_commit": harness_commit(),
        "lanes": list(options.lanes),
        "device": options.device,
        "precision": options.precision or "float32",
        "threads": threads,
        "data": {name: _dataset_facts(dataset) for name, dataset in ready.datasets.items()},
        "adapters": {name: _adapter_facts(info, ready.interpreters) for name, info in choice.adapters.items()},
        "retired": [retired.to_json() for retired in load_retired()],
        "workloads": {
            workload.name: {
                "title": workload.title,
                "description": workload.description,
                "sha256": workload.sha256,
                "parameters": sum(parameter.size for parameter in workload.model.parameters),
                "training_flops_per_sample": workload.model.training_flops(),
                "epochs": workload.epochs,
                "accuracy_target": workload.accuracy_target,
            }
            for workload in choice.workloads
        },
    }


def _resolution(protocol: Protocol, choice: Choice) -> Resolution:
    """Which difference the suite resolves between the chosen main modes, stated before anything is measured."""
    main = [info for info, mode in choice.modes if mode.name == info.main_mode and info.role == "entrant"]
    return resolution(protocol, blocks=protocol.main_blocks, rows=len(main))


def _dataset_facts(dataset: PreparedDataset) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "kind": dataset.kind,
        "fingerprint": dataset.fingerprint,
        "train_size": dataset.train_size,
        "test_size": dataset.test_size,
    }


def _adapter_facts(info: AdapterInfo, interpreters: Mapping[str, Interpreter]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "title": info.title,
        "role": info.role,
        "distribution": info.distribution,
        "main_mode": info.main_mode,
        "built_on": {mode.name: mode.built_on for mode in info.modes.values() if mode.built_on},
        "homepage": info.homepage,
        "framework_version": None,
        "python_version": None,
        "interpreter_kind": None,
        "lock_sha256": None,
        "packages": {},
    }
    interpreter = interpreters.get(info.name)
    if interpreter:
        facts |= {
            "framework_version": interpreter.framework_version,
            "python_version": interpreter.python_version,
            "interpreter_kind": interpreter.kind,
            "lock_sha256": interpreter.lock_sha256,
            "packages": dict(interpreter.packages),
        }
    return facts


def cell_cache(options: RunOptions, key: str) -> Path:
    """Folder for a cell's compile caches; it belongs to one cell of one machine and is no result."""
    return options.cache_dir / "compile" / key
