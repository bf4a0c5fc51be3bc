"""Collect the texts of reports, bring the message catalogues up to date, and compile them: ``make messages``.

New texts appear in ``locale/*/LC_MESSAGES/frameworkbench.po`` with an empty translation; texts that nobody says any
more disappear. Nothing about the moment of the run is written, so doing it twice changes nothing.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "frameworkbench" / "report" / "locale"

# What takes a text: in Python, in templates (also through Jinja's own functions), and in the page's script.
KEYWORDS = dict.fromkeys(("phrase", "marked", "say", "t", "_", "gettext"), None)
SOURCES = [("**.py", "python"), ("**.j2", "jinja2"), ("**.js", "javascript")]


def collected() -> list[str]:
    """Every text that a report may say, sorted."""
    # Babel remarks on every f-string that is a field of a sentence; those are values, no texts.
    with contextlib.redirect_stderr(io.StringIO()):
        found = {
            str(text)
            for _, _, text, _, _ in extract_from_dir(ROOT / "frameworkbench", SOURCES, keywords=KEYWORDS)
            if text
        }
    return sorted(found)


def updated(catalogue: Catalog, texts: list[str]) -> Catalog:
    """The catalogue with exactly these texts; known translations stay, others are empty."""
    template = Catalog()
    for text in texts:
        template.add(text)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    for message in catalogue:
        # Templates are str.format ones; a per cent sign in them is one.
        message.flags -= {"python-format", "python-brace-format"}
    return catalogue


def read(path: Path) -> Catalog:
    """A catalogue as it is on disk."""
    with path.open("rb") as file:
        return read_po(file)


def main() -> int:
    """Update and compile every catalogue; the exit code is 1 while a text has no translation."""
    missing = 0
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        catalogue = updated(read(path), collected())
        with path.open("wb") as file:
            write_po(file, catalogue, width=120, no_location=True, sort_output=True)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)
        empty = [str(message.id) for message in catalogue if message.id and not message.string]
        missing += len(empty)
        for text in empty:
            print(f"{path.parts[-3]}: no translation: {text}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
