"""Manifests held against their schemas, and the files they name looked for; nothing is loaded or run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlci import conformance, document
from mlci.errors import MlciError
from mlci.escape import line
from mlci.findings import Finding, InvalidFile, Level, findings_of
from mlci.places import Location
from mlci.references import missing, names_taken
from mlci.repo import CONFIG, MANIFEST, WorkTree
from mlci.workspace import Workspace, nothing_here, read_config
from mlci.world import World

if TYPE_CHECKING:
    from mlci.ports import Progress

_SERIAL = 200
"""Manifests below which a second process costs more than it saves."""


Names = list[tuple[str, Location]]


def validate(
    workspace: Workspace,
    paths: Sequence[str] = (),
    changed_since: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[str], list[Finding]]:
    """Hold manifests against their schemas and look whether the files they name are there.

    Looks at ``paths`` (from the root), else at those that changed since a revision, else at the whole repository.
    Returns the documents looked at, and what is wrong with them.
    """
    try:
        chosen = list(dict.fromkeys(paths)) or _chosen(workspace, changed_since)
    except InvalidFile as error:
        return [CONFIG], list(error.findings)
    findings: list[Finding] = []
    names: Names = []
    done = 0
    for some, found, named in _parts(workspace, chosen, _limits(workspace)):
        findings += found
        names += named
        done += len(some)
        if progress and len(chosen) >= _SERIAL:
            progress(done, len(chosen), some[-1])
    found = names_taken(names)
    return chosen, findings + found + ([] if paths or changed_since else _empty_globs(workspace))


def _chosen(workspace: Workspace, changed_since: str | None) -> list[str]:
    config = [CONFIG] if workspace.repo.entry(CONFIG).kind != "missing" else []
    every = workspace.manifests()
    if changed_since is not None:
        return config + workspace.changed_manifests(changed_since, every)
    if not every:
        raise nothing_here(workspace)
    return config + every


def _empty_globs(workspace: Workspace) -> list[Finding]:
    """A warning for every pattern of ``mlci.yaml`` that no model matches: a typing error hides models."""
    if workspace.repo.entry(CONFIG).kind == "missing":
        return []
    try:
        config, read = workspace.config, workspace.read(CONFIG)
    except MlciError:
        return []  # reported as a document of its own
    return [
        Finding(Level.WARNING, f"`{line(pattern)}` matches no folder with a {MANIFEST}", read.at("models", index))
        for index, pattern in enumerate(config.models)
        if "models" in read.data and not workspace.repo.glob(f"{pattern.rstrip('/')}/{MANIFEST}")
    ]


def _limits(workspace: Workspace) -> dict[str, str]:
    try:
        return dict(workspace.config.limits)
    except MlciError:
        return {}  # the configuration is a document of its own, and reported as one


def _parts(
    workspace: Workspace, chosen: Sequence[str], limits: dict[str, str]
) -> Iterator[tuple[Sequence[str], list[Finding], Names]]:
    """The documents part by part, with what was found: one by one, or many at a time on every core."""
    if len(chosen) < _SERIAL or not isinstance(workspace.repo, WorkTree):
        for path in chosen:
            yield [path], *_look_at(workspace, [path], limits)
        return
    # imported here: one file, as a hook has it, never needs them
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    cores = workspace.world.cores
    size = max(50, len(chosen) // (cores * 8) + 1)
    parts = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    # spawned, not forked: a fork beside threads of the caller may never come to life
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        looked = pool.map(_elsewhere, [workspace.root] * len(parts), parts, [limits] * len(parts))
        for part, (findings, names) in zip(parts, looked, strict=True):
            yield part, findings, names


def _elsewhere(root: Path, paths: Sequence[str], limits: dict[str, str]) -> tuple[list[Finding], Names]:
    return _look_at(Workspace(World(root), root, WorkTree(root)), paths, limits)


def _look_at(workspace: Workspace, paths: Sequence[str], limits: dict[str, str]) -> tuple[list[Finding], Names]:
    findings: list[Finding] = []
    names: Names = []
    for path in paths:
        try:
            if path.rpartition("/")[2] == CONFIG:
                read_config(workspace.read(path))
                continue
            model = workspace.model(path)
        except MlciError as error:
            findings += findings_of(error, path)
            continue
        findings += missing(model, workspace.repo, limits)
        names.append((model.name, model.at("name")))
    return findings, names


def validate_against(raw_schema: bytes, schema_name: str, documents: Sequence[tuple[str, bytes]]) -> list[Finding]:
    """Hold documents against somebody's own JSON Schema.

    Raises InvalidFile when the schema itself is not one that can be checked in bounded time, without the network.
    """
    from mlci import schema_guard

    own = document.read(raw_schema, schema_name)
    schema_guard.refuse_unbounded(own)
    findings: list[Finding] = []
    for name, raw in documents:
        try:
            findings += conformance.held_against(document.read(raw, name), own.data)
        except MlciError as error:
            findings += findings_of(error, name)
    return findings
