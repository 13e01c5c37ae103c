"""Manifests held against their schemas, and the files they name looked for; nothing is loaded or run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mlci import document, manifest
from mlci.document import Document
from mlci.errors import InvalidFile, MlciError
from mlci.findings import Finding, findings_of
from mlci.manifest import Model
from mlci.repo import CONFIG, WorkTree
from mlci.workspace import Workspace, nothing_here, read_config, references, two_of_a_name
from mlci.world import World

_SERIAL = 200
"""Manifests below which a second process costs more than it saves."""


def validate(
    workspace: Workspace, paths: Sequence[str] = (), changed_since: str | None = None
) -> tuple[list[str], list[Finding]]:
    """Hold manifests against their schemas and look whether the files they name are there.

    Looks at ``paths`` (from the root), else at those that changed since a revision, else at the whole repository.
    Returns the documents looked at, and what is wrong with them.
    """
    if paths:
        chosen = list(dict.fromkeys(paths))
    else:
        chosen = [CONFIG] if workspace.repo.entry(CONFIG).kind != "missing" else []
        try:
            every = workspace.manifests()
        except InvalidFile as error:
            return [CONFIG], list(error.findings)
        chosen += every if changed_since is None else workspace.changed_manifests(changed_since, every)
        if changed_since is None and not every:
            raise nothing_here(workspace)
    findings: list[Finding] = []
    models: list[Model] = []
    limits = _limits(workspace)
    if len(chosen) < _SERIAL or not isinstance(workspace.repo, WorkTree):
        for path in chosen:
            found, name = _validate_one(workspace, path, limits)
            findings += found
            models += [name] if name else []
    else:
        parts = _in_processes(workspace, chosen, limits)
        for found, named in parts:
            findings += found
            models += named
    return chosen, findings + two_of_a_name(models)


def _limits(workspace: Workspace) -> dict[str, str]:
    try:
        return dict(workspace.config.limits)
    except MlciError:
        return {}  # the configuration is a document of its own, and reported as one


def _validate_one(workspace: Workspace, path: str, limits: dict[str, str]) -> tuple[list[Finding], Model | None]:
    try:
        if path.rpartition("/")[2] == CONFIG:
            read_config(workspace.read(path))
            return [], None
        model = workspace.model(path)
    except MlciError as error:
        return list(findings_of(error, path)), None
    return references(model, workspace.repo, limits), model


def _chunk(root: Path, paths: Sequence[str], limits: dict[str, str]) -> tuple[list[Finding], list[Model]]:
    workspace = Workspace(World(root), root, WorkTree(root))
    findings: list[Finding] = []
    models: list[Model] = []
    for path in paths:
        found, model = _validate_one(workspace, path, limits)
        findings += found
        if model:
            # what is sent back is what a name needs, not the whole document
            models.append(
                replace(
                    model,
                    document=Document(path, None, {("name",): model.document.values[("name",)]}),
                    datasets={},
                    checks=(),
                )
            )
    return findings, models


def _in_processes(
    workspace: Workspace, paths: Sequence[str], limits: dict[str, str]
) -> Iterator[tuple[list[Finding], list[Model]]]:
    # imported here: one file, as a hook has it, never needs them
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    cores = workspace.world.cores
    size = max(50, len(paths) // (cores * 8) + 1)
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    # spawned, not forked: a fork beside threads of the caller may never come to life
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_chunk, [workspace.root] * len(chunks), chunks, [limits] * len(chunks))


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
            findings += manifest.held_against(document.read(raw, name), own.data)
        except MlciError as error:
            findings += findings_of(error, name)
    return findings
