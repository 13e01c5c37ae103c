"""The bundle: one digest over everything that a verdict speaks of."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any

from mlci.content import HEAD, kind_of, onnx_external_data
from mlci.errors import LimitReached, PathRefused
from mlci.escape import line
from mlci.paths import lexical_problem
from mlci.references import profiled, size_of
from mlci.repo import Repo, is_lfs_pointer
from mlci.results import Input
from mlci.specs import Model, join


def canonical(data: Any) -> bytes:
    """The one JSON text of plain data: sorted keys, no spaces, UTF-8; the name of a file keeps its bytes."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogateescape")


def paths(model: Model, repo: Repo) -> list[tuple[str, str]]:
    """Every path that a model's verdict rests on, with its role, sorted; globs and folders expanded.

    A path that is not there stays in the list as it was written.
    """
    written = [
        ("artifact", model.artifact),
        *(("data", dataset.path) for dataset in model.datasets.values() if dataset.path),
        *(("config", dataset.contract) for dataset in model.datasets.values() if dataset.contract),
        *(("config", model.datasets[name].profile) for name in profiled(model, repo)),
        *(("code", path) for path in model.needs),
    ]
    found: set[tuple[str, str]] = set()
    for role, path in written:
        whole = model.path(path)
        for match in repo.glob(whole) or [whole]:
            names = repo.files(match) if repo.entry(match).kind == "folder" else [match]
            found.update((role, name) for name in names)
            if role == "artifact":
                found.update((role, other) for name in names for other in external_files(name, repo))
    return sorted(found)


def external_files(path: str, repo: Repo) -> list[str]:
    """The files beside an ONNX model that hold its weights, from the repository's root; empty for anything else.

    Raises PathRefused when the model names a place that is not below its own folder.
    """
    if repo.entry(path).kind != "file" or kind_of(repo.head(path, HEAD)) != "onnx":
        return []
    with repo.local(path).open("rb") as stream:
        locations = onnx_external_data(stream)
    folder = path.rpartition("/")[0]
    for location in locations:
        if lexical_problem(location):
            raise PathRefused(f"`{line(path)}` keeps weights in `{line(location)}`, which is not below its folder")
    return [join(folder, location) for location in locations]


def inputs(model: Model, repo: Repo, most: float = math.inf) -> tuple[Input, ...]:
    """The files behind a model with their digests, the manifest as canonical JSON among them.

    Raises LimitReached, before it reads any, when the artifact has more than ``most`` bytes.
    """
    if size_of(repo, model.path(model.artifact)) > most:
        raise LimitReached(f"`{line(model.artifact)}` is over the limit on what is read", at=model.at("artifact"))
    config = canonical(model.document.data)
    own = Input("config", model.document.path, hashlib.sha256(config).hexdigest(), len(config))
    return (own, *(_input(role, path, repo) for role, path in paths(model, repo)))


def _input(role: str, path: str, repo: Repo) -> Input:
    entry = repo.entry(path)
    if entry.kind != "file":
        return Input(role, path, None, 0, entry.kind)
    if entry.size < 1024 and is_lfs_pointer(repo.head(path, 64)):
        return Input(role, path, None, entry.size, "lfs-pointer")
    if path.endswith(".dvc") and kind_of(repo.head(path, HEAD)) == "dvc-pointer":
        return Input(role, path, None, entry.size, "dvc-pointer")
    return Input(role, path, repo.digest(path), entry.size)


def digest(parts: Iterable[Input]) -> str | None:
    """sha256 over the canonical list of role, path and sha256; None when the bytes of one are not here."""
    rows = sorted((part.role, part.path, part.sha256) for part in parts)
    if any(sha256 is None for _, _, sha256 in rows):
        return None
    return hashlib.sha256(canonical([list(row) for row in rows])).hexdigest()
