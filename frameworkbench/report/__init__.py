"""Records → plain rows → JSON, Markdown and HTML."""

from .write import render_report, write_report

__all__ = ["render_report", "write_report"]
