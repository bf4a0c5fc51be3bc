"""Chains of one run against each other: is each session's end there, and does each know the ones before it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..store.chain import Chain, named_heads
from .findings import MISSING_RUNS, TAMPER, UNCLOSED, Finding


def check_sessions(chains: Mapping[str, Chain]) -> Iterator[Finding]:
    """Cut tails, added records and added chains."""
    for chain in chains.values():
        if chain.last:
            yield from _check_end(chain, chains)
            yield from _check_known(chain, chains)


def _check_end(chain: Chain, chains: Mapping[str, Chain]) -> Iterator[Finding]:
    """Nothing may follow a session's closing record or the record that a later chain names as the last."""
    closing = min((number for number, record in chain.records.items() if record["kind"] == "run"), default=None)
    heads = [
        (other, head) for other in chains.values() for head in named_heads(other) if head["writer"] == chain.writer
    ]
    ends = {head["sequence"]: f"{other.file(1)} names record {head['sequence']} as the last" for other, head in heads}
    if closing is not None:
        ends[closing] = f"record {closing} closes the session"
        counted = chain.records[closing]["payload"].get("records", closing)
        if counted != closing:
            what = f"record {closing} closes the session and counts {counted} records"
            yield Finding(chain.file(closing), MISSING_RUNS, what)
    if ends:
        end = min(ends)
        for number in (number for number in chain.numbers if number > end):
            yield Finding(chain.file(number), TAMPER, f"added afterwards: {ends[end]}")
    if closing is None and chain.last in chain.records:
        yield _unclosed(chain, bool(heads))


def _unclosed(chain: Chain, vouched: bool) -> Finding:
    file = chain.file(chain.last)
    if vouched:
        what = "last record of a session that was killed; a later session vouches for it"
        return Finding(file, UNCLOSED, what, grave=False)
    if not any("sha256" in record for record in chain.records.values()):
        what = "last record of a session that was killed, by an older version: whether more followed cannot be told"
        return Finding(file, UNCLOSED, what, grave=False)
    return Finding(
        file,
        UNCLOSED,
        "no closing record follows: the session was killed, or later records were dropped; "
        "start the same run again to close it",
    )


def _check_known(chain: Chain, chains: Mapping[str, Chain]) -> Iterator[Finding]:
    """A chain that a later one does not name was put there afterwards."""
    first = chain.records.get(1)
    if first is None:
        return
    for later in chains.values():
        start = later.records.get(1)
        if start is None or "after" not in start or start["started"] <= first["started"]:
            continue
        if chain.writer not in {head["writer"] for head in named_heads(later)}:
            what = f"chain added afterwards: {later.file(1)}, a session that started later, does not know it"
            yield Finding(chain.file(1), TAMPER, what)
            return
