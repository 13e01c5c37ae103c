"""What models refer to: whether the files that they name are there, and the names that they take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlci import quantities
from mlci.errors import MlciError
from mlci.escape import line
from mlci.findings import Finding, Level
from mlci.paths import is_glob
from mlci.places import Location
from mlci.reader import Pointer
from mlci.repo import Repo, is_lfs_pointer, refusal
from mlci.specs import Model

ARTIFACT_LIMIT = "20GiB"
"""The largest artifact that is read where ``mlci.yaml`` says nothing else."""


def missing(model: Model, repo: Repo, limits: Mapping[str, str]) -> list[Finding]:
    """What of the files that a model names is not there, or is not a file; nothing is read but small pointers."""
    found = []
    for pointer, written, folders in _named(model):
        finding = _look(repo, model.path(written), written, folders=folders)
        if finding:
            # the committed profile of data stands for them where they are not
            known = pointer[0] == "datasets" and pointer[-1] == "path" and pointer[1] in profiled(model, repo)
            level = Level.NOTE if known else finding.level
            found.append(Finding(level, finding.message, model.at(*pointer), finding.hint))
    most = limits.get("artifact", ARTIFACT_LIMIT)
    size = size_of(repo, model.path(model.artifact))
    if size > quantities.size(most):
        message = f"`{line(model.artifact)}` has {quantities.show_size(size)}, over the limit of {most} on what is read"
        found.append(Finding(Level.ERROR, message, model.at("artifact"), "raise `limits: {artifact: …}` in mlci.yaml"))
    return found


def _named(model: Model) -> Iterator[tuple[Pointer, str, bool]]:
    """(place, path as written, whether it may be a folder) of every path that must be there."""
    yield ("artifact",), model.artifact, True
    for name, dataset in model.datasets.items():
        if dataset.path:
            yield ("datasets", name, "path"), dataset.path, False
        if dataset.contract:
            yield ("datasets", name, "contract"), dataset.contract, False
    for index, path in enumerate(model.needs):
        yield ("train", "needs", index), path, True


def size_of(repo: Repo, path: str) -> int:
    """Bytes of a file, or of all files of a folder; 0 where there is neither."""
    entry = repo.entry(path)
    if entry.kind != "folder":
        return entry.size
    try:
        return sum(repo.entry(name).size for name in repo.files(path))
    except MlciError:
        return 0  # what is wrong with the folder is a finding of its own


def _look(repo: Repo, path: str, written: str, *, folders: bool) -> Finding | None:
    if is_glob(path) and path not in (matches := repo.glob(path)):
        if matches:
            return None
        return Finding(Level.ERROR, f"no file matches `{line(written)}`", hint="check the spelling")
    entry = repo.entry(path)
    if entry.kind == "folder":
        return _look_into(repo, path, written, folders=folders)
    if entry.kind != "file":
        level = Level.NOTE if entry.kind == "dvc-pointer" else Level.ERROR
        return Finding(level, refusal(entry).message, hint=refusal(entry).hint)
    if entry.size < 1024 and is_lfs_pointer(repo.head(path, 64)):
        return Finding(Level.NOTE, f"`{line(written)}` is a Git LFS pointer, not the file itself", hint="git lfs pull")
    if path.endswith(".dvc"):
        hint = f"name the file that it stands for: {line(written.removesuffix('.dvc'))}"
        return Finding(Level.ERROR, f"`{line(written)}` is a DVC pointer, not the file itself", hint=hint)
    return None


def _look_into(repo: Repo, path: str, written: str, *, folders: bool) -> Finding | None:
    try:
        files = repo.files(path)
    except MlciError as error:
        return Finding(Level.ERROR, error.message, hint=error.hint)
    if not files:
        hint = "commit the files that belong in it"
        return Finding(Level.ERROR, f"the folder `{line(written)}` holds no file", hint=hint)
    if folders:
        return None
    hint = f"name its files: {line(written).rstrip('/')}/*.parquet"
    return Finding(Level.ERROR, f"`{line(written)}` is a folder, expected a file", hint=hint)


def datasets_of(model: Model, repo: Repo, paths: Iterable[str]) -> set[str]:
    """The datasets of a model that have one of these files; all of them when the manifest itself is among these."""
    changed = set(paths)
    if model.document.path in changed:
        return set(model.datasets)
    found = set()
    for name, dataset in model.datasets.items():
        named = [model.path(written) for written in (dataset.contract, dataset.profile) if written]
        if dataset.path:
            named += repo.glob(model.path(dataset.path))
        if not changed.isdisjoint(named):
            found.add(name)
    return found


def profiled(model: Model, repo: Repo) -> list[str]:
    """The datasets of a model that have a committed profile."""
    named = ((name, model.path(dataset.profile)) for name, dataset in model.datasets.items() if dataset.profile)
    return [name for name, path in named if repo.entry(path).kind == "file"]


def names_taken(names: Iterable[tuple[str, Location]]) -> list[Finding]:
    """A finding for every model whose name another has taken; ``names`` are given with their places."""
    taken: dict[str, Location] = {}
    found = []
    for name, at in names:
        if name in taken:
            message = f"the name `{name}` is taken by {taken[name].path}"
            found.append(Finding(Level.ERROR, message, at, "give every model of the repository a name of its own"))
        taken.setdefault(name, at)
    return found
