"""Frameworks that older comparisons measured and that can no longer be installed, with the reason and a successor.

They are data (``adapters/retired.toml``): a reader who looks for one finds out why it is missing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .content import content_dir
from .errors import SpecError
from .spec.fields import Fields
from .written_files import read_toml


@dataclass(frozen=True, slots=True)
class Retired:
    """One framework that is gone.

    Attributes:
        name: as in older comparisons.
        title: in full.
        last_release: version and date.
        reason: why it cannot be measured, a sentence.
        successor: what its users moved to.
        source: pages that say so.
    """

    name: str
    title: str
    last_release: str
    reason: str
    successor: str
    source: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data for manifests and scripts."""
        return {**asdict(self), "source": list(self.source)}


def load_retired() -> tuple[Retired, ...]:
    """All retired frameworks, in the order of the file; none where there is no file.

    Raises:
        SpecError: an entry is incomplete or has an unknown key.
    """
    file = content_dir("adapters") / "retired.toml"
    if not file.is_file():
        return ()
    table = read_toml(file)
    return tuple(_read(entry, f"{file}: retired[{n}]") for n, entry in enumerate(table.get("retired", [])))


def _read(entry: object, where: str) -> Retired:
    fields = Fields(entry, where)
    texts = {key: fields.required(key, str) for key in ("name", "title", "last_release", "reason", "successor")}
    source = tuple(str(page) for page in fields.required("source", list))
    fields.done()
    if not source:
        raise SpecError(f"{where}: source", "empty", expected="at least one page")
    return Retired(**texts, source=source)
