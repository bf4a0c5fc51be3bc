"""From a run and stated facts to an answer: filters → Pareto front → weights → stability → sentences.

Guidance says what the evidence supports and no more: it names a framework only when that one stays first in at least
four of five cases with other weights and measurement noise, and otherwise says what the choice turns on
(docs/guidance.md).
"""

from .advice import advise
from .presets import PRESETS, presets_json
from .questions import QUESTIONS, questions_json, read_answers
from .table import guidance_table

__all__ = ["PRESETS", "QUESTIONS", "advise", "guidance_table", "presets_json", "questions_json", "read_answers"]
