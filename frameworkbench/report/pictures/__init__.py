"""Pictures beside a Markdown report: SVG files, the same bytes for the same records in every language.

What a picture shows is collected first as plain points (``points``), then drawn. Inside a picture stand names, numbers
and English axis labels only; what it means is said in a caption in the report's language, and a table with the same
numbers is always near.
"""

from __future__ import annotations

from .files import FOLDER, Picture, album

__all__ = ["FOLDER", "Picture", "album"]
