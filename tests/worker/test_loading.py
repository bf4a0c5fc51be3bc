"""How a worker loads an adapter's file."""

from __future__ import annotations

from pathlib import Path

from frameworkbench.worker.session import Session

_ADAPTER = """
from .parts import WORD
class Adapter:
    def __init__(self, settings): pass
    def effective(self): return {"word": WORD, "name": __name__}
ADAPTER = Adapter
"""


def test_an_adapter_may_import_the_modules_beside_it(tmp_path: Path) -> None:
    """The folder counts as a private package: relative imports work, and two adapters do not meet."""
    answers = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter.py").write_text(_ADAPTER, encoding="utf-8")
        (folder / "parts.py").write_text(f"WORD = {name!r}\n", encoding="utf-8")
        session = Session(lambda event: None)
        settings = {"mode": "m", "device": "cpu", "threads": 1, "precision": "float32", "lane": "matched", "seed": 0}
        session.op_start(str(folder / "adapter.py"), {**settings, "compile_cache": ""})
        answers.append(session.adapter.effective())

    assert [answer["word"] for answer in answers] == ["one", "two"]
    assert answers[0]["name"] != answers[1]["name"]
