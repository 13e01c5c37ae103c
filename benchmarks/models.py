"""Generated repositories for the benchmarks."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """\
# yaml-language-server: $schema=../../schemas/model.schema.json
version: 1
name: model-{number:05}
description: A generated model of the benchmark.
owners: ["@acme/team-{team}"]
artifact: model.csv
runtime: predictions
task: regression
datasets:
  test:
    path: data/test.csv
    target: y
    columns:
      x: {{type: int, required: true}}
      y: {{type: int, required: {{mostly: 99%, severity: warning}}}}
    checks:
      - rows: {{min: 1}}
checks:
  - metric: {{data: test, name: rmse, max: 4.2}}
  - metric: {{data: test, name: mae, max: {{warning: 3, error: 4}}}}
  - beats-trivial: {{data: test}}
"""


def write_models(root: Path, count: int) -> None:
    """Write ``count`` folders ``models/m00000``, each a manifest, a file of predictions and a dataset of two rows."""
    for number in range(count):
        folder = root / "models" / f"m{number:05}"
        (folder / "data").mkdir(parents=True)
        (folder / "model.yaml").write_text(MANIFEST.format(number=number, team=number % 7), encoding="utf-8")
        (folder / "model.csv").write_text("prediction\n1\n3\n", encoding="utf-8")
        (folder / "data" / "test.csv").write_text("x,y\n1,1\n2,3\n", encoding="utf-8")
