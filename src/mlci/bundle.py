"""The bundle: one digest over everything that a verdict speaks of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from mlci.manifest import Model
from mlci.repo import Repo, is_lfs_pointer
from mlci.results import Input


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
        *(("data", dataset.path) for dataset in model.datasets.values()),
        *(("code", path) for path in model.needs),
    ]
    found: set[tuple[str, str]] = set()
    for role, path in written:
        whole = model.path(path)
        for match in repo.glob(whole) or [whole]:
            names = repo.files(match) if repo.entry(match).kind == "folder" else [match]
            found.update((role, name) for name in names)
    return sorted(found)


def inputs(model: Model, repo: Repo) -> tuple[Input, ...]:
    """The files behind a model with their digests, the manifest as canonical JSON among them."""
    config = canonical(model.document.data)
    own = Input("config", model.document.path, hashlib.sha256(config).hexdigest(), len(config))
    return (own, *(_input(role, path, repo) for role, path in paths(model, repo)))


def _input(role: str, path: str, repo: Repo) -> Input:
    entry = repo.entry(path)
    if entry.kind != "file":
        return Input(role, path, None, 0, entry.kind)
    if entry.size < 1024 and is_lfs_pointer(repo.head(path, 64)):
        return Input(role, path, None, entry.size, "lfs-pointer")
    return Input(role, path, repo.digest(path), entry.size)


def digest(parts: Iterable[Input]) -> str | None:
    """sha256 over the canonical list of role, path and sha256; None when the bytes of one are not here."""
    rows = sorted((part.role, part.path, part.sha256) for part in parts)
    if any(sha256 is None for _, _, sha256 in rows):
        return None
    return hashlib.sha256(canonical([list(row) for row in rows])).hexdigest()
