"""The error tree: what a caller can catch, and what a person reads.

    FrameworkbenchError
    ├── SpecError            a workload, protocol or adapter description is wrong
    ├── UsageError           the command line or API was asked for something impossible
    ├── DataError            a dataset file is missing, damaged or cannot be written
    ├── EnvironmentProblem   an adapter's environment could not be made or used (has a ``code``)
    ├── UnsupportedError     an adapter cannot run what the spec asks for (has a ``code``)
    ├── WorkerError          a worker process did not deliver its result (has a ``code``)
    ├── StoreError           a record could not be written or read
    └── MeasurementError     a measurement contradicts itself

Every message says what was wrong, where, what was expected, what was received, and the next step.
Runs on Python 3.10 because workers import it.
"""

from __future__ import annotations


class FrameworkbenchError(Exception):
    """Base of all errors that frameworkbench raises on purpose."""

    exit_code = 1


class SpecError(FrameworkbenchError):
    """A workload, protocol or adapter description is wrong."""

    exit_code = 2

    def __init__(self, where: str, problem: str, *, expected: str = "", received: object = None) -> None:
        self.where, self.problem, self.expected, self.received = where, problem, expected, received
        parts = [f"{where}: {problem}"]
        if expected:
            parts.append(f"expected {expected}")
        if received is not None:
            parts.append(f"received {received!r}")
        super().__init__("; ".join(parts))


class UsageError(FrameworkbenchError):
    """The command line or API was asked for something impossible."""

    exit_code = 2


class DataError(FrameworkbenchError):
    """A dataset file is missing, damaged or cannot be written."""

    exit_code = 3


class CodedError(FrameworkbenchError):
    """An error that ends up in a record: it carries a verdict code beside its message."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class EnvironmentProblem(CodedError):
    """An adapter's environment could not be made or used."""

    exit_code = 4


class UnsupportedError(CodedError):
    """An adapter cannot run what the spec asks for, and says so instead of pretending."""


class WorkerError(CodedError):
    """A worker process did not deliver its result."""


class StoreError(FrameworkbenchError):
    """A record could not be written or read."""

    exit_code = 5


class MeasurementError(FrameworkbenchError):
    """A measurement contradicts itself."""
