"""The words of a report, explained once."""

from __future__ import annotations

MEMORY_NOTE = (
    "Peak resident memory of the process tree in each phase, from processes of their own that are never timed."
)
LATENCY_NOTE = (
    "Batch size 1, one request after the other, from the input on the device to the logits on the host; quantiles "
    "within each process, then the geometric mean over processes with a 95 % interval."
)
GLOSSARY = (
    (
        "proved",
        "the harness itself checked logits, loss, gradients, optimizer steps, a loss trajectory and the weights "
        "against a float64 reference; without that no number is shown.",
    ),
    (
        "parity",
        "the check nearest to its limit, with its error; limits are part of the workload and fixed before the run.",
    ),
    (
        "throughput",
        "samples per second in the steady state, trained or answered: geometric mean over fresh processes, with a "
        "95 % t-interval on the logarithms.",
    ),
    (
        "latency",
        "time of one request from the staged input to its logits on the host; p50, p95 and p99 are what half, 95 % and "
        "99 % of a process's requests stayed below. Jitter is p99 − p50.",
    ),
    (
        "median",
        "of the processes; for a pair the Hodges-Lehmann estimate over paired blocks, which a few odd blocks cannot "
        "move. Where it disagrees with the mean, the pair is inconclusive.",
    ),
    ("n", "number of fresh processes; each is one observation, however many steps it ran."),
    (
        "time to first step",
        "import, build and first step (in inference: first answer) together: cold with empty compile caches, warm with "
        "filled ones.",
    ),
    (
        "peak memory",
        "largest resident memory of the process tree in a process that is weighed and never timed; where there was no "
        "such process, of a timed one (median over processes).",
    ),
    ("LEAK_MEM", "memory grows with every step, by more than 1 % of the peak over 200 steps."),
    ("MEM_HIDDEN", "other processes that the worker started hold more than a fifth of the memory; they are counted."),
    ("MEM_MODE", "the framework's own count of device memory contradicts the device's."),
    ("largest batch", "most samples in one step with which 20 steps trained within a cap on resident memory."),
    (
        "accuracy",
        "share of right answers on the whole test set, computed by the harness from the exported weights.",
    ),
    (
        "CONVERGENCE",
        "⚑: the accuracy lies outside the band in which the reference's own trainings, from other seeds, make it lie "
        "99.9 times in 100, or is reached sooner; a flag for review, not a verdict.",
    ),
    (
        "faster",
        "the Holm-adjusted 95 % interval of the paired ratio excludes 1 and the ratio is beyond the difference "
        "that was fixed before the run.",
    ),
    ("detectable but small", "the interval excludes 1, but the ratio is within that difference."),
    ("practically tied", "the whole interval lies within that difference on both sides."),
    ("inconclusive", "none of these: more blocks are needed to tell, and the report says how many."),
    (
        "A/A control",
        "one row entered twice under two names. If it wins against itself, every verdict of its group is invalid.",
    ),
    (
        "noise floor δ₀",
        "half the width of the control's 95 % interval: where it exceeds the difference that counts, no winner is "
        "named.",
    ),
    ("noisy", "the run was disturbed more often than it may repeat blocks: numbers with intervals, no winners."),
    (
        "break-even",
        "the training step at which a row that starts later has overtaken the other one.",
    ),
    ("rank", "a tier: rows that share a rank are not shown to differ by enough to matter."),
    ("main mode", "the mode that an adapter declares as its framework's usual one; only main modes are ranked."),
    ("reference", "the harness's own simple implementation (the oracle); shown for scale, never ranked."),
    ("lane", "default: as the framework ships; matched: threads and precision equalised; tuned: each at its best."),
    (
        "HANDICAP",
        "the same row is more than 1.5 times as fast in another lane, and the 95 % interval of that ratio lies above "
        "1.5: the matched settings hold the framework back.",
    ),
    ("synthetic", "generated stand-in data: fit to compare speed, not to judge accuracy."),
    ("unverified", "run by one party on one machine; nobody else has reproduced it yet."),
)
