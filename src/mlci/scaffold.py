"""Looks at a folder that has no manifest yet, and writes a small valid one for what is found."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlci import content, document, registry
from mlci.errors import MlciError
from mlci.repo import MANIFEST, WorkTree
from mlci.workspace import read_model, references

MAX_LOOKED_AT = 20_000
_PASSED_BY = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "dist", "build"})
_TABLES = (".csv", ".parquet")
# how a hold-out file is usually named, the likeliest first
_HELD_OUT = ("test", "holdout", "hold_out", "hold-out", "valid", "eval")
_TARGETS = ("target", "label", "labels", "class", "y", "outcome", "diagnosis")
_MODEL_KINDS = (
    *("onnx", "skops", "xgboost-json", "xgboost-ubj", "lightgbm", "safetensors", "gguf", "tflite", "keras", "pmml"),
    *("torch", "pickle", "compressed", "hdf5"),
)
MOST_CLASSES = 20
"""Distinct whole numbers up to which a target is taken for classes."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that could be the artifact; ``runtime`` is None where nothing here can run it."""

    path: str
    kind: str
    runtime: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds. Paths are relative to it."""

    artifacts: tuple[Candidate, ...] = ()
    tables: tuple[str, ...] = ()
    card: bool = False
    interpreter: str | None = None

    def likely_artifact(self) -> Candidate | None:
        """The first that can be run, else the first at all."""
        return next((item for item in self.artifacts if item.runtime), self.artifacts[0] if self.artifacts else None)

    def likely_data(self) -> str | None:
        """The table that is named like held-out data, else the only one."""
        for word in _HELD_OUT:
            for path in self.tables:
                if word in path.rpartition("/")[2].lower():
                    return path
        return self.tables[0] if len(self.tables) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What goes into the manifest."""

    name: str
    artifact: str
    runtime: str = "auto"
    python: str | None = None
    data: str | None = None
    target: str | None = None
    task: str | None = None
    metric: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    card: bool = False


def look(root: Path) -> Found:
    """What stands in a folder and below it; hidden folders and installed packages are passed by."""
    tree = WorkTree(root)
    artifacts, tables = [], []
    for path in _files(root):
        if path.endswith(_TABLES):
            tables.append(path)
            continue
        candidate = _candidate(tree, path)
        if candidate:
            artifacts.append(candidate)
    order = {kind: number for number, kind in enumerate(_MODEL_KINDS)}
    python = ".venv/bin/python"
    return Found(
        tuple(sorted(artifacts, key=lambda item: (item.runtime is None, order[item.kind], item.path))),
        tuple(sorted(tables)),
        tree.entry("MODEL_CARD.md").kind == "file",
        python if (root / python).exists() else None,
    )


def _files(root: Path) -> Iterator[str]:
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_BY)
        for name in sorted(names):
            seen += 1
            if seen > MAX_LOOKED_AT:
                return
            yield (Path(folder) / name).relative_to(root).as_posix()


def _candidate(tree: WorkTree, path: str) -> Candidate | None:
    try:
        with tree.open(path) as stream:
            kind = content.sniff(stream).kind
    except MlciError:
        return None  # a link, a pipe: nothing that could be named as an artifact
    if kind not in _MODEL_KINDS:
        return None
    runtime = next((name for name in registry.RUNTIMES if kind in registry.find("runtimes", name).KINDS), None)
    return Candidate(path, kind, runtime)


def likely_target(columns: Sequence[str]) -> str | None:
    """The column that is named like a target, else None."""
    by_lower = {name.lower(): name for name in columns}
    return next((by_lower[word] for word in _TARGETS if word in by_lower), None)


def likely_task(values: Any) -> str:
    """``binary``, ``multiclass`` or ``regression``, by the values of a target column."""
    import numpy as np

    distinct = np.unique(np.array([str(value) for value in values.tolist()]))
    numbers = values.dtype.kind in "iuf"
    if numbers and ((values != values.round()).any() or len(distinct) > MOST_CLASSES):
        return "regression"
    return "binary" if len(distinct) == 2 else "multiclass"


def name_from(folder: Path) -> str:
    """A model's name out of a folder's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._")[:64]
    return name or "model"


def manifest_text(answers: Answers) -> str:
    """The text of a model.yaml."""
    lines = ["version: 1", f"name: {scalar(answers.name)}", f"artifact: {scalar(answers.artifact)}"]
    if answers.python:
        lines.append(f"runtime: {{kind: {scalar(answers.runtime)}, python: {scalar(answers.python)}}}")
    elif answers.runtime != "auto":
        lines.append(f"runtime: {scalar(answers.runtime)}")
    if answers.task:
        lines.append(f"task: {answers.task}")
    if answers.data:
        lines += ["datasets:", "  test:", f"    path: {scalar(answers.data)}"]
        lines += [f"    target: {scalar(answers.target)}"] if answers.target else []
        lines += ["    checks:", "      - rows: {min: 1}"]
    lines.append("checks:")
    if answers.data and answers.target and answers.metric:
        limits = "".join(f", {side}: {bound:g}" for side, bound in answers.limits.items())
        lines.append(f"  - metric: {{data: test, name: {answers.metric}{limits}}}")
        lines.append("  - beats-trivial: {data: test}")
    if answers.card:
        lines.append("  - card")
    if lines[-1] == "checks:":
        lines.append("  - artifact")
    return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """A text as YAML reads it back: plain where that is safe, else in double quotes."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z_]", text):
        try:
            if document.read(f"x: {text}\n".encode(), "x.yaml").data == {"x": text}:
                return text
        except MlciError:
            return json.dumps(text, ensure_ascii=False)  # a word with a second reading, such as `no`
    return json.dumps(text, ensure_ascii=False)


def problems(text: str, root: Path) -> list[str]:
    """What is wrong with a manifest before it is written; nothing, unless an answer was."""
    try:
        model = read_model(document.read(text.encode(), MANIFEST))
    except MlciError as error:
        return [error.message]
    return [finding.message for finding in references(model, WorkTree(root), {}) if finding.level == "error"]
