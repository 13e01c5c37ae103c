"""Times whole commands the fair way: in turn, CPU of the finished child from the operating system, medians."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Medians of one command over its runs, in seconds."""

    cpu: float
    wall: float


def once(argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command once; its children count as well."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def interleaved(commands: Mapping[str, Sequence[str]], cwd: Path, runs: int) -> dict[str, Cost]:
    """Run the commands A B C A B C ...; a first round that is not counted warms the caches."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, argv in commands.items():
            cost = once(argv, cwd)
            if number:
                costs[name].append(cost)
    return {
        name: Cost(statistics.median(c.cpu for c in found), statistics.median(c.wall for c in found))
        for name, found in costs.items()
    }
