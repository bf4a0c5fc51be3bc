"""The little of PEP 440 and PEP 503 that environments need.

The core must work from a plain checkout, where the ``packaging`` library may be absent, and needs
only three questions answered: is this Python in the adapter's range, is this installed version the
locked one, are these two names the same distribution.

Source:
    https://packaging.python.org/en/latest/specifications/version-specifiers/ and .../name-normalization/
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|~=|>|<)\s*(\d+(?:\.\d+)*)(\.\*)?\s*")


def release(version: str) -> tuple[int, ...]:
    """Give the leading numbers of a version: ``3.13.0rc1`` gives ``(3, 13, 0)``."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def minor(version: str) -> str:
    """Give the ``major.minor`` part of a Python version."""
    return ".".join(str(part) for part in release(version)[:2])


def in_range(version: str, wanted: str) -> bool:
    """Tell whether a Python version lies in a range.

    Args:
        version: a version of Python; a minor version such as ``3.11`` stands for its first release.
        wanted: a PEP 440 range of release versions, such as ``>=3.10,<3.14``.

    Returns:
        Whether every clause holds.

    Raises:
        ValueError: the range has a clause that is not understood.
    """
    numbers = release(version)
    return all(_holds(numbers, clause) for clause in wanted.split(",") if clause.strip())


def normal_name(name: str) -> str:
    """Give the one spelling under which a distribution is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def public(version: str) -> str:
    """Give a version's public part in a form that compares equal when PEP 440 says equal.

    The local part (after the plus sign) names a build, not a version: an index may serve ``1.0+cpu``
    for the locked ``1.0``.
    """
    text = version.strip().lower().partition("+")[0].removeprefix("v")
    match = re.fullmatch(r"(\d+(?:\.\d+)*)(.*)", text)
    if not match:
        return text
    numbers = [int(part) for part in match.group(1).split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return ".".join(map(str, numbers)) + match.group(2).replace("-", "").replace("_", "")


def _holds(numbers: tuple[int, ...], clause: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if not match:
        raise ValueError(f"{clause.strip()!r} is not a clause such as '>=3.10' or '<3.14'")
    operator, bound, wildcard = match.group(1), release(match.group(2)), match.group(3)
    if operator == "~=":
        return numbers >= bound and numbers[: len(bound) - 1] == bound[:-1]
    if wildcard:
        same = numbers[: len(bound)] == bound
        return same if operator == "==" else not same
    width = max(len(numbers), len(bound))
    left = numbers + (0,) * (width - len(numbers))
    right = bound + (0,) * (width - len(bound))
    return {
        ">=": left >= right,
        "<=": left <= right,
        ">": left > right,
        "<": left < right,
        "==": left == right,
        "!=": left != right,
    }[operator]
