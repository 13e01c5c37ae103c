"""Start-up: CPU of ``mlci --help`` and of ``mlci validate`` of one file, against a bare interpreter in the same run.

Bars: at most 5 and 13 times ``python -I -c pass``. Run it with mlci installed and compiled to bytecode:
``pip install .`` and ``python benchmarks/bench_startup.py``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import interleaved
from models import write_models

BARS = {"mlci --help": 5.0, "mlci validate FILE": 13.0}


def main(runs: int) -> int:
    mlci = str(Path(sys.executable).with_name("mlci"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_models(root, 1)
        costs = interleaved(
            {
                "python -I -c pass": [sys.executable, "-I", "-c", "pass"],
                "import click, yaml, jsonschema": [sys.executable, "-I", "-c", "import click, yaml, jsonschema"],
                "mlci --help": [mlci, "--help"],
                "mlci validate FILE": [mlci, "validate", "models/m00000/model.yaml"],
            },
            root,
            runs=runs,
        )
    bare = costs["python -I -c pass"].cpu
    print(f"| command | CPU, ms (median of {runs}) | x bare python | bar |\n| --- | --- | --- | --- |")
    for name, cost in costs.items():
        print(f"| `{name}` | {1000 * cost.cpu:.1f} | {cost.cpu / bare:.1f} | {BARS.get(name, '')} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 25))
