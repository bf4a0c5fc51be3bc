"""The commands for authors of adapters: a new folder, the conformance checks, the matrix of what is declared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_output import AdapterPaths, CacheDir, Json, cache_folder, print_json
from .errors import SpecError

if TYPE_CHECKING:
    from .kit.result import Result

adapter_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Write, check and list adapters.")

_MARKS = {"pass": "ok", "fail": "FAIL", "warn": "note", "skip": "–"}


@adapter_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the adapter and of its folder.")],
    into: Annotated[Path | None, typer.Option("--into", help="Folder in which it is made [default: here].")] = None,
    distribution: Annotated[
        str, typer.Option("--distribution", help="The framework's name for installers [default: NumPy, as a start].")
    ] = "",
    module: Annotated[str, typer.Option("--module", help="Its import name [default: that of the distribution].")] = "",
) -> None:
    """Write the folder of a new adapter: it runs at once, and `adapter check` says what to write next."""
    from .kit.scaffold import Choice, new_adapter
    from .registry import load_adapters

    folder = new_adapter(Choice(name, distribution, module), into or Path(), list(load_adapters()))
    for file in sorted(folder.iterdir()):
        typer.echo(file)
    typer.echo(f"next: frameworkbench adapter check {folder}", err=True)


@adapter_app.command("check")
def check(
    adapter: Annotated[str, typer.Argument(help="Folder that holds adapter.toml, or the name of a known adapter.")],
    python: Annotated[
        Path | None, typer.Option("--python", help="Interpreter to use instead of the declared environment.")
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="Look at this mode [default: the main one].")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this group, such as layers or optimizers; may be repeated."),
    ] = None,
    adapter_path: AdapterPaths = None,
    cache_dir: CacheDir = None,
    as_json: Json = False,
) -> None:
    """Run the conformance checks: what passes, what fails, and what to do next.

    Exit codes: 0 nothing failed, 1 a check failed, 2 wrong usage.
    """
    from rich.console import Console

    from .kit.checking import check_adapter, unreadable
    from .kit.result import any_failed
    from .registry import find_adapter

    console = Console(stderr=as_json)
    results: list[Result] = []
    try:
        info = find_adapter(adapter, adapter_path or ())
    except SpecError as problem:
        if not (Path(adapter) / "adapter.toml").is_file():
            raise
        results.append(unreadable(str(problem)))
        _show(console, results[0])
    else:
        with console.status("starting") as status:

            def tell(text: str) -> None:
                status.update(f"{info.name}: {text}"[: max(console.width - 4, 8)])

            results = check_adapter(
                info,
                cache_dir=cache_folder(cache_dir),
                emit=lambda result: _show(console, result),
                tell=tell,
                python=python,
                mode=mode,
                device=device,
                only=only or (),
            )
    _end(adapter, results, console, as_json)
    if any_failed(results):
        raise typer.Exit(1)


@adapter_app.command("matrix")
def matrix(
    out: Annotated[Path | None, typer.Option("--out", help="Write the page there [default: standard output].")] = None,
    adapter_path: AdapterPaths = None,
) -> None:
    """Adapters × layers × modes × devices, as their declarations say, in Markdown."""
    from .kit.matrix import matrix_page
    from .registry import BUILT_IN, load_adapters
    from .store.atomic import write_bytes_atomic

    chosen = [info for info in load_adapters(adapter_path or ()).values() if info.origin == BUILT_IN or adapter_path]
    page = matrix_page(chosen)
    if out is None:
        typer.echo(page, nl=False)
    else:
        write_bytes_atomic(out, page.encode("utf-8"))
        typer.echo(out)


def _show(console: Any, result: Result) -> None:
    """One line, folded at the terminal's width, and what to do next below it."""
    from rich.padding import Padding
    from rich.text import Text

    styles = {"fail": "bold red", "warn": "yellow", "pass": "green", "skip": "dim"}
    mark = Text(f"{_MARKS[result.state]:<4} ", styles[result.state])
    console.print(mark + Text(f"{result.check}: {result.found}"), highlight=False)
    if result.next_step:
        console.print(Padding(Text(f"→ {result.next_step}"), (0, 0, 0, 5 if console.width > 20 else 0), expand=False))


def _end(adapter: str, results: list[Result], console: Any, as_json: bool) -> None:
    counts = {state: sum(result.state == state for result in results) for state in _MARKS}
    if as_json:
        print_json(
            {
                "adapter": adapter,
                "passed": not counts["fail"],
                "counts": counts,
                "checks": [result.to_json() for result in results],
            }
        )
        return
    said = f"{counts['pass']} passed, {counts['fail']} failed, {counts['warn']} notes, {counts['skip']} not looked at"
    console.print(said, highlight=False)
