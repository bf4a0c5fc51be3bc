"""The harness itself under test."""
