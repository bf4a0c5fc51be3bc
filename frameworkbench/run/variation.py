"""What nobody can hold fixed is drawn anew for each worker process.

Where a process lands in memory, how long its environment and working folder are and how its hashes are seeded can
shift a measurement by per cents. Nobody can hold these fixed, so each process draws its own; what was drawn is kept.

Source: Mytkowicz, Diwan, Hauswirth and Sweeney 2009, "Producing wrong data without doing anything obviously wrong",
ASPLOS (environment size); Kalibera and Jones 2013 (randomise what cannot be controlled).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_MOST_PADDING = 4096  # bytes of environment: one page, so that the stack starts anywhere within it
_MOST_SUFFIX = 48  # letters of the working folder's name
_HASH_SEEDS = 2**32 - 1
_PADDING = "PADDING"


@dataclass(frozen=True, slots=True)
class Variation:
    """What was drawn for one process."""

    hash_seed: int
    padding_bytes: int
    folder_suffix: int

    @property
    def environment(self) -> dict[str, str]:
        """Variables that carry it out."""
        return {"PYTHONHASHSEED": str(self.hash_seed), _PADDING: "x" * self.padding_bytes}

    def to_json(self) -> dict[str, int]:
        """Plain data for the record."""
        return {
            "hash_seed": self.hash_seed,
            "padding_bytes": self.padding_bytes,
            "folder_suffix": self.folder_suffix,
        }


def draw(chooser: random.Random) -> Variation:
    """A variation that no adapter can foresee."""
    return Variation(
        hash_seed=chooser.randrange(_HASH_SEEDS),
        padding_bytes=chooser.randrange(_MOST_PADDING),
        folder_suffix=chooser.randrange(1, _MOST_SUFFIX),
    )
