"""The passes: what the parent asks of one worker process to prove, time or train a cell.

Each pass is one fresh process and gives one outcome. Comparing with the reference happens after the worker
has delivered, so that it never disturbs a timing.
"""

from .accuracy import accuracy
from .outcome import Outcome
from .proof import draw_snapshot_steps, proof
from .speed import speed

__all__ = ["Outcome", "accuracy", "draw_snapshot_steps", "proof", "speed"]
