"""The commands that look at finished runs: verify one, compare two, write one in another tool's form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_output import Json, print_json, print_table
from .errors import StoreError, UsageError

if TYPE_CHECKING:
    from .analysis.gate import Gate
    from .analysis.summary import Summary

_NOT_INTACT = 5
# Outcome of a comparison → exit code; documented in docs/ci.md.
_GATE_CODES = {"no regression": 0, "regression": 1, "not comparable": 3, "nothing measured": 4}

RunDir = Annotated[Path, typer.Argument(help="Folder that `run` wrote.")]


def verify(
    run_dir: RunDir,
    report: Annotated[
        Path | None, typer.Option("--report", help="A report that must be, byte by byte, the one these records give.")
    ] = None,
    statement: Annotated[
        Path | None, typer.Option("--statement", help="Write the statement (in-toto, unsigned) about the run there.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="A statement kept elsewhere that the run must still fit.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a run offline: what was changed, dropped, reordered or added is named.

    Ends with 0 when the run is intact, and with 5 when anything does not fit.
    """
    from .provenance.statement import write_statement
    from .provenance.verify import verify_run

    found = verify_run(run_dir, report_dir=report, against=against)
    if statement is not None and found.intact:
        write_statement(run_dir, statement)
    if as_json:
        print_json(found.to_json())
    else:
        rows = [["✕" if item.grave else "·", item.file, item.code, item.what] for item in found.findings]
        if rows:
            print_table("", ["", "file", "code", "what"], rows)
        ending = "intact" if found.intact else "NOT INTACT"
        size = f"{found.records} records in {found.chains} chains, {found.files} files"
        typer.echo(f"{run_dir}: {ending}; {size}, sha256 {found.digest}")
    if not found.intact:
        raise typer.Exit(_NOT_INTACT)


def compare(
    baseline: Annotated[Path, typer.Argument(help="Run folder to compare with.")],
    new: Annotated[Path, typer.Argument(help="Run folder that must not be slower.")],
    fail_over: Annotated[
        str, typer.Option("--fail-over", help="Slow-down that counts as a regression: 5% more time per sample.")
    ] = "5%",
    workload: Annotated[
        list[str] | None, typer.Option("--workload", "-w", help="Only this one; may be repeated.")
    ] = None,
    adapter: Annotated[
        list[str] | None, typer.Option("--adapter", "-a", help="Only this one (name or name:mode); may be repeated.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write the table there as Markdown.")] = None,
    as_json: Json = False,
) -> None:
    """Has anything become slower? For continuous integration.

    Exit codes: 0 no regression, 1 regression, 2 wrong usage, 3 not comparable (and why), 4 nothing measured in both.

    \b
    Example:
      frameworkbench compare results/main results/branch --fail-over 5%
    """
    from .analysis.gate import compare_runs
    from .report.gate import gate_heads, gate_markdown, gate_rows, gate_sentences
    from .store.atomic import write_bytes_atomic

    limit = _share(fail_over)
    before, after = _summary(baseline), _summary(new)
    _check_names([before, after], workload or [], adapter or [])
    found = compare_runs(before, after, limit, workloads=workload or (), adapters=adapter or ())
    if markdown is not None:
        write_bytes_atomic(markdown, gate_markdown(found).encode("utf-8"))
    if as_json:
        print_json(found.to_json() | {"exit_code": _GATE_CODES[found.outcome]})
    else:
        if found.rows:
            print_table("", gate_heads(), gate_rows(found))
        for sentence in gate_sentences(found):
            typer.echo(sentence)
    _end(found)


def export(
    run_dir: RunDir,
    out: Annotated[Path, typer.Option("--out", help="File to write; for csv and parquet the folder.")],
    form: Annotated[
        str, typer.Option("--format", help="csv, parquet, json (the run's tables) or pytest-benchmark.")
    ] = "pytest-benchmark",
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            help="cells, pairs, parity, processes, samples, requests or epochs; may be repeated [default: all].",
        ),
    ] = None,
) -> None:
    """Write a run's results for other tools: as tables, or in another tool's own form.

    \b
    Examples:
      frameworkbench export results/quick --format csv --out tables
      frameworkbench export results/quick --format parquet --table samples --out tables
    """
    from .export import FORMATS, write_export

    if form not in FORMATS:
        raise UsageError(f"--format: expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; received {form!r}")
    for file in write_export(_summary(run_dir), form, out, table or ()):
        typer.echo(file)


CHECK_COMMANDS = (verify, compare, export)


def _end(gate: Gate) -> None:
    code = _GATE_CODES[gate.outcome]
    if code:
        raise typer.Exit(code)


def _summary(folder: Path) -> Summary:
    """A run's summary; a folder that holds no run is a wrong argument."""
    from .analysis.summary import summarise
    from .store.records import load_run

    try:
        return summarise(load_run(folder))
    except StoreError as problem:
        raise UsageError(str(problem)) from problem


def _share(text: str) -> float:
    """A share from ``5%`` or ``0.05``; a bare 5 could mean either and is refused."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(%?)\s*", text)
    value = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not match or value < 0 or (not match[2] and value >= 1):
        raise UsageError(f"--fail-over: expected a share such as 5% or 0.05; received {text!r}")
    return value


def _check_names(summaries: list[Any], workloads: list[str], adapters: list[str]) -> None:
    """A misspelt filter must not look like a pass."""
    cells = [cell.facts for summary in summaries for cell in summary.cells]
    known = {
        "--workload": sorted({str(facts["workload"]) for facts in cells}),
        "--adapter": sorted({name for f in cells for name in (str(f["adapter"]), f"{f['adapter']}:{f['mode']}")}),
    }
    for option, names in (("--workload", workloads), ("--adapter", adapters)):
        unknown = [name for name in names if name not in known[option]]
        if unknown:
            raise UsageError(
                f"{option}: neither run has {unknown[0]!r}; they have {', '.join(known[option]) or 'none'}"
            )
