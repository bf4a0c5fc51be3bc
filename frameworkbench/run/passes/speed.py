"""The speed pass: one fresh process shows again that it computes the proven thing, and is timed.

The process is checked three times: in its first steps, in the steps that follow the last window, and once more from
fresh weights on batches that it has never seen. In between nothing tells it which steps are timed.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...analysis import parity
from ...analysis.parity import Check
from ...spec.protocol import Protocol
from ...validity import aftermath, identity, parked, plausibility, quiet
from ...validity.aftermath import Aftermath
from ...validity.findings import Finding
from ...validity.quiet import Quiet
from .. import census, rest
from ..judge import Expected, host_batch
from ..link import Link, Setting, load_export, open_link
from .outcome import Outcome, Turns, close_books, elapsed_s, seconds
from .replay import replayed
from .stretches import Stretches, checked_stretches

Array = npt.NDArray[Any]

_LEAD_STEPS = 2
_CALLS = 4  # of one step, to see what a window costs by itself
_CLOCK_SHARE = 0.03
_CLOCK_ALLOWANCE_NS = 20e6  # for each window
_REPLY_SHARE = 0.05
_REPLY_ALLOWANCE_NS = 50e6
_FURTHER_WINDOWS = 2
_DISBELIEF = 5.0  # reading losses back takes its time too


@dataclass(frozen=True, slots=True)
class _Files:
    """Exports to be read once the worker is gone."""

    snapshot: Path
    start: Path
    after: Sequence[Path]
    again: Path


def speed(setting: Setting, expected: Expected, log: Path, *, chooser: random.Random) -> Turns:
    """Time a cell in one fresh process, whose windows lie between those of other processes."""
    outcome = Outcome(payload={"cache": "warm"})
    workload = setting.workload
    k = chooser.choice([step for step in sorted(expected.updates) if step <= workload.parity.parameters_steps_quick[1]])
    k_again = chooser.choice(sorted(expected.again.updates))
    with open_link(setting, log) as link:
        link.start()
        outcome.findings += identity.judge(link.identity(), setting.interpreter.path, setting.adapter.module)
        compared = workload.model.without_dropout()
        link.build(expected.weights, workload.loss, workload.optimizer, compared)
        outcome.findings += link.stage(expected.order)
        first = link.timed_steps(1)
        before = link.timed_steps(k - 1)
        snapshot = link.export_later()
        if workload.model.dropout:
            link.build(expected.weights, workload.loss, workload.optimizer)
        warm = link.timed_steps(setting.warmup_steps)
        link.end_helpers()
        start = link.export_later()
        link.load_again(start)  # the windows start from weights and an optimizer state that can be had again
        link.steps(_LEAD_STEPS)  # an optimizer makes its state in the first step
        steps = window_steps(setting.protocol, _step_s(before, k - 1, warm, setting.warmup_steps))
        windows, seen_quiet, clock_findings = yield from _windows(link, setting, steps, chooser)
        after, losses, taken = _two_more_steps(link)
        if _repeats(setting, chooser):
            found, outcome.payload["replay"] = replayed(link, start, after[0], taken[0], chooser)
            outcome.findings += found
        outcome.payload |= _facts(link, setting, first, warm) | {"windows": windows}
        if workload.model.dropout:
            link.build(expected.again.weights, workload.loss, workload.optimizer, compared)
        call_s = _call_s(link, windows) if setting.own_loop and "replay" in outcome.payload else 0.0
        stretches, again = checked_stretches(link, expected, k_again, _mean_step_s(windows), call_s)
        files = _Files(snapshot, start, after, again)
        link.end_helpers()
        link.worker.close()
        batches = [host_batch(workload, setting.dataset, expected.order[row % len(expected.order)]) for row in taken]
        outcome.findings += _judge_work(setting, expected, files, k, k_again, outcome)
        seen = Aftermath(
            steps_before=taken[0],
            start=load_export(files.start),
            exports=[load_export(file) for file in files.after],
            losses=losses,
            batches=batches,
        )
        found, figures = aftermath.judge(seen, workload)
    outcome.findings += [*found, *clock_findings, *_judge_time(setting, windows, seen_quiet, stretches, call_s)]
    outcome.findings += parked.judge(link.parked, windows)
    outcome.findings += _survivors(link.worker.survivors)
    outcome.payload |= {
        "quiet": seen_quiet.to_json(),
        "parked": link.parked.to_json(),
        "ceiling_flops": setting.ceiling,
        "aftermath": figures,
        "checked_stretches": stretches.to_json(),
        **({"call_s": round(call_s, 6)} if setting.own_loop else {}),
    }
    close_books(outcome, link)
    outcome.conclude(setting.detectors)
    return outcome


def _facts(link: Link, setting: Setting, first: Mapping[str, Any], warm: Mapping[str, Any]) -> dict[str, Any]:
    """What is told beside the windows: phases, settings that hold, memory, load."""
    return {
        "phases": {
            "import_s": seconds(link, "start"),
            "build_s": seconds(link, "build"),
            "first_step_s": first["elapsed_ns"] / 1e9,
            "warmup_s": warm["elapsed_ns"] / 1e9,
        },
        "warmup_steps": setting.warmup_steps,
        "effective": link.effective(),
        "memory": {"peak_bytes": link.worker.ask("memory")["peak_bytes"], "source": "speed process"},
        "load_average": round(os.getloadavg()[0], 2),
    }


def window_steps(protocol: Protocol, step_s: float) -> int:
    """Steps of all windows: long enough in time and in steps, but no longer than the limit."""
    wanted = max(protocol.window_steps, round(protocol.window_s / step_s))
    longest = max(1, int(protocol.window_limit_s / step_s))
    return min(wanted, longest)


def in_windows(steps: int, windows: int) -> list[int]:
    """Steps of each window: equal ones, at most so many windows, and none without a step."""
    count = max(1, min(windows, steps))
    return [max(1, round(steps / count))] * count


def check_clocks(windows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The worker's claims and marks against the parent's stamps (method T4); all windows taken together.

    The stamps enclose each window, so a claim can be a little shorter than what the parent saw and never longer, and
    the reply follows the stop mark at once.
    """
    seen = sum(window["stop_ns"] - window["start_ns"] for window in windows)
    claimed = sum(window["claimed_ns"] for window in windows)
    late = sum(window.get("reply_ns", window["stop_ns"]) - window["stop_ns"] for window in windows)
    reason = ""
    if claimed > seen:
        reason = f"the worker claims {claimed / 1e6:.1f} ms; its own marks lie {seen / 1e6:.1f} ms apart"
    elif seen - claimed > max(_CLOCK_SHARE * seen, len(windows) * _CLOCK_ALLOWANCE_NS):
        reason = f"the worker claims {claimed / 1e6:.1f} ms for windows of {seen / 1e6:.1f} ms"
    elif late > max(_REPLY_SHARE * seen, len(windows) * _REPLY_ALLOWANCE_NS):
        reason = f"the worker went on for {late / 1e6:.1f} ms after it had marked the end of {seen / 1e6:.1f} ms"
    return [Finding("clock", "CLOCK_MISMATCH", reason)] if reason else []


