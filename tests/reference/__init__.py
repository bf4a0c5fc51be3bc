"""Tests of the oracle: against finite differences, scalar arithmetic and hand-counted cases."""
