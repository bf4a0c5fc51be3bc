"""The passes of the task ``infer``: a proof that answers follow inputs and weights, and their speed.

Throughput is at the workload's batch size, latency at batch size 1. Both end with the answer in the harness's
memory, and in both every group of requests has weights of its own (``requests.py``).
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...analysis import parity
from ...analysis.parity import Check
from ...reference import probe_weights
from ...validity import parked
from ...validity.cause import loading_finding
from ...validity.findings import Finding
from .. import census, codes
from ..judge import batch_order
from ..link import Link, Setting, open_link
from .outcome import Outcome, Turns, close_books, seconds
from .requests import Group, Weights, changed, check_answers
from .speed import check_clocks, window_steps

Array = npt.NDArray[Any]

_PROOF_BATCHES = 4
_PROOF_SINGLES = 16
# Looked at in each group of a timed process: a cell that answers one request in twenty wrongly escapes
# 16 groups with a probability of 1e-7, and one process costs the reference well under a second.
_SAMPLES = 24

_WARMUP_REQUESTS = 20
# A window of fast requests should last this long, so that the marks of the parent do not count.
_WINDOW_S = 0.1
_STAGED_BYTES = 128 * 2**20
_MOST_GROUPS = 64

_LEAST_SINGLES = 200
_MOST_SINGLES = 2048
_STAGED_SINGLES = 256


def prove_inference(setting: Setting, log: Path, *, chooser: random.Random) -> Outcome:
    """Prove that a cell answers as the reference does: two sets of weights, the batch size and single requests.

    The compile cache is emptied first, so this process also gives the cold time to the first answer.
    """
    shutil.rmtree(setting.compile_cache, ignore_errors=True)
    outcome = Outcome(payload={"cache": "cold"})
    given = probe_weights(setting.workload.model, setting.seed)
    others = [changed(given, chooser), changed(given, chooser)]
    batches = _batches(setting, _PROOF_BATCHES + 1)
    singles = batches.reshape(-1, 1)[:_PROOF_SINGLES]
    with open_link(setting, log) as link:
        link.start()
        link.build(given, setting.workload.loss, setting.workload.optimizer)
        phases = {"import_s": seconds(link, "start"), "build_s": seconds(link, "build")}
        link.stage(batches)
        checks = parity.compare_weights(link.export(), given)
        window, first = link.answer(1)
        groups = [Group("logits", given, batches[:1], first)]
        outcome.payload["phases"] = phases | {"first_step_s": window["claimed_ns"] / 1e9}
        window, answers = link.answer(_PROOF_BATCHES)
        groups.append(Group("logits", given, batches[1:], answers))
        outcome.payload["step_s"] = window["claimed_ns"] / 1e9 / _PROOF_BATCHES
        link.load(others[0])
        checks += parity.compare_weights(link.export(), others[0])
        groups.append(Group("follows", others[0], batches[:_PROOF_BATCHES], link.answer(_PROOF_BATCHES)[1]))
        link.stage(singles)
        groups.append(Group("single", others[0], singles, link.requests(_PROOF_SINGLES)[1]))
        link.load(others[1])
        groups.append(Group("follows", others[1], singles, link.requests(_PROOF_SINGLES)[1]))
        outcome.payload["effective"] = link.effective()
        outcome.payload["proof_peak_bytes"] = link.worker.ask("memory")["peak_bytes"]
        link.worker.close()
        checks += _looked_up(outcome, setting, groups, batches.size, chooser)
    close_books(outcome, link)
    _conclude(setting, outcome, checks)
    return outcome


def time_inference(setting: Setting, log: Path, *, chooser: random.Random) -> Turns:
    """Time a cell in one fresh process: windows of queued batches, then requests one by one.

    They lie between those of other processes.

    Whether the answers were right is looked up afterwards, in requests that are drawn once all have been answered.
    """
    outcome = Outcome(payload={"cache": "warm"})
    given = probe_weights(setting.workload.model, setting.seed)
    with open_link(setting, log) as link:
        link.start()
        link.build(given, setting.workload.loss, setting.workload.optimizer)
        timing = _Timing(setting, link, given, chooser)
        first, step_s, warmup_s = timing.warm_up()
        link.end_helpers()
        windows = yield from timing.windows(step_s)
        latency = yield from timing.latencies()
        yield from link.turn()
        outcome.findings += census.judge(windows, setting.cores)
        outcome.payload |= {
            "phases": {
                "import_s": seconds(link, "start"),
                "build_s": seconds(link, "build"),
                "first_step_s": first,
                "warmup_s": warmup_s,
            },
            "windows": windows,
            "latency": latency,
            "parked": link.parked.to_json(),
            "effective": link.effective(),
            "memory": {"peak_bytes": link.worker.ask("memory")["peak_bytes"], "source": "speed process"},
            "load_average": round(os.getloadavg()[0], 2),
        }
        link.worker.close()
        checks = _looked_up(outcome, setting, timing.groups, _SAMPLES, chooser)
    outcome.findings += check_clocks(windows) + check_clocks([_claimed_by_request(w) for w in latency["windows"]])
    outcome.findings += parked.judge(link.parked, [*windows, *latency["windows"]])
    worst = parity.worst(checks)
    outcome.payload["snapshot"] = worst.to_json()
    close_books(outcome, link)
    if not worst.passed:
        reason = f"in the timed process: {_sentence(worst)}"
        outcome.findings.append(Finding("snapshot", codes.WRONG_RESULT, reason))
    outcome.conclude(setting.detectors)
    return outcome


class _Timing:
    """The timed part of one process; ``groups`` collects what was answered from which weights."""

    def __init__(self, setting: Setting, link: Link, given: Weights, chooser: random.Random) -> None:
        self._setting, self._link, self._given, self._chooser = setting, link, given, chooser
        self.groups: list[Group] = []

    def warm_up(self) -> tuple[float, float, float]:
        """Seconds of the first request, of a later one, and of the whole warm-up."""
        protocol, link = self._setting.protocol, self._link
        order = _batches(self._setting, max(2, protocol.warmup_steps))
        link.stage(order, keep=False)
        first, answers = link.answer(1)
        self.groups.append(Group("answers", self._given, order[:1], answers))
        rest, answers = link.answer(len(order) - 1)
        self.groups.append(Group("answers", self._given, order[1:], answers))
        again, _ = self._ask(order, len(order))  # the faster of two looks, as a disturbed one gives too short a window
        step_s = min(rest["claimed_ns"] / rest["steps"], again["claimed_ns"] / again["steps"]) / 1e9
        return first["claimed_ns"] / 1e9, max(step_s, 1e-7), (rest["claimed_ns"] + again["claimed_ns"]) / 1e9

    def windows(self, step_s: float) -> Generator[None, None, list[dict[str, Any]]]:
        """Windows of queued requests until the protocol's window is full; a change of weights lies between two."""
        protocol = self._setting.protocol
        wanted = window_steps(protocol, step_s)
        order = _batches(self._setting, min(wanted, self._staged(step_s)))
        self._link.stage(order, keep=False)
        rounds = min(max(-(-wanted // len(order)), min(wanted, self._setting.windows)), _MOST_GROUPS)
        count = min(len(order), -(-wanted // rounds))
        return (yield from self._in_turns(order, count, rounds, one_by_one=False))

    def latencies(self) -> Generator[None, None, dict[str, Any]]:
        """Single requests, at least 200 unless they take too long, in two groups or more."""
        batches = _batches(self._setting, -(-_STAGED_SINGLES // self._setting.workload.batch_size))
        singles = batches.reshape(-1, 1)[:_STAGED_SINGLES]
        self._link.stage(singles, keep=False)
        warm, _ = self._ask(singles, _WARMUP_REQUESTS, one_by_one=True)
        self._link.end_helpers()  # another batch size may have been compiled
        typical_s = max(float(np.median(warm["latencies_ns"][1:])) / 1e9, 1e-7)
        wanted = single_requests(self._setting.protocol.window_s, self._setting.protocol.window_limit_s, typical_s)
        rounds = max(2, -(-wanted // len(singles)))
        windows = yield from self._in_turns(singles, -(-wanted // rounds), rounds, one_by_one=True)
        return {"batch_size": 1, "first_s": warm["latencies_ns"][0] / 1e9, "windows": windows}

    def _in_turns(
        self, order: Array, count: int, rounds: int, *, one_by_one: bool
    ) -> Generator[None, None, list[dict[str, Any]]]:
        """So many windows of ``count`` requests in as many turns as the setting says."""
        found, turns = [], self._setting.windows
        for number in range(rounds):
            if number * turns // rounds != (number - 1) * turns // rounds:
                yield from self._link.turn()
            found.append(self._ask(order, count, one_by_one=one_by_one)[0])
        return found

    def _ask(self, order: Array, count: int, *, one_by_one: bool = False) -> tuple[dict[str, Any], Path]:
        """Change the weights, then put the first requests of ``order``."""
        link, weights = self._link, changed(self._given, self._chooser)
        link.load(weights)
        window, answers = link.requests(count) if one_by_one else link.answer(count)
        self.groups.append(Group("answers", weights, order[:count], answers))
        return window, answers

    def _staged(self, step_s: float) -> int:
        """Batches held ready: more of them where they are answered fast, but not without limit."""
        workload = self._setting.workload
        size = 4 * workload.batch_size * int(np.prod(workload.model.input_shape))
        fast = min(int(_WINDOW_S / step_s), _STAGED_BYTES // size)
        return max(self._setting.protocol.staged_batches, fast)


def single_requests(window_s: float, limit_s: float, typical_s: float) -> int:
    """How many single requests: a window full, from 200 to 2,048, unless the limit of time allows fewer."""
    wanted = min(max(round(window_s / typical_s), _LEAST_SINGLES), _MOST_SINGLES)
    return min(wanted, max(2, int(limit_s / typical_s)))


def _batches(setting: Setting, count: int) -> Array:
    return batch_order(setting.workload, setting.dataset, setting.seed, count)


def _looked_up(
    outcome: Outcome, setting: Setting, groups: list[Group], samples: int, chooser: random.Random
) -> list[Check]:
    """The checks of all answers, booked as the oracle's time."""
    started = time.monotonic()
    checks = check_answers(setting, groups, samples, chooser)
    outcome.oracle_s += time.monotonic() - started
    return checks


def _claimed_by_request(window: dict[str, Any]) -> dict[str, Any]:
    return {**window, "claimed_ns": sum(window["latencies_ns"])}


def _conclude(setting: Setting, outcome: Outcome, checks: list[Check]) -> None:
    failed = [check for check in checks if not check.passed]
    outcome.payload["parity"] = {"passed": not failed, "checks": [check.to_json() for check in checks]}
    loading = [check for check in failed if check.check == "weights"]
    if loading:
        outcome.findings.append(loading_finding(loading))
    elif failed:
        outcome.findings.append(Finding("parity", codes.WRONG_RESULT, _sentence(failed[0])))
    outcome.conclude(setting.detectors)


def _sentence(check: Check) -> str:
    if check.check == "follows":
        return f"answers did not follow when the weights were changed: {check.sentence}"
    return check.sentence
