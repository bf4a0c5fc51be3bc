"""After a window nothing may be left to do, to change or to compute (method T3).

A worker that has drained is asked for its weights twice, left alone for a moment, and asked again. Work that was
only queued shows in the first export's time, work on the side in changed weights or in CPU-seconds.

Two later exports stand against the first, because one can be quick by chance: of nine on a card one was (76 ms among 96
to 135), and by it alone an honest row would have been accused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .findings import Finding

# The first export may be slower than both later ones by this much without meaning anything: page faults, first use.
_EXPORT_ALLOWANCE_S = 0.05
_EXPORT_SHARE = 0.05
# The kernel cuts CPU time to ticks: a difference of two readings may be two of them too small (20 ms).
_TICKS_S = 0.02
# Thread pools spin for a while after work (OpenMP by default up to 200 ms); only what follows counts.
GRACE_S = 0.2
QUIET_S = 0.2
# Spinning is counted in turns, so on a busy machine it lasts longer: the worker is looked at again. Its weights are
# compared after the last look, so nothing that matters is gained by outlasting the first.
LOOKS = 3
# A tick or two and housekeeping threads. A busy process burns all of it, and half where it has to share a core.
_QUIET_SHARE = 0.2
# On a machine where many share the cores it gets less, but is ready to run all the time. A housekeeping thread is so
# for a moment, longer where it has to wait for its turn.
_QUIET_RUNNABLE = 0.6


@dataclass(frozen=True, slots=True)
class Quiet:
    """What the parent saw after a window.

    Attributes:
        window_s: length of the window before.
        first_export_s: time of the first export by the parent's clock.
        second_export_s: of the second.
        third_export_s: of the third, after the worker was left alone.
        export_excess_cpu_s: CPU-seconds of the worker's process tree in the first export less those in the second,
            without the kernel's; None where they cannot be read, or where a device works that has no CPU time.
        sha256: hash of the weights in each of the three exports.
        cpu_s: CPU-seconds of the worker's process tree while it was left alone, in the quietest of the looks; None
            where it cannot be read.
        runnable: threads that ran or were ready to run in that time, on average; None where it cannot be read.
        quiet_s: for how long.
        children: processes of the worker's tree besides itself.
    """

    window_s: float
    first_export_s: float
    second_export_s: float
    third_export_s: float
    export_excess_cpu_s: float | None
    sha256: tuple[str, str, str]
    cpu_s: float | None
    runnable: float | None
    quiet_s: float
    children: int

    def to_json(self) -> dict[str, Any]:
        """Plain data for the record."""
        return {
            "window_s": round(self.window_s, 6),
            "first_export_s": round(self.first_export_s, 6),
            "second_export_s": round(self.second_export_s, 6),
            "third_export_s": round(self.third_export_s, 6),
            "export_excess_cpu_s": self.export_excess_cpu_s,
            "changed": self.sha256[0] != self.sha256[2],
            "cpu_s": self.cpu_s,
            "runnable": self.runnable,
            "quiet_s": round(self.quiet_s, 4),
            "children": self.children,
        }


def judge(seen: Quiet) -> list[Finding]:
    """Residual work, late mutation, foreign work.

    Work that is left over is computed by the process itself, so it takes the process's own CPU time as well as time.
    An export that only had to wait for a core does not, nor one for which the kernel had to find memory: pages that lay
    unused while others had their turns once cost it 50 ms for 10 MB of weights.
    """
    findings = []
    later = max(seen.second_export_s, seen.third_export_s)
    excess = seen.first_export_s - later
    if seen.export_excess_cpu_s is not None:
        excess = min(excess, seen.export_excess_cpu_s + _TICKS_S)
    if excess > max(_EXPORT_ALLOWANCE_S, _EXPORT_SHARE * seen.window_s):
        reason = (
            f"after a window of {seen.window_s:.2f} s the first export took {seen.first_export_s:.3f} s, later ones "
            f"{later:.3f} s at most: work was left over when the window was said to have ended"
        )
        findings.append(Finding("residual", "RESIDUAL_WORK", reason))
    if len(set(seen.sha256)) != 1:
        reason = f"the weights changed within {GRACE_S + seen.quiet_s:.1f} s after a window had ended"
        findings.append(Finding("late", "LATE_MUTATION", reason))
    if seen.cpu_s is not None and busy(seen.cpu_s, seen.quiet_s, seen.runnable):
        ready = "" if seen.runnable is None else f" and kept {seen.runnable:.1f} threads ready to run"
        reason = (
            f"the worker's processes burnt {seen.cpu_s:.2f} CPU-seconds{ready} within {seen.quiet_s:.2f} s in which "
            f"nothing was asked of them ({seen.children} further processes)"
        )
        findings.append(Finding("quiet", "FOREIGN_WORK", reason))
    return findings


def busy(cpu_s: float, wall_s: float, runnable: float | None) -> bool:
    """Whether so many CPU-seconds within so many seconds, or so many threads ready to run, are more than rest."""
    return cpu_s > _QUIET_SHARE * wall_s or (runnable is not None and runnable > _QUIET_RUNNABLE)
