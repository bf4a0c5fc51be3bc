"""Provenance of runs."""
