"""Records → plain rows → JSON, Markdown and HTML."""

from .write import languages_of, render_report, report_content, write_content, write_report

__all__ = ["languages_of", "render_report", "report_content", "write_content", "write_report"]
