"""The passes: what the parent asks of one worker process to prove, time, weigh or train a cell.

Each pass is one fresh process (a search for capacity takes several) and gives one outcome. Comparing with the
reference happens after the worker has delivered, so that it never disturbs a timing.
"""

from .accuracy import accuracy
from .capacity import capacity
from .infer import prove_inference, time_inference
from .memory import memory
from .outcome import Outcome
from .pilot import pilot
from .proof import draw_snapshot_steps, proof
from .speed import speed

__all__ = [
    "Outcome",
    "accuracy",
    "capacity",
    "draw_snapshot_steps",
    "memory",
    "pilot",
    "proof",
    "prove_inference",
    "speed",
    "time_inference",
]
