"""Verdict codes that the run engine writes into records, and which of them are worth a second try."""

from __future__ import annotations

from ..validity import findings

CRASH = "CRASH"
KILLED = "KILLED"
OUT_OF_MEMORY = "OUT_OF_MEMORY"
TIMEOUT = "TIMEOUT"
BAD_OUTPUT = "BAD_OUTPUT"
CLOCK_MISMATCH = "CLOCK_MISMATCH"
SETTINGS = "SETTINGS"
RESOURCE = "RESOURCE"
FALLBACK = "FALLBACK"
MODE_FALLBACK = "MODE_FALLBACK"
NO_COMPILER = "NO_COMPILER"
NO_INTERPRETER = "NO_INTERPRETER"
UNSUPPORTED_LAYER = "UNSUPPORTED_LAYER"
UNSUPPORTED_TASK = "UNSUPPORTED_TASK"
UNSUPPORTED_DEVICE = "UNSUPPORTED_DEVICE"
UNSUPPORTED_LANE = "UNSUPPORTED_LANE"
UNSUPPORTED_PRECISION = "UNSUPPORTED_PRECISION"
MODEL_MISMATCH = "MODEL_MISMATCH"
WRONG_RESULT = "WRONG_RESULT"

# The adapter says (or the harness sees) that it cannot do what was asked: an answer, not an accident.
UNSUPPORTED = frozenset({MODE_FALLBACK, NO_COMPILER, NO_INTERPRETER})
_UNSUPPORTED_PREFIX = "UNSUPPORTED_"  # UNSUPPORTED_LAYER, UNSUPPORTED_DEVICE, UNSUPPORTED_LOSS, …
INVALID = frozenset({SETTINGS, *findings.INVALID})

# Accidents that another process may not meet; a wrong answer or a time-out will only repeat itself.
RETRY = frozenset({CRASH, KILLED, BAD_OUTPUT})


def status_of(code: str) -> str:
    """Record status that belongs to a failure code."""
    if code in UNSUPPORTED or code.startswith(_UNSUPPORTED_PREFIX):
        return "unsupported"
    if code in findings.NOT_COMPARABLE:
        return "not_comparable"
    return "invalid" if code in INVALID else "failed"
