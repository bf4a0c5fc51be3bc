"""What a person sees while a run works: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from .run.events import Event
from .units import format_duration

_GLYPHS = {"ok": "ok", "failed": "FAILED", "not_comparable": "NOT COMPARABLE", "unsupported": "unsupported",
           "invalid": "INVALID"}  # fmt: skip
_LINE_EVERY_S = 10.0


class Display(Protocol):
    """Receives a run's events and shows them."""

    def __enter__(self) -> Display: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show one event."""


def make_display(console: Console) -> Display:
    """The live display where the console is a terminal, else plain lines."""
    return _Live(console) if console.is_terminal else _Plain(console)


class _Plain:
    """One line for each unit that ended, each new stage and each note; details now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last_detail = 0.0

    def __enter__(self) -> _Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event) -> None:
        if event.kind in ("phase", "note"):
            self._line(event.text)
        elif event.kind == "done":
            self._line(
                f"[{event.done}/{event.total}] {_GLYPHS.get(event.status, event.status)} {event.text}{_left(event)}"
            )
        elif event.kind == "detail" and time.monotonic() - self._last_detail > _LINE_EVERY_S:
            self._last_detail = time.monotonic()
            self._line(f"  {event.text}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class _Live:
    """A bar with what is done and about how long is left, and what runs now; failures scroll above it."""

    def __init__(self, console: Console) -> None:
        # The text comes last and is cut first; one refresh a second leaves the cores to the measurement.
        self._progress = Progress(
            TextColumn("{task.completed:.0f}/{task.fields[all]}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=10),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[left]}", markup=False, table_column=Column(no_wrap=True)),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            refresh_per_second=1,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> _Live:
        self._progress.start()
        self._task = self._progress.add_task("starting", total=None, left="", all="?")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        console = self._progress.console
        if event.kind == "phase":
            console.print(f"[bold]{escape(event.text)}[/bold]", highlight=False)
        elif event.kind == "note" or (event.kind == "done" and event.status != "ok"):
            console.print(f"  {_GLYPHS.get(event.status, '')} {event.text}".rstrip(), markup=False, highlight=False)
        if self._task is None:
            return
        if event.kind in ("start", "detail"):
            self._progress.update(self._task, description=event.text)
        if event.total:
            left = f"{format_duration(event.left_s)} left" if event.left_s else ""
            self._progress.update(self._task, total=event.total, completed=event.done, all=event.total, left=left)


def _left(event: Event) -> str:
    return f" · about {format_duration(event.left_s)} left" if event.left_s else ""