def _step_s(before: Mapping[str, Any], steps: int, warm: Mapping[str, Any], warm_steps: int) -> float:
    """Seconds of a step, to size the window: the faster of two looks, since a disturbed one would make it too short.

    A worker whose clock tells far less than the parent's is not believed, or its window would never end.
    """
    claimed = min(before["elapsed_ns"] / steps, warm["elapsed_ns"] / warm_steps)
    return float(max(claimed, warm["wall_ns"] / warm_steps / _DISBELIEF, 100.0)) / 1e9


def _windows(
    link: Link, setting: Setting, steps: int, chooser: random.Random
) -> Generator[None, None, tuple[list[dict[str, Any]], Quiet, list[Finding]]]:
    """All windows, each in its turn, and what both clocks say of them.

    After a randomly chosen one the worker is watched at rest. Both clocks can also disagree because the parent was late
    to read its own: then a further window is asked.
    """
    windows: list[dict[str, Any]] = []
    shares = in_windows(steps, 1 if setting.own_loop else setting.windows)
    watched = chooser.randrange(len(shares))
    for number, share in enumerate(shares):
        yield from link.turn()
        windows.append(link.window(share))
        if number == watched:
            seen = _watch(link, setting.cell.device, elapsed_s(windows[-1]))
    yield from link.turn()
    findings = check_clocks(windows)
    for _ in range(_FURTHER_WINDOWS):
        findings = findings and check_clocks([link.window(shares[0])])
    return windows, seen, findings


