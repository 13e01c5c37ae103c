"""Looks at a folder that has no manifest yet, and writes a small valid one for what is found."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mlci import content, document, registry
from mlci.errors import MissingExtra, MlciError, OutsideFailed, UsageError
from mlci.findings import Level
from mlci.metrics import METRICS
from mlci.references import missing as missing_files
from mlci.repo import CARD, MANIFEST, WorkTree, refusal
from mlci.workspace import open_workspace, read_model
from mlci.world import World

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

    def likely_data(self) -> str | None:
        """The table that is named like held-out data, else the only one."""
        for word in _HELD_OUT:
            for path in self.tables:
                if word in path.rpartition("/")[2].lower():
                    return path
        return self.tables[0] if len(self.tables) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What goes into the manifest; of a user's answers, None is "find out"."""

    name: str | None = None
    artifact: str | None = None
    runtime: str = "auto"
    python: str | None = None
    data: str | None = None
    target: str | None = None
    task: str | None = None
    metric: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    card: bool = False


class Ask(Protocol):
    """Whoever is asked where something is not clear."""

    def choose(self, question: str, option: str, likely: Sequence[str]) -> str:
        """One answer; ``likely`` are suggestions, the best first. Raises UsageError where nobody can be asked."""

    def maybe(self, question: str) -> str | None:
        """An answer that may be left out."""


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
        tree.entry(CARD).kind == "file",
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


def complete(root: Path, found: Found, given: Answers, ask: Ask) -> Answers:
    """The answers that were given, with what is likely or asked in place of what was not.

    Raises UsageError when an answer does not fit the folder, or is missing and nobody can be asked.
    """
    if given.metric is not None and given.metric not in METRICS:
        raise UsageError(f"there is no metric `{given.metric}`", hint=f"one of: {', '.join(METRICS)}")
    artifact = given.artifact or _artifact(found, ask)
    candidate = next((item for item in found.artifacts if item.path == artifact), None)
    # a file of predictions is never taken for a model unless it is named as one
    runtime = (
        "predictions" if candidate is None and artifact.endswith(_TABLES) else candidate.runtime if candidate else None
    )
    tables = [path for path in found.tables if path != artifact]
    data = given.data or replace(found, tables=tuple(tables)).likely_data()
    data = data or ask.maybe("Held-out data (a CSV or parquet file; empty for none)")
    columns = _columns(root, data) if data else {}
    target = given.target or likely_target(list(columns)) or _only_text(columns)
    if data and target is None:
        target = ask.choose("the target column", "--target", list(columns))
    if target is not None and columns and target not in columns:
        raise UsageError(f"`{data}` has no column `{target}`", hint=f"its columns: {', '.join(list(columns)[:20])}")
    likely = likely_task(columns[target]) if target is not None and target in columns else None
    task = given.task or likely
    metric = given.metric or ("rmse" if task == "regression" else "accuracy")
    if task and (METRICS[metric].needs == "numbers") != (task == "regression"):
        raise UsageError(f"{metric} is no metric of {task} models", hint="name another with --metric")
    if given.task == "regression" and target is not None and columns and columns[target].dtype.kind not in "iuf":
        raise UsageError(f"the column `{target}` holds no numbers", hint="--task binary or --task multiclass")
    own = found.interpreter if candidate and candidate.runtime else None
    return replace(
        given,
        name=given.name or name_from(root),
        artifact=artifact,
        runtime=runtime if runtime and (own or runtime == "predictions") else "auto",
        python=own,
        data=data,
        target=target,
        task=task,
        metric=metric,
        card=found.card,
    )


def _only_text(columns: Mapping[str, Any]) -> str | None:
    """The last column, where it alone holds text: features in front, the label behind."""
    text = [name for name, values in columns.items() if values.dtype.kind not in "biuf"]
    return text[0] if len(text) == 1 and text[0] == list(columns)[-1] else None


def _artifact(found: Found, ask: Ask) -> str:
    likely = [item.path for item in found.artifacts]
    if len(likely) == 1 or sum(1 for item in found.artifacts if item.runtime) == 1:
        return likely[0]  # sorted: what can be run comes first
    return ask.choose("the artifact (the model file or folder)", "--artifact", likely)


def _columns(root: Path, data: str) -> dict[str, Any]:
    """The columns of a table with their values; empty where the extra that reads tables is not installed."""
    from mlci.tables.duck import READS, open_table

    with open_workspace(World(root)) as workspace:
        tree, path = workspace.repo, workspace.relative(data)
        if tree.entry(path).kind != "file":
            raise refusal(tree.entry(path))
        kind = content.kind_of(tree.head(path, content.HEAD))
        if kind not in READS:
            raise UsageError(f"`{data}` is {content.KINDS[kind]}, expected a CSV or parquet file")
        file = tree.local(path)
    try:
        table = open_table([file], kind, data, threads=1)
    except MissingExtra:
        return {}
    try:
        return dict(table.arrays([column.name for column in table.columns]))
    finally:
        table.close()


def missing(found: Found, answers: Answers, root: Path) -> list[str]:
    """What the model in the folder ``root`` still lacks, in words."""
    candidate = next((item for item in found.artifacts if item.path == answers.artifact), None)
    lacks = {
        "held-out data: without it no quality can be measured (add `datasets:`)": answers.data is None,
        "a target: say which column is predicted (add `target:` to the dataset)": bool(answers.data)
        and answers.target is None,
        "a runtime: nothing here can run this artifact yet; save it as ONNX or skops": bool(
            candidate and not candidate.runtime
        ),
        "a model card: write MODEL_CARD.md and add `- card` to the checks (mlci explain card)": not found.card,
    }
    return [*_unseen(root), *(what for what, lacking in lacks.items() if lacking)]


def _unseen(root: Path) -> list[str]:
    with open_workspace(World(root)) as workspace:
        own = workspace.relative(MANIFEST)
        if own in workspace.manifests():
            return []
    folder = own.rpartition("/")[0]
    return [f"a place where models are looked for: write `models: [{folder}]` into mlci.yaml at the repository's root"]


def write(root: Path, answers: Answers) -> str:
    """Write ``model.yaml`` and return its text. Raises UsageError when an answer makes it invalid or it is there."""
    text = manifest_text(answers)
    wrong = problems(text, root)
    if wrong:
        raise UsageError(
            f"no manifest was written: {wrong[0]}", hint="name the right file or value with an option, see --help"
        )
    try:
        with (root / MANIFEST).open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"`{MANIFEST}` is there already", hint="mlci validate, then mlci check") from None
    except OSError as error:
        raise OutsideFailed(f"`{MANIFEST}` cannot be written: {(error.strerror or '').lower()}") from None
    return text


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
    """The text of a model.yaml. ``answers`` are complete: they have a name and an artifact."""
    assert answers.name is not None
    assert answers.artifact is not None
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
    if re.fullmatch(r"[A-Za-z_.][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z_]", text):
        try:
            if document.read(f"x: {text}\n".encode(), "x.yaml").data == {"x": text}:
                return text
        except MlciError:
            return json.dumps(text, ensure_ascii=False)  # a word with a second reading, such as `no`
    return json.dumps(text, ensure_ascii=False)


def problems(text: str, root: Path) -> list[str]:
    """What is wrong with a manifest before it is written; nothing, unless an answer was."""
    with open_workspace(World(root)) as workspace:
        try:
            model = read_model(document.read(text.encode(), workspace.relative(MANIFEST)))
        except MlciError as error:
            return [error.message]
        found = missing_files(model, workspace.repo, {})
    return [finding.message for finding in found if finding.level is Level.ERROR]
