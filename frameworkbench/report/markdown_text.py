"""Text as Markdown: nothing that a name or a reason holds may become markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")


def escape(text: str) -> str:
    """Text that Markdown and HTML leave alone, on one line, safe in a table cell."""
    flat = " ".join(str(text).split())
    return _SPECIAL.sub(r"\\\1", html.escape(flat, quote=False))


def code(text: str) -> str:
    """Inline code with a fence longer than any run of backticks inside; pipes are kept out of tables."""
    flat = " ".join(str(text).split())
    fence = "`" * (_longest_run(flat) + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{space}{flat}{space}{fence}"


def block(text: str) -> str:
    """A fenced block that nothing inside can close."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; ``head`` is trusted, cells are escaped here."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def heading(level: int, text: str) -> str:
    """A heading; the text is trusted."""
    return f"{'#' * level} {text}"


def strong(text: str) -> str:
    """Text that stands out; it is trusted."""
    return f"**{text}**"


def bullets(lines: Iterable[str]) -> str:
    """A list; lines are escaped here."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def image(path: str, alt: str, caption: str) -> str:
    """A picture from a file beside the report, with a caption below it; ``path`` is the report's own."""
    return f"![{escape(alt)}]({path})\n\n{escape(caption)}"


def folded(summary: str, body: str) -> str:
    """What most readers skip: shown on a click where HTML is understood, and plainly elsewhere."""
    return f"<details><summary>{escape(summary)}</summary>\n\n{body}\n\n</details>"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
