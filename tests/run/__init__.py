"""Tests; each states its intent in one sentence."""
