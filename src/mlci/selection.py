"""What part of a repository is looked at, and the models of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlci import plan
from mlci.errors import MlciError, UsageError
from mlci.escape import line
from mlci.findings import InvalidFile
from mlci.references import names_taken
from mlci.repo import MANIFEST
from mlci.specs import Model
from mlci.workspace import Workspace, nearest, nothing_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What part of a repository is looked at; everything left out means all of it."""

    models: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    changed_since: str | None = None
    only: tuple[str, ...] = ()
    shard: str | None = None
    fast: bool = False
    """Of the data, only the datasets that ``paths`` name, and only what can be asked of one alone."""

    @property
    def is_whole(self) -> bool:
        """Whether every model is meant."""
        return not (self.models or self.paths or self.changed_since or self.shard)

    def words(self) -> str:
        said = [
            *(f"--model {name}" for name in self.models),
            *self.paths[:5],
            *([f"and {len(self.paths) - 5} more"] if len(self.paths) > 5 else []),
            *([f"--changed-since {self.changed_since}"] if self.changed_since else []),
            *(f"--only {word}" for word in self.only),
            *([f"--shard {self.shard}"] if self.shard else []),
            *(["--fast"] if self.fast else []),
        ]
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A manifest that was read: a model, or the error that says why not."""

    path: str
    model: Model | None
    error: MlciError | None = None

    @property
    def name(self) -> str:
        return self.model.name if self.model else self.path


def load(workspace: Workspace, selection: Selection | None = None) -> list[Loaded]:
    """The models of a selection, sorted by path; a manifest that is wrong is among them with its error.

    Raises UsageError when the selection names what is not there, InvalidFile when ``mlci.yaml`` is wrong.
    """
    selection = selection or Selection()
    every = workspace.manifests()
    if not every:
        raise nothing_here(workspace)
    chosen = every
    if selection.changed_since is not None:
        chosen = workspace.changed_manifests(selection.changed_since, chosen)
    if selection.paths and selection.fast:
        # the files of a dataset may stand outside the folder of its model
        touched = set(workspace.touched_by(selection.paths, every))
        chosen = [path for path in chosen if path in touched]
    elif selection.paths:
        owners = set(_owners(workspace, selection.paths, every, set(every)))
        chosen = [path for path in chosen if path in owners]
    if selection.models:
        # a name is known only when its manifest is read, and exists though the rest of the selection leaves it out
        owners = {item.path for item in _named(_loaded(workspace, every), selection.models)}
        chosen = [path for path in chosen if path in owners]
    if selection.shard:
        chosen = plan.shard(chosen, selection.shard)
    return _loaded(workspace, chosen)


def _loaded(workspace: Workspace, paths: Sequence[str]) -> list[Loaded]:
    return _distinct([_load_one(workspace, path) for path in paths])


def _owners(workspace: Workspace, paths: Sequence[str], every: Sequence[str], known: set[str]) -> Iterator[str]:
    for path in paths:
        if path and workspace.repo.entry(path).kind == "missing":
            raise UsageError(f"`{line(path)}` is not there", hint="name a folder or a file of a model")
        if path.rpartition("/")[2] == MANIFEST and path not in known:
            folder = path.rpartition("/")[0]
            hint = f"add `{line(folder)}` to `models:` in mlci.yaml"
            raise UsageError(f"`{line(path)}` is in no folder where models are looked for", hint=hint)
        below = [found for found in every if not path or found.startswith(f"{path}/")]
        owner = nearest(path, known) if path else None
        if path in known:
            yield path
        elif below:
            yield from below
        elif owner:
            yield owner


def _load_one(workspace: Workspace, path: str) -> Loaded:
    try:
        return Loaded(path, workspace.model(path))
    except MlciError as error:
        return Loaded(path, None, error)


def _distinct(loaded: list[Loaded]) -> list[Loaded]:
    names = [(item.model.name, item.model.at("name")) for item in loaded if item.model]
    twice = {finding.at.path: finding for finding in names_taken(names) if finding.at}
    return [Loaded(item.path, None, InvalidFile([twice[item.path]])) if item.path in twice else item for item in loaded]


def _named(loaded: list[Loaded], names: Sequence[str]) -> list[Loaded]:
    import difflib

    known = {item.name for item in loaded}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{line(close[0])}`?" if close else "`mlci list` shows the models"
            raise UsageError(f"there is no model `{line(name)}` here", hint=hint)
    return [item for item in loaded if item.name in names]
