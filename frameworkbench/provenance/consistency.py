"""Does each record agree with itself? What was judged when it was written is judged again from its raw samples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ..analysis.cells import number, rows, table
from ..store.chain import Chain
from ..store.run import Record
from .findings import ENVIRONMENT_CHANGED, INCONSISTENT, Finding

# The parent times the whole pass, so windows cannot add up to more; a pass may round its own time to 0.1 ms.
_ROUNDING_S = 1e-3


def check_consistency(chains: Mapping[str, Chain]) -> Iterator[Finding]:
    """Verdicts that do not follow from their errors, impossible times, and environments that changed within a row."""
    for chain in chains.values():
        for place in sorted(chain.records):
            record = chain.records[place]
            if record["kind"] == "cell":
                for what in (*_parity_faults(record), *_window_faults(record)):
                    yield Finding(chain.file(place), INCONSISTENT, what)
    yield from _check_environments(chains)


def _parity_faults(record: Record) -> Iterator[str]:
    """A check passes when its error is within its tolerance, a proof when all its checks do, and only then it is ok."""
    parity = table(record["payload"].get("parity"))
    snapshot = table(record["payload"].get("snapshot"))
    checks = [*rows(parity.get("checks")), *([snapshot] if snapshot else [])]
    for check in checks:
        if (check.get("passed") is True) is not _within(check):
            yield (
                f"{check.get('check')} of {check.get('tensor')}: error {check.get('error')} and tolerance "
                f"{check.get('tolerance')} do not give passed = {check.get('passed')}"
            )
    failed = [check for check in checks if not _within(check)]
    if parity and (parity.get("passed") is True) is (bool(failed) and not snapshot):
        yield f"{len(failed)} of {len(checks)} checks failed, but the proof says passed = {parity.get('passed')}"
    if failed and record["status"] == "ok":
        yield f"{failed[0].get('check')} of {failed[0].get('tensor')} is beyond its tolerance, but the status is ok"


def _within(check: Mapping[str, Any]) -> bool:
    error, tolerance = number(check.get("error")), number(check.get("tolerance"))
    return error is not None and tolerance is not None and error <= tolerance


def _window_faults(record: Record) -> Iterator[str]:
    """Windows follow each other, take time, and fit into the pass that held them."""
    windows = rows(record["payload"].get("windows"))
    stamps = [(number(window.get("start_ns")), number(window.get("stop_ns"))) for window in windows]
    before = None
    total_s = 0.0
    for start, stop in stamps:
        if start is None or stop is None or stop <= start:
            yield f"a window from {start} to {stop} ns"
            return
        if before is not None and start < before:
            yield f"a window starts at {start} ns, before the one ahead of it stops at {before} ns"
        before, total_s = stop, total_s + (stop - start) / 1e9
    if total_s > record["wall_s"] + _ROUNDING_S:
        yield f"windows of {total_s:.3f} s in a process of {record['wall_s']:.3f} s"


def _check_environments(chains: Mapping[str, Chain]) -> Iterator[Finding]:
    """Every process of one row gets the same variables; the odd ones out are named."""
    found: dict[Any, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    for chain in chains.values():
        for place, record in sorted(chain.records.items()):
            environment = record["payload"].get("environment")
            if record["kind"] == "cell" and isinstance(environment, dict):
                found[record["cell_key"]].append((chain.file(place), environment))
    for processes in found.values():
        usual = dict(Counter(tuple(sorted(values.items())) for _, values in processes).most_common(1)[0][0])
        for file, values in processes:
            odd = sorted(name for name in {*usual, *values} if usual.get(name) != values.get(name))
            if odd:
                what = ", ".join(f"{name} = {values.get(name)!r}, elsewhere {usual.get(name)!r}" for name in odd)
                yield Finding(file, ENVIRONMENT_CHANGED, f"another environment than the row's other processes: {what}")
