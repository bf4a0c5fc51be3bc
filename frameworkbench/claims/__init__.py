"""Claims that somebody published, and what measurements or sourced facts say about them.

A claim is one file, ``claims/NAME.toml``: its words, who said it, and one test whose every limit is fixed there. The
verdict is computed anew from each report's content, so that no claim stays decided after the evidence has changed.
"""

from .model import Claim, load_claims, shipped_claims
from .rows import claims_for
from .verdict import CONTRADICTED, OPEN, SUPPORTED

__all__ = ["CONTRADICTED", "OPEN", "SUPPORTED", "Claim", "claims_for", "load_claims", "shipped_claims"]
