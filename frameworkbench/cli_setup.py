"""The commands that set up: environments of adapters, and datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_output import AdapterPaths, CacheDir, DataDir, Device, Json, cache_folder, print_json, print_table
from .errors import UsageError

env_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, show or remove adapters' environments.")
data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check or prepare the datasets.")


@env_app.command("list")
def env_list(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Show the environments made so far."""
    from . import environments
    from .units import format_bytes

    entries = environments.list_environments(cache_folder(cache_dir))
    if as_json:
        print_json([{"path": str(e.path), "adapter": e.adapter, "variant": e.variant, "python": e.python,
                      "size_bytes": e.size_bytes, "ready": e.ready} for e in entries])  # fmt: skip
        return
    rows = [[e.adapter, e.variant, e.python, format_bytes(e.size_bytes), "yes" if e.ready else "no"] for e in entries]
    print_table("", ["adapter", "variant", "python", "size", "ready"], rows)


@env_app.command("create")
def env_create(
    names: Annotated[list[str] | None, typer.Argument(help="Adapters [default: all].")] = None,
    device: Device = "cpu",
    refresh: Annotated[bool, typer.Option("--refresh", help="Make them anew.")] = False,
    adapter_path: AdapterPaths = None,
    cache_dir: CacheDir = None,
) -> None:
    """Make the environments of adapters from their locked requirements."""
    from . import environments
    from .errors import EnvironmentProblem
    from .run.prepare import environment_spec

    failed = 0
    for info in _adapters(names, adapter_path):
        if info.interpreter == "core":
            continue
        try:
            spec = environment_spec(info, device)
            made = environments.ensure(
                spec,
                cache_dir=cache_folder(cache_dir),
                progress=_tell,
                refresh=refresh,
            )
        except EnvironmentProblem as problem:
            failed += 1
            typer.echo(f"{info.name}: {problem.code}: {problem}", err=True)
        else:
            typer.echo(f"{info.name}: {info.distribution} {made.framework_version}, Python {made.python_version}")
    if failed:
        raise typer.Exit(EnvironmentProblem.exit_code)


@env_app.command("remove")
def env_remove(
    names: Annotated[list[str], typer.Argument(help="Adapters.")],
    device: Device = "cpu",
    adapter_path: AdapterPaths = None,
    cache_dir: CacheDir = None,
) -> None:
    """Remove the environments of adapters."""
    from . import environments
    from .run.prepare import environment_spec

    for info in _adapters(names, adapter_path):
        gone = environments.remove(environment_spec(info, device), cache_dir=cache_folder(cache_dir), all_locks=True)
        typer.echo(f"{info.name}: {'removed' if gone else 'there was none'}")


@data_app.command("check")
def data_check(data_dir: DataDir = None, cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Verify the real data files against their published checksums."""
    from .data import DATASETS, check

    states = {n: check(n, data_dir=data_dir, cache_dir=cache_folder(cache_dir), full=True) for n in DATASETS}
    if as_json:
        print_json({name: [{"file": str(s.path), "state": s.state} for s in found] for name, found in states.items()})
    else:
        print_table(
            "", ["set", "file", "state"], [[n, s.path.name, s.state] for n, found in states.items() for s in found]
        )
    if any(status.state != "ok" for found in states.values() for status in found):
        raise typer.Exit(3)


@data_app.command("prepare")
def data_prepare(
    workload: Annotated[list[str] | None, typer.Argument(help="Workloads [default: all].")] = None,
    data: Annotated[str, typer.Option("--data", help="real (downloads what is missing) or synthetic.")] = "real",
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
) -> None:
    """Download, verify and prepare the data of workloads, so that a run can start at once."""
    from .content import content_dir
    from .data import prepare
    from .spec.workload import load_workloads, select_workloads

    if data not in ("real", "synthetic"):
        raise UsageError(f"--data: expected real or synthetic; received {data!r}")
    for chosen in select_workloads(load_workloads(content_dir("workloads")), workload or []):
        made = prepare(
            chosen.data,
            source="real" if data == "real" else "synthetic",
            data_dir=data_dir,
            cache_dir=cache_folder(cache_dir),
            progress=_tell,
        )
        typer.echo(f"{chosen.name}: {made.kind} {made.name}, {made.train_size} train and {made.test_size} test samples")


def _adapters(names: list[str] | None, paths: list[Path] | None) -> list[Any]:
    from .registry import load_adapters

    known = load_adapters(paths or ())
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown adapter {name!r}; known: {', '.join(known)}")
    return [known[name] for name in names or known]


def _tell(text: str) -> None:
    typer.echo(text, err=True)
