"""Accelerators as the harness sees them: drained through the driver, watched from outside, one run to a card.

``driver`` runs inside workers (standard library only, Python 3.10); everything else runs in the parent.
"""
