"""The benchmarks run, and print the tables that their README shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "argument", "rows"),
    [("bench_startup.py", "1", ["| `mlci --help` |", "| `mlci validate FILE` |"]), ("bench_scale.py", "3", ["| 3 |"])],
    ids=["startup", "scale"],
)
def test_a_benchmark_prints_its_table(script: str, argument: str, rows: list[str]) -> None:
    done = subprocess.run([sys.executable, FOLDER / script, argument], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for row in rows:
        assert row in done.stdout


def test_every_benchmark_is_described() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("bench_*.py"):
        assert path.name in text
