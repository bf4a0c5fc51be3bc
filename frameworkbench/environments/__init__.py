"""One isolated environment per adapter: created from a lock, verified against it, or the user's own.

Frameworks clash over their dependencies, and a number means nothing when nobody knows which
packages produced it. An ``Interpreter`` says exactly that.
"""

from frameworkbench.environments.directory import list_environments
from frameworkbench.environments.managed import ensure, find, remove, verify
from frameworkbench.environments.model import (
    ENVIRONMENT_FAILED,
    ENVIRONMENT_MISMATCH,
    ENVIRONMENT_MISSING,
    NO_INTERPRETER,
    NO_UV,
    EnvironmentEntry,
    EnvironmentSpec,
    Interpreter,
    Kind,
)
from frameworkbench.environments.probe import core, use_external

__all__ = [
    "ENVIRONMENT_FAILED",
    "ENVIRONMENT_MISMATCH",
    "ENVIRONMENT_MISSING",
    "NO_INTERPRETER",
    "NO_UV",
    "EnvironmentEntry",
    "EnvironmentSpec",
    "Interpreter",
    "Kind",
    "core",
    "ensure",
    "find",
    "list_environments",
    "remove",
    "use_external",
    "verify",
]
