"""What a command costs: CPU and peak memory of its process as the operating system counts them, in turn, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MB = 1e6
ENDED = (0, 1)
"""Exit codes of a command that did its work; 1 says that it found something."""
UNIT = 1024
"""Of ``ru_maxrss``, in bytes (Linux)."""


@dataclass(frozen=True)
class Run:
    """One command that has ended, its children counted as well."""

    cpu: float
    wall: float
    rss: float
    """The most memory that its largest process had, in MB."""
    output: str
    code: int = 0
    error: str = ""


@dataclass(frozen=True)
class Costs:
    """Medians over the runs of one command."""

    runs: list[Run] = field(default_factory=list)

    @property
    def failed(self) -> Run | None:
        return next((run for run in self.runs if run.code not in ENDED), None)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def wall(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    @property
    def rss(self) -> float:
        return statistics.median(run.rss for run in self.runs)


def once(argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end.

    The figures of ``wait4`` are those of this child alone; ``RUSAGE_CHILDREN`` would keep the peak of the largest one.
    Until it starts its program a child counts the memory of its parent as its own, so a benchmark must stay small: what
    loads data runs in a process of its own.
    """
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        start = time.perf_counter()
        child = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **(env or {})}, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    rss = usage.ru_maxrss * UNIT / MB
    return Run(usage.ru_utime + usage.ru_stime, wall, rss, texts[0], child.returncode, texts[1])


def interleaved(commands: Mapping[str, tuple[Sequence[str], Path]], runs: int) -> Iterator[tuple[str, Costs]]:
    """Run the commands, each in its folder, A B C A B C ...; of several, a first round warms the caches, not counted.

    A command that does not end with 0 or 1 is not run again, and has that one run.
    """
    costs = {name: Costs() for name in commands}
    for number in range(0 if runs > 1 else 1, runs + 1):
        for name, (argv, cwd) in commands.items():
            if costs[name].failed:
                continue
            run = once(argv, cwd)
            if number or run.code not in ENDED:
                costs[name].runs.append(run)
    yield from costs.items()