def _watch(link: Link, device: str, window_s: float) -> Quiet:
    """Export twice, leave the worker alone, export again; by the parent's clock and the kernel's accounts."""
    pid, times, files = link.worker.pid, [], []
    counts = [census.take(pid)]

    def export() -> None:
        started = time.perf_counter()
        files.append(link.export_later())
        times.append(time.perf_counter() - started)

    for _ in range(2):
        export()
        counts.append(census.take(pid))
    first, second = (census.user_s(before, after) for before, after in itertools.pairwise(counts))
    excess = first - second if device == "cpu" and first is not None and second is not None else None
    time.sleep(quiet.GRACE_S)
    seen = _at_rest(pid)
    export()
    hashes = [hashlib.sha256(_content(file)).hexdigest() for file in files]
    return Quiet(
        window_s=window_s,
        first_export_s=times[0],
        second_export_s=times[1],
        third_export_s=times[2],
        export_excess_cpu_s=excess,
        sha256=(hashes[0], hashes[1], hashes[2]),
        cpu_s=seen.cpu_s if seen else None,
        runnable=seen.runnable if seen else None,
        quiet_s=seen.wall_s if seen else quiet.QUIET_S,
        children=seen.processes - 1 if seen else 0,
    )


def _at_rest(pid: int) -> rest.Rest | None:
    """What the worker's processes do while nothing is asked of them; looked at again while it is too much."""
    for _ in range(quiet.LOOKS):
        seen = rest.look(pid, quiet.QUIET_S)
        if seen is None or not quiet.busy(seen.cpu_s, seen.wall_s, seen.runnable):
            break
    return seen


def _content(file: Path) -> bytes:
    """Names and values of an export; the archive's own bytes hold times."""
    weights = load_export(file)
    return b"".join(name.encode() + np.ascontiguousarray(weights[name]).tobytes() for name in sorted(weights))


def _two_more_steps(link: Link) -> tuple[list[Path], list[float], list[int]]:
    """Two ordinary steps with exports around them: files, losses, and which staged batches they took."""
    files, losses, taken = [link.export_later()], [], []
    for _ in range(2):
        taken.append(link.cursor)
        losses += link.steps(1)
        files.append(link.export_later())
    return files, losses, taken


def _repeats(setting: Setting, chooser: random.Random) -> bool:
    """Whether the steps of the windows are done once more, watched: always where the framework's own loop did them."""
    share = 1.0 if setting.own_loop else setting.protocol.replay_share
    return not setting.workload.model.dropout and chooser.random() < share


def _call_s(link: Link, windows: Sequence[Mapping[str, Any]]) -> float:
    """Seconds that a window costs by itself: the fastest of a few windows of one step, less a step."""
    single = [link.window(1) for _ in range(_CALLS)]
    return max(0.0, min(map(elapsed_s, single)) - _mean_step_s(windows))


def _judge_work(
    setting: Setting, expected: Expected, files: _Files, k: int, k_again: int, outcome: Outcome
) -> list[Finding]:
    limit, findings = setting.workload.parity.parameters, []
    first = load_export(files.snapshot)
    checks = parity.compare_updates("snapshot", k, first, expected.weights, expected.updates[k], limit)
    again, updates = load_export(files.again), expected.again.updates[k_again]
    checks_again = parity.compare_updates("again", k_again, again, expected.again.weights, updates, limit)
    for name, found in (("snapshot", checks), ("again", checks_again)):
        worst: Check = parity.worst(found)
        outcome.payload[name] = worst.to_json()
        if not worst.passed:
            findings.append(Finding(name, "WRONG_RESULT", f"in the timed process: {worst.sentence}"))
    return findings


def _judge_time(
    setting: Setting,
    windows: Sequence[Mapping[str, Any]],
    seen: Quiet,
    stretches: Stretches,
    call_s: float,
) -> list[Finding]:
    step_s = _mean_step_s(windows)
    flops = setting.workload.model.training_flops()
    return [
        *census.judge(windows, setting.cores),
        *quiet.judge(seen),
        *stretches.judge(step_s, call_s),
        *plausibility.judge(setting.workload.batch_size / step_s, flops, setting.ceiling),
        *_recompiled(windows),
    ]


def _mean_step_s(windows: Sequence[Mapping[str, Any]]) -> float:
    elapsed = sum(map(elapsed_s, windows))
    return float(elapsed / sum(window["steps"] for window in windows))


def _recompiled(windows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    for window in windows:
        before, after = window["compiled"]
        if before is not None and after is not None and after > before:
            reason = f"{after - before} compilations within a window of {window['steps']} steps"
            return [Finding("recompile", "RECOMPILE", reason)]
    return []


def _survivors(count: int) -> list[Finding]:
    if not count:
        return []
    reason = f"{count} processes of the worker were alive after it had ended; they were ended"
    return [Finding("survivors", "CONTAMINATION", reason)]
