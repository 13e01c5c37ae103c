"""Scale: 10,000 generated model folders validated whole, and changed-only in git; and the cost against their number.

Bars: at most 10 s for all and 1 s for what changed, on 2 cores. The peer is check-jsonschema on the same files with
the same schema (it looks at the schema alone, not at names, paths and files). ``python benchmarks/bench_scale.py 100``
takes other numbers of models.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from measure import once
from models import write_models

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "model.schema.json"
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid")


def main(counts: list[int]) -> int:
    mlci = str(Path(sys.executable).with_name("mlci"))
    peer = Path(sys.executable).with_name("check-jsonschema")
    print("| models | validate all, s (CPU s) | changed-only, s (CPU s) | check-jsonschema, s (CPU s) |")
    print("| --- | --- | --- | --- |")
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_models(root, count)
            for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
                subprocess.run([*GIT, *words], cwd=root, check=True)
            (root / "models" / "m00000" / "data" / "test.csv").write_text("x,y\n1,1\n2,4\n", encoding="utf-8")
            costs = [once([mlci, "validate"], root), once([mlci, "validate", "--changed-since", "HEAD"], root)]
            if peer.exists():
                files = [str(path) for path in sorted(root.glob("models/*/model.yaml"))]
                costs.append(once([str(peer), "--schemafile", str(SCHEMA), *files], root))
        cells = [f"{cost.wall:.2f} ({cost.cpu:.2f})" for cost in costs] + ["not installed"] * (3 - len(costs))
        print(f"| {count:,} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or [10, 100, 1_000, 10_000]))
