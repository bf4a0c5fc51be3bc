"""Which pass proves and which pass times a cell: training and inference have their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import passes
from .link import Setting
from .passes import Outcome
from .passes.outcome import Turns
from .plan import Planned
from .session import Session

Work = Callable[[Setting, Path], Outcome]
Timing = Callable[[Setting, Path], Turns]


def proof_of(session: Session, planned: Planned) -> Work:
    """The pass that proves a cell."""
    chooser = session.chooser
    if planned.cell.task == "infer":
        return lambda setting, log: passes.prove_inference(setting, log, chooser=chooser)
    expected = session.expected(planned)
    return lambda setting, log: passes.proof(setting, expected, log, chooser=chooser)


def timing_of(session: Session, planned: Planned) -> Timing:
    """The pass that times a cell in one process of a block."""
    chooser = session.chooser
    if planned.cell.task == "infer":
        return lambda setting, log: passes.time_inference(setting, log, chooser=chooser)
    expected = session.expected(planned)
    return lambda setting, log: passes.speed(setting, expected, log, chooser=chooser)
