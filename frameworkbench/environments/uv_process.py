"""Runs uv: finds it, shows its lines while it works, keeps the end of them for the error message.

The one module that knows that uv is a program. The package itself is imported only here and only
when it is needed: with interpreters of the user's own, the harness works without it.
"""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from frameworkbench.environments.model import NO_UV, Progress
from frameworkbench.errors import EnvironmentProblem

TAIL_CHARACTERS = 2000
# A download of hundreds of megabytes prints nothing for a long time.
HEARTBEAT_S = 10.0


@dataclass(frozen=True, slots=True)
class UvResult:
    """How one command of uv ended: its exit status and all it printed."""

    status: int
    output: str

    @property
    def tail(self) -> str:
        """Give the end of the output, short enough for a message."""
        return self.output.strip()[-TAIL_CHARACTERS:] or "(uv printed nothing)"


def find_uv() -> str:
    """Give the path of uv: the one that was installed with this package, else the one on ``PATH``.

    Raises:
        EnvironmentProblem: NO_UV if there is neither.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        on_path = shutil.which("uv")
        if on_path:
            return on_path
        message = (
            "uv, which makes the environments, was not found; expected the package 'uv' beside frameworkbench "
            "or the program on PATH; install it (python -m pip install uv) or name an interpreter of your own"
        )
        raise EnvironmentProblem(NO_UV, message) from error


def run_uv(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    progress: Progress | None = None,
    hold: int | None = None,
) -> UvResult:
    """Run one command of uv and wait for its end.

    Args:
        arguments: the command, such as ``["venv", "path"]``.
        environment: its environment variables.
        folder: its working directory, outside any project, whose settings uv would take over.
        progress: gets each line as it comes, and a sign of life when none comes.
        hold: a file descriptor that uv keeps open as well. Handing over a lock this way keeps it
            locked while uv still writes, even if this process is killed.

    Returns:
        Its exit status and output, standard error included.

    Raises:
        EnvironmentProblem: NO_UV if uv could not be found.
    """
    with _start([find_uv(), *arguments], environment, folder, hold) as process:
        assert process.stdout is not None  # PIPE was asked for
        try:
            output = _follow(process.stdout, progress)
        except BaseException:
            process.kill()  # an interrupted user must not wait for a download
            raise
    return UvResult(process.returncode, output)


def _start(
    command: list[str], environment: Mapping[str, str], folder: Path, hold: int | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            pass_fds=() if hold is None else (hold,),
        )
    except OSError as error:
        message = f"{command[0]}: expected the program uv, but it does not start: {error.strerror}; install uv anew"
        raise EnvironmentProblem(NO_UV, message) from error


def _follow(stream: IO[bytes], progress: Progress | None) -> str:
    started = time.monotonic()
    received, shown = bytearray(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=HEARTBEAT_S):
                if progress:
                    progress(f"still working, {time.monotonic() - started:.0f} s so far…")
                continue
            chunk = os.read(stream.fileno(), 65536)
            received += chunk
            end = received.rfind(b"\n") + 1 if chunk else len(received)
            for line in received[shown:end].decode(errors="replace").splitlines():
                if progress and line.strip():
                    progress(line.rstrip())
            shown = max(shown, end)
            if not chunk:
                return received.decode(errors="replace")
