"""Does a class fulfil the adapter contract? Asked where the framework is, before anything of it is called.

Runs on Python 3.10 and newer.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from ..adapter import Adapter


def problems(adapter_class: object) -> list[str]:
    """What is wrong with the class that an adapter file names, one sentence each; empty if nothing is.

    A function that makes the adapter is looked at once it has made one.
    """
    if inspect.isfunction(adapter_class):
        return []
    if not inspect.isclass(adapter_class) or not issubclass(adapter_class, Adapter):
        return [f"ADAPTER is {adapter_class!r:.80}, not a subclass of frameworkbench.adapter.Adapter"]
    missing = sorted(getattr(adapter_class, "__abstractmethods__", ()))
    found = [f"method {name}{_wanted(name)} is missing" for name in missing]
    for name, method in inspect.getmembers(Adapter, inspect.isfunction):
        if name not in missing and (name == "__init__" or not name.startswith("_")):
            found += _signature(adapter_class, name, inspect.signature(method))
    return found


def _signature(adapter_class: type, name: str, wanted: inspect.Signature) -> list[str]:
    """Whether the method takes what the harness hands over: by position, or by the contract's names."""
    method = inspect.getattr_static(adapter_class, name)
    if not inspect.isfunction(method):
        return [f"{name} is {type(method).__name__}, not a method"]
    count = len(wanted.parameters)
    try:
        inspect.signature(method).bind(*[None] * count)
    except TypeError as problem:
        own = str(inspect.signature(method)).replace("'", "")  # annotations are texts here
        return [f"method {name}{own} does not take ({_listed(wanted.parameters)}): {problem}"]
    return []


def _wanted(name: str) -> str:
    return f"({_listed(inspect.signature(getattr(Adapter, name)).parameters)})"


def _listed(parameters: Mapping[str, inspect.Parameter]) -> str:
    return ", ".join(parameters)
