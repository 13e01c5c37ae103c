"""The suite of the benchmark as mlci's own: a small repository beside the tables, and what its report counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from data_gen import KEY, NEWEST
from data_sql import CATEGORICAL, LENGTHS, NUMERIC, PATTERNS, RANGES, REQUIRED, SETS, TYPES

MLCI = str(Path(sys.executable).with_name("mlci"))
CHECK = [MLCI, "check", "--only", "data", "--output", "-", "--format", "json", "--now", NEWEST.replace(" ", "T") + "Z"]
"""The command that is measured, in a repository that ``write`` made."""

_KINDS = {"INTEGER": "int", "BIGINT": "int", "DOUBLE": "float", "FLOAT": "float", "VARCHAR": "string"}
_KINDS |= {"TIMESTAMP": "datetime", "BOOLEAN": "bool"}
_HEAD = """\
version: 1
name: bench
description: The tables of the benchmark.
owners: ["@acme/bench"]
artifact: predictions.csv
runtime: predictions
task: binary
datasets:"""

Line: TypeAlias = tuple[str, str]
"""A line of the manifest, and the rule that it states; empty where it states none."""


@dataclass(frozen=True)
class Repository:
    root: Path
    rules: dict[int, str]
    """Line of the manifest -> the rule that it states, by its name in ``faults.json``."""

    def counts(self, report: str) -> dict[str, int]:
        """Failing rows by rule, as a report in JSON has them."""
        found: dict[str, int] = {}
        for result in json.loads(report)["models"][0]["results"]:
            for measured in result["measurements"]:
                rule = self.rules.get((measured["at"] or {}).get("line", 0), "")
                if rule and (measured["unit"] == "rows" or rule == "rows"):
                    found[rule] = measured["value"]
        return found


def write(folder: Path, suite: str, *, memory: str = "") -> Repository:
    """A repository below the folder of the tables, for ``core``, ``full`` or ``drift``.

    Its data are the same files under other names (hard links): nothing is copied. ``memory`` is a cap such as 400MB.
    """
    root = folder / "-".join(filter(None, ("mlci", suite, memory)))
    for name in ("current",) if suite == "core" else ("current", "reference"):
        target = root / "data" / name
        target.mkdir(parents=True, exist_ok=True)
        for old in target.iterdir():
            old.unlink()
        for part in sorted((folder / name).glob("part-*.parquet")):
            os.link(part, target / part.name)
    lines = [(line, "") for line in _HEAD.splitlines()] + list(_datasets(suite))
    (root / "model.yaml").write_text("\n".join(line for line, _ in lines) + "\n", encoding="utf-8")
    (root / "predictions.csv").write_text("prediction\n0\n", encoding="utf-8")
    limits = f"limits: {{data: {memory}}}\n" if memory else ""
    (root / "mlci.yaml").write_text(f"version: 1\n{limits}", encoding="utf-8")
    if suite != "core":
        _profile(folder, root)
    return Repository(root, {number: rule for number, (_, rule) in enumerate(lines, 1) if rule})


def _profile(folder: Path, root: Path) -> None:
    """The lock of the reference: made once for the tables, and part of no figure."""
    kept, mine = folder / "mlci.profile.json", root / "reference.profile.json"
    if not kept.exists() or kept.stat().st_mtime < (folder / "faults.json").stat().st_mtime:
        subprocess.run([MLCI, "data", "profile", "reference"], cwd=root, check=True, stdout=subprocess.DEVNULL)
        kept.write_bytes(mine.read_bytes())
    mine.write_bytes(kept.read_bytes())


def _datasets(suite: str) -> Iterator[Line]:
    yield "  current:", ""
    yield "    path: data/current/*.parquet", ""
    yield "    target: label", ""
    if suite != "drift":
        yield from _columns()
    yield "    checks:", ""
    if suite != "drift":
        yield "      - rows: {min: 1}", "rows"
        yield "      - fresh: {column: updated_at, max_age: 36h}", ""
        yield "      - duplicates", "duplicates"
    if suite == "full":
        yield f"      - leakage: {{from: reference, on: [{', '.join(KEY)}]}}", "leakage"
    if suite != "core":
        columns = ", ".join((*NUMERIC, *CATEGORICAL))
        yield f"      - drift: {{from: reference, columns: [{columns}], psi: 0.1, ks: 0.1, js: 0.1}}", ""
        yield "  reference:", ""
        yield "    path: data/reference/*.parquet", ""
        yield "    target: label", ""


def _columns() -> Iterator[Line]:
    yield "    columns:", ""
    for name, type_ in TYPES.items():
        yield f"      {name}:", ""
        yield f"        type: {_KINDS[type_]}", ""
        if name in REQUIRED:
            yield "        required: true", f"required {name}"
        if name == "id":
            yield "        unique: true", f"unique {name}"
        for rule, columns in {"range": RANGES, "in": SETS, "pattern": PATTERNS, "length": LENGTHS}.items():
            if name in columns:
                # JSON is a part of YAML
                yield f"        {rule}: {json.dumps(columns[name])}", f"{rule} {name}"


def drift(report: str) -> dict[str, dict[str, float]]:
    """Column -> statistic -> value, as a report in JSON has them."""
    found: dict[str, dict[str, float]] = {}
    for result in json.loads(report)["models"][0]["results"]:
        if result["check"] == "drift":
            for measured in result["measurements"]:
                name, _, column = measured["name"].partition(" of ")
                found.setdefault(column, {})[name] = measured["value"]
    return found
