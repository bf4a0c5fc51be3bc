"""Windows of several processes in turns, so that what the machine does meanwhile meets all of them.

A shared machine is faster in one minute than in the next. Two processes timed one after the other differ by that; two
whose short windows alternate in a random order do not (method §1.1, point 3).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from .passes.outcome import Outcome, Turns


def in_turns(passes: Sequence[Turns], order: random.Random, between: Callable[[], None]) -> list[Outcome]:
    """Take passes to their ends, one turn of each in every round.

    In the first round each comes as far as its first window: it is launched, built and warmed up.

    Args:
        passes: not yet begun; all of them are ended on leaving, whatever happens.
        order: draws the order of each later round.
        between: called before and after each round of windows.

    Returns:
        What each pass came to, in the order of ``passes``.
    """
    outcomes: dict[int, Outcome] = {}
    with ExitStack() as stack:
        for one in passes:
            stack.callback(one.close)
        waiting = dict(enumerate(passes))
        while waiting:
            places = list(waiting)
            order.shuffle(places)
            for place in places:
                try:
                    next(waiting[place])
                except StopIteration as end:
                    outcomes[place] = end.value
                    del waiting[place]
            if waiting:
                between()
    return [outcomes[place] for place in range(len(passes))]


def alone(one: Turns) -> Outcome:
    """Take one pass to its end without a break."""
    return in_turns([one], random.Random(0), lambda: None)[0]


def at_once(work: Callable[[], Outcome]) -> Turns:
    """A pass that has no turns."""
    yield from ()
    return work()


class Metered:
    """A pass whose own time is counted, without that of the others' turns.

    Attributes:
        own_s: seconds so far.
    """

    def __init__(self, one: Turns) -> None:
        self._one = one
        self.own_s = 0.0

    def turns(self) -> Turns:
        """The same pass.

        Raises:
            WorkerError: the pass failed.
        """
        with closing(self._one):
            while True:
                began = time.monotonic()
                try:
                    next(self._one)
                except StopIteration as end:
                    outcome: Outcome = end.value
                    return outcome
                finally:
                    self.own_s += time.monotonic() - began
                yield
