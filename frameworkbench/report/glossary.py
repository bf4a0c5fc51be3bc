"""The words of a report, explained once."""

from __future__ import annotations

from ..phrase import marked
from .messages import Language

MEMORY_NOTE = marked(
    "Peak resident memory of the process tree in each phase, from processes of their own that are never timed."
)
LATENCY_NOTE = marked(
    "Batch size 1, one request after the other, from the input on the device to the logits on the host; quantiles "
    "within each process, then the geometric mean over processes with a 95 % interval."
)
GLOSSARY = (
    (
        marked("framework and mode"),
        marked(
            "a row's name, framework:mode. A mode is one of the framework's ways to execute a model: eager (operation "
            "by operation, as written), graph (recorded first, then run as a whole) or compiled (translated to code "
            "for this machine first)."
        ),
    ),
    (
        marked("workload"),
        marked("a model with its data, batch size, optimizer and limits: one file, the same for every framework."),
    ),
    (marked("batch size"), marked("samples in one training step.")),
    (marked("threads"), marked("how many processor cores a row may use at once.")),
    (
        marked("float32"),
        marked(
            "numbers with 32 bits, the usual precision; tf32 and bfloat16 have fewer digits and are faster on some "
            "cards."
        ),
    ),
    (
        marked("suite"),
        marked("what a run measures and how often: smoke, quick, standard or rigorous."),
    ),
    (
        marked("seed"),
        marked("where random numbers start: another seed is another order of samples and other initial weights."),
    ),
    (
        marked("confidence"),
        marked("how often an interval that was made this way holds the true value: 95 times in 100."),
    ),
    (
        marked("step"),
        marked("one update of the weights from one batch of samples; an epoch is one pass over all training samples."),
    ),
    (
        marked("proved"),
        marked(
            "the harness itself checked logits, loss, gradients, optimizer steps, a loss trajectory and the weights "
            "against a float64 reference; without that no number is shown."
        ),
    ),
    (
        marked("parity"),
        marked(
            "the check nearest to its limit, with its error; limits are part of the workload and fixed before the run."
        ),
    ),
    (
        marked("throughput"),
        marked(
            "samples per second in the steady state, trained or answered: geometric mean over fresh processes, with a "
            "95 % t-interval on the logarithms."
        ),
    ),
    (
        marked("95 % interval"),
        marked(
            "where the true value lies as far as this many processes can tell; two rows whose intervals overlap widely "
            "are not shown to differ."
        ),
    ),
    (
        marked("latency"),
        marked(
            "time of one request from the staged input to its logits on the host; p50, p95 and p99 are what half, 95 % "
            "and 99 % of a process's requests stayed below. Jitter is p99 − p50."
        ),
    ),
    (
        marked("median"),
        marked(
            "of the processes; for a pair the Hodges-Lehmann estimate over paired blocks, which a few odd blocks "
            "cannot move. Where it disagrees with the mean, the pair is inconclusive."
        ),
    ),
    (marked("n"), marked("number of fresh processes; each is one observation, however many steps it ran.")),
    (
        marked("block"),
        marked("one fresh process of every row, in a new random order: what one comparison of two rows is made of."),
    ),
    (
        marked("time to first step"),
        marked(
            "import, build and first step (in inference: first answer) together: cold with empty compile caches, warm "
            "with filled ones."
        ),
    ),
    (
        marked("peak memory"),
        marked(
            "largest resident memory of the process tree in a process that is weighed and never timed; where there was "
            "no such process, of a timed one (median over processes)."
        ),
    ),
    ("LEAK_MEM", marked("memory grows with every step, by more than 1 % of the peak over 200 steps.")),
    (
        "MEM_HIDDEN",
        marked("other processes that the worker started hold more than a fifth of the memory; they are counted."),
    ),
    ("MEM_MODE", marked("the framework's own count of device memory contradicts the device's.")),
    (
        marked("largest batch"),
        marked("most samples in one step with which 20 steps trained within a cap on resident memory."),
    ),
    (
        marked("accuracy"),
        marked("share of right answers on the whole test set, computed by the harness from the exported weights."),
    ),
    (
        "CONVERGENCE",
        marked(
            "⚑: the accuracy lies outside the band in which the reference's own trainings, from other seeds, make it "
            "lie 99.9 times in 100, or is reached sooner; a flag for review, not a verdict."
        ),
    ),
    (
        marked("faster"),
        marked(
            "the Holm-adjusted 95 % interval of the paired ratio excludes 1 and the ratio is beyond the difference "
            "that was fixed before the run."
        ),
    ),
    (
        marked("detectable but small"),
        marked("the interval excludes 1, but the ratio is within that difference."),
    ),
    (marked("practically tied"), marked("the whole interval lies within that difference on both sides.")),
    (
        marked("inconclusive"),
        marked("none of these: more blocks are needed to tell, and the report says how many."),
    ),
    (
        marked("A/A control"),
        marked(
            "one row entered twice under two names. If it wins against itself, every verdict of its group is invalid."
        ),
    ),
    (
        marked("noise floor δ₀"),
        marked(
            "half the width of the control's 95 % interval: where it exceeds the difference that counts, no winner is "
            "named."
        ),
    ),
    (
        marked("noisy"),
        marked("the run was disturbed more often than it may repeat blocks: numbers with intervals, no winners."),
    ),
    (
        marked("break-even"),
        marked("the training step at which a row that starts later has overtaken the other one."),
    ),
    (
        marked("Pareto front"),
        marked("the rows that no other row beats in everything shown; which of them to take depends on what matters."),
    ),
    (marked("rank"), marked("a tier: rows that share a rank are not shown to differ by enough to matter.")),
    (
        marked("main mode"),
        marked("the mode that an adapter declares as its framework's usual one; only main modes are ranked."),
    ),
    (
        marked("reference"),
        marked("the harness's own simple implementation (the oracle); shown for scale, never ranked."),
    ),
    (
        marked("lane"),
        marked("default: as the framework ships; matched: threads and precision equalised; tuned: each at its best."),
    ),
    (
        "HANDICAP",
        marked(
            "the same row is more than 1.5 times as fast in another lane, and the 95 % interval of that ratio lies "
            "above 1.5: the matched settings hold the framework back."
        ),
    ),
    (marked("synthetic"), marked("generated stand-in data: fit to compare speed, not to judge accuracy.")),
    (marked("unverified"), marked("run by one party on one machine; nobody else has reproduced it yet.")),
)


def glossary(words: Language) -> tuple[tuple[str, str], ...]:
    """Every word with its meaning, in a language."""
    return tuple((words.translate(word), words.translate(meaning)) for word, meaning in GLOSSARY)
