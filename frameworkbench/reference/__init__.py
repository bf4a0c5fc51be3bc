"""The oracle: every layer, loss and optimizer of ``frameworkbench.spec`` in NumPy, with gradients derived by hand.

It is the judge of the parity proof, so it is simple, computes in float64 and shares no code with anything that it
judges. Gradients are checked against central finite differences in ``tests/reference``.
"""

from .evaluate import Evaluation, evaluate
from .initialise import initial_weights, probe_weights
from .loss import decide, loss_and_logit_gradient
from .network import Network
from .optimizers import OptimizerState
from .trajectory import Trajectory, run_trajectory

__all__ = [
    "Evaluation",
    "Network",
    "OptimizerState",
    "Trajectory",
    "decide",
    "evaluate",
    "initial_weights",
    "loss_and_logit_gradient",
    "probe_weights",
    "run_trajectory",
]
