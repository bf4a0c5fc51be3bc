"""Provenance: what a run's files say about themselves, recomputed offline, and what of it no longer fits."""
