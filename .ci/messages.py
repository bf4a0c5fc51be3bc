"""Collect the texts of reports, bring the message catalogues up to date, and compile them: ``make messages``.

New texts appear in ``locale/*/LC_MESSAGES/frameworkbench.po`` with an empty translation; texts that nobody says any
more disappear. Nothing about the moment of the run is written, so doing it twice changes nothing.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from frameworkbench.claims import shipped_claims
from frameworkbench.facts import VOCABULARY, shipped_facts

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "frameworkbench" / "report" / "locale"

# What takes a text: everywhere, in Python, in templates (also through Jinja's own function) and in the page's script.
KEYWORDS = dict.fromkeys(("phrase", "marked", "t", "_", "gettext"), None)
# A report's own texts in Python; elsewhere a function of this name takes the name of a text.
REPORT_KEYWORDS = {**KEYWORDS, "say": None}
SOURCES = [("report/**.j2", "jinja2"), ("report/**.js", "javascript")]

# Stated facts that are sentences and no names.
FREE_FACTS = ("documentation", "community")


def collected() -> list[str]:
    """Every text that a report may say, sorted."""
    package = ROOT / "frameworkbench"
    # Babel remarks on every f-string that is a field of a sentence; those are values, no texts.
    with contextlib.redirect_stderr(io.StringIO()):
        found = [
            *extract_from_dir(package, [("**.py", "python")], keywords=KEYWORDS),
            *extract_from_dir(package / "report", [("**.py", "python")], keywords=REPORT_KEYWORDS),
            *extract_from_dir(package, SOURCES, keywords=KEYWORDS),
        ]
    return sorted({str(text) for _, _, text, _, _ in found if text} | set(_of_content()))


def _of_content() -> Iterator[str]:
    """Texts of the files that are data: claims, what can be stated of a framework, and sentences stated of one."""
    for claim in shipped_claims():
        yield from (claim.text, claim.how, *(stated.text for stated in claim.stated if stated.text))
        yield from (str(claim.options[key]) for key in ("reason",) if key in claim.options)
    for topic in VOCABULARY.values():
        yield from (topic.title, *topic.allowed.values())
    for facts in shipped_facts().values():
        yield from (facts[key].text for key in FREE_FACTS if key in facts)


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
