"""``list``: what is there to be measured, with what each adapter states about its framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .cli_output import AdapterPaths, Json, print_json, print_table


def list_command(adapter_path: AdapterPaths = None, as_json: Json = False) -> None:
    """Show workloads, adapters with their modes, and suites."""
    from .content import content_dir
    from .registry import load_adapters
    from .retired import load_retired
    from .spec.protocol import SUITES
    from .spec.workload import load_workloads

    adapters = load_adapters(adapter_path or ())
    workloads = load_workloads(content_dir("workloads"))
    if as_json:
        print_json(
            {
                "workloads": [_workload_facts(workload) for workload in workloads.values()],
                "adapters": [_adapter_facts(info) for info in adapters.values()],
                "retired": [retired.to_json() for retired in load_retired()],
                "suites": {name: _suite_facts(protocol, adapters) for name, protocol in SUITES.items()},
            }
        )
        return
    named = {w.name: w.name + (" (only by name)" if w.by_name else "") for w in workloads.values()}
    print_table("Workloads", ["name", "what it is"], [[named[w.name], w.description] for w in workloads.values()])
    print_table(
        "Adapters (* main mode)", ["name", "role", "modes", "from"], [_adapter_row(a) for a in adapters.values()]
    )
    gone = [[r.name, f"{r.title}, last release {r.last_release}: {r.reason}", r.successor] for r in load_retired()]
    if gone:
        print_table("Retired", ["name", "why it is not measured", "successor"], gone)
    suites = [[name, _suite_text(p), _resolution(p, adapters).sentence] for name, p in SUITES.items()]
    print_table("Suites", ["name", "what it does", "what it resolves"], suites)


def _workload_facts(workload: Any) -> dict[str, Any]:
    return {
        "name": workload.name,
        "title": workload.title,
        "description": workload.description,
        "dataset": workload.data.dataset,
        "parameters": sum(parameter.size for parameter in workload.model.parameters),
        "by_name": workload.by_name,
    }


def _adapter_facts(info: Any) -> dict[str, Any]:
    from datetime import UTC, datetime

    from .facts import read_facts, stale

    today = datetime.now(UTC).date()
    return {
        "name": info.name,
        "title": info.title,
        "role": info.role,
        "main_mode": info.main_mode,
        "modes": {mode.name: mode.mode_class for mode in info.modes.values()},
        "tasks": list(info.tasks),
        "devices": list(info.devices),
        "python": info.python,
        "origin": info.origin,
        "facts": {key: fact.to_json() | {"stale": stale(fact, today)} for key, fact in read_facts(info.folder).items()},
    }


def _adapter_row(info: Any) -> list[str]:
    modes = ", ".join(f"{mode}*" if mode == info.main_mode else mode for mode in info.modes)
    return [info.name, info.role, modes, info.origin]


def _suite_facts(protocol: Any, adapters: Mapping[str, Any]) -> dict[str, Any]:
    return {**protocol.to_json(), "resolution": _resolution(protocol, adapters).to_json()}


def _resolution(protocol: Any, adapters: Mapping[str, Any]) -> Any:
    from .run.resolution import resolution

    rows = sum(info.role == "entrant" for info in adapters.values()) if protocol.entrants else 0
    return resolution(protocol, blocks=protocol.main_blocks, rows=rows)


def _suite_text(protocol: Any) -> str:
    if not protocol.entrants:
        return "the NumPy reference alone, generated data; seconds"
    accuracy = f", accuracy over {protocol.accuracy_seeds} seeds" if protocol.accuracy_seeds else ""
    return f"{protocol.data} data, {protocol.main_blocks} blocks of each main mode{accuracy}"
