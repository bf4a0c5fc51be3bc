"""From records to facts: statistics, parity verdicts, comparability and verdict codes."""
