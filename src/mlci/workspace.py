"""A repository as a command works on it: its root, its policy, its models."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlci import document, registry
from mlci.document import Document
from mlci.errors import LimitReached, MlciError, UsageError
from mlci.escape import line
from mlci.findings import Finding, InvalidFile, Level
from mlci.manifest import load_config, load_model
from mlci.paths import Paths, and_above, expand, is_glob
from mlci.places import Location
from mlci.reader import MAX_BYTES
from mlci.repo import CARD, CONFIG, MANIFEST, CommitTree, Repo, WorkTree, find_git, manifests
from mlci.specs import Config, Model
from mlci.world import World

if TYPE_CHECKING:
    from mlci.contract import Contract
    from mlci.git import Git

_COMMENT_LINE = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_COMMON = frozenset({"id", "severity", "why"})


@dataclass
class Workspace:
    """One repository."""

    world: World
    root: Path
    repo: Repo
    has_git: bool = False
    start: Path | None = None
    """Where paths of the command line begin; None is the root."""
    _config: Config | None = field(default=None, repr=False)

    @property
    def git(self) -> Git | None:
        """git, asked at the root; None for a folder that is no git work tree."""
        from mlci.git import Git

        return Git(self.root, self.world) if self.has_git else None

    @property
    def config(self) -> Config:
        """What ``mlci.yaml`` says. Raises InvalidFile if it is wrong."""
        if self._config is None:
            if self.repo.entry(CONFIG).kind == "missing":
                self._config = Config()
            else:
                self._config = read_config(self.read(CONFIG))
        return self._config

    def read(self, path: str) -> Document:
        """A document of the repository. Raises InvalidFile, or PathRefused."""
        try:
            raw = self.repo.read(path, MAX_BYTES)
        except LimitReached as error:
            raise InvalidFile([Finding(Level.ERROR, error.message, Location(path, 1, 1))]) from None
        return document.read(raw, path)

    @contextmanager
    def at(self, revision: str | None) -> Iterator[Repo | None]:
        """The files where the history of ``revision`` and what is looked at part; None where no revision is named."""
        git = self.git
        if revision is None or git is None:
            yield None
            return
        import tempfile

        until = self.repo.commit if isinstance(self.repo, CommitTree) else "HEAD"
        with tempfile.TemporaryDirectory(prefix="mlci-") as scratch:
            yield CommitTree(git, git.merge_base(revision, until), Path(scratch))

    def manifests(self) -> list[str]:
        found = manifests(self.repo, self.config.models)
        if isinstance(self.repo, CommitTree):
            self.repo.hold(found)
        return found

    def model(self, path: str) -> Model:
        """The model of a manifest. Raises InvalidFile, or PathRefused."""
        model = read_model(self.read(path))
        if not any(dataset.contract for dataset in model.datasets.values()):
            return model
        from mlci.agreement import with_contracts  # a repository without contracts does not pay for them

        return with_contracts(model, self._contract)

    def _contract(self, path: str, table: str | None) -> Contract:
        from mlci import contracting

        return contracting.read_contract(self.repo.read(path, MAX_BYTES), path, table)

    def relative(self, path: str) -> str:
        """A path of the command line, from the root. Raises UsageError if it stands elsewhere."""
        found = self._found(path)
        if found is None:
            raise UsageError(
                f"`{line(path)}` is outside the repository `{line(str(self.root))}`",
                hint="name the other repository with `-C FOLDER`",
            )
        return found

    def holds(self, path: str) -> bool:
        """Whether a path of the command line stands in this repository."""
        return self._found(path) is not None

    def _found(self, path: str) -> str | None:
        absolute = Path(_collapse((self.start or self.root) / path))
        # the second form is for a path that reaches the repository through a link above it
        for form in (absolute, absolute.parent.resolve() / absolute.name):
            if form.is_relative_to(self.root):
                found = form.relative_to(self.root)
                return found.as_posix() if found.parts else ""
        return None

    def changed_manifests(self, revision: str, every: Sequence[str]) -> list[str]:
        """The manifests of the models that the changes since ``revision`` touch."""
        git = self.git
        if git is None:
            raise UsageError("`--changed-since` needs a git repository", hint="git init")
        until = self.repo.commit if isinstance(self.repo, CommitTree) else None
        changed = git.changed_since(git.merge_base(revision, until or "HEAD"), until)
        return self.touched_by(changed, every)

    def touched_by(self, changed: Iterable[str], every: Sequence[str]) -> list[str]:
        """The manifests of the models that a change of these paths touches.

        A change of ``mlci.yaml`` touches all. A manifest that leaves its own folder (``../``) is read to see whether
        it names a changed file; the others are told by their folder, so that cost grows with the change.
        """
        changed = set(changed)
        if CONFIG in changed:
            return list(every)
        if not changed:
            return []
        from mlci import plan

        known = set(every)
        # a folder of models/ is its model's own; the root is everybody's, and its model is touched by what it names
        found = {
            owner
            for path in changed
            if (owner := nearest(path, known)) and (owner != MANIFEST or path == MANIFEST or path.startswith("tests/"))
        }
        # the manifest of a folder further up may name the file too
        above = {owner for path in changed for owner in holders(path, known)}
        before = Paths(changed)
        named: dict[str, list[str]] = {}
        defaults_reach_out = any(".." in str(options.get("path", "")) for options in self.config.defaults.values())
        for path in every:
            if path in found:
                continue
            try:
                if path in above or defaults_reach_out or self._may_reach_out(path):
                    model = self.model(path)
                    named[path] = [
                        one
                        for written in written_paths(model, self.config.defaults)
                        for one in self._meant(model.path(written), before)
                    ]
            except MlciError:
                continue  # it was broken before this change, and nothing can pass with it
        return sorted(found | plan.touched(named, changed))

    def _may_reach_out(self, path: str) -> bool:
        # a path that leaves the folder holds two dots, and an escape in a quoted text could hide them; comments
        # are no paths, though an editor's `$schema=../../` is often in one
        raw = _COMMENT_LINE.sub(b"", self.repo.read(path, MAX_BYTES))
        return b".." in raw or b"\\" in raw

    def _meant(self, path: str, changed: Paths) -> Iterator[str]:
        """Every path that a written one stands for: what it names now, what it named before, and the files of DVC."""
        yield path
        yield from (f"{tracked}.dvc" for tracked in and_above(path))
        if is_glob(path):
            yield from self.repo.glob(path)
            yield from expand(path, changed)


def nearest(path: str, known: set[str]) -> str | None:
    """The manifest whose folder holds ``path`` most closely."""
    return next(holders(path, known), None)


def holders(path: str, known: set[str]) -> Iterator[str]:
    """The manifests whose folders hold ``path``, the closest first."""
    parts = path.split("/")
    for end in range(len(parts) - 1, -1, -1):
        candidate = "/".join([*parts[:end], MANIFEST])
        if candidate in known:
            yield candidate


def written_paths(model: Model, defaults: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every path that a manifest names, as written, or that the repository's defaults name for it."""
    given = [*(spec.options for spec in model.checks), *defaults.values()]
    options = [str(option["path"]) for option in given if "path" in option]
    # the card stands under its usual name unless an option says otherwise
    options.append(CARD)
    data = [
        path
        for dataset in model.datasets.values()
        for path in (dataset.path, dataset.contract, dataset.profile)
        if path
    ]
    return [model.artifact, *data, *model.needs, *options]


@contextmanager
def open_workspace(world: World, folder: Path | None = None, revision: str | None = None) -> Iterator[Workspace]:
    """The repository around ``folder`` (the current one if None), as its work tree or as ``revision`` holds it.

    Without git, the root is the nearest folder with a ``mlci.yaml``, else ``folder`` itself.
    """
    start = (world.cwd / folder).resolve() if folder else world.cwd
    if not start.is_dir():
        raise UsageError(f"`{line(str(folder))}` is no folder")
    git_root = find_git(start)
    root = git_root or next((above for above in (start, *start.parents) if (above / CONFIG).is_file()), start)
    if revision is None:
        yield Workspace(world, root, WorkTree(root), git_root is not None, start)
        return
    if git_root is None:
        raise UsageError("`--commit` needs a git repository", hint="git init")
    import tempfile

    from mlci.git import Git

    git = Git(root, world)
    with tempfile.TemporaryDirectory(prefix="mlci-") as scratch:
        yield Workspace(world, root, CommitTree(git, git.commit(revision), Path(scratch)), has_git=True, start=start)


def read_config(read: Document) -> Config:
    """The policy of a document. Raises InvalidFile."""
    data = read.data if isinstance(read.data, dict) else {}
    required = data.get("require")
    defaults = data.get("defaults")
    words = [*(required if isinstance(required, list) else ()), *(defaults if isinstance(defaults, dict) else ())]
    return load_config(read, registry.schema_for("config", (word for word in words if isinstance(word, str))))


def read_model(read: Document) -> Model:
    """The model of a document. Raises InvalidFile."""
    model = load_model(read, registry.schema_for("model", _mentioned(read.data)))
    if model.runtime != "auto" and model.runtime not in registry.RUNTIMES:
        try:
            registry.find("runtimes", model.runtime)
        except UsageError as error:
            at = model.at("runtime", "kind") if isinstance(read.data["runtime"], dict) else model.at("runtime")
            raise InvalidFile([Finding(Level.ERROR, error.message, at, error.hint)]) from None
    return model


def _mentioned(data: Any) -> Iterator[str]:
    """The words that stand where a manifest names a check, of whatever shape the data are."""
    if not isinstance(data, dict):
        return
    datasets = data.get("datasets")
    lists = (
        [data.get("checks"), *(d.get("checks") for d in datasets.values() if isinstance(d, dict))]
        if isinstance(datasets, dict)
        else [data.get("checks")]
    )
    for items in lists:
        for item in items if isinstance(items, list) else ():
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                yield from (str(key) for key in item if key not in _COMMON)


def nothing_here(workspace: Workspace) -> UsageError:
    """The error for a repository without a model."""
    stray = (
        workspace.repo.glob("model.yml")
        + workspace.repo.glob("*/model.yml")
        + workspace.repo.glob("models/*/model.yml")
    )
    if stray:
        return UsageError(
            f"no model.yaml found in `{workspace.repo.label}`", hint=f"rename {line(stray[0])} to model.yaml"
        )
    own = workspace.relative(MANIFEST)
    if workspace.repo.entry(own).kind == "file":
        folder = own.rpartition("/")[0]
        return UsageError(
            f"`{line(own)}` is in no folder where models are looked for",
            hint=f"write `models: [{line(folder)}]` under `version: 1` into {CONFIG} at the root of the repository",
        )
    hint = "mlci init; or name the folders under `models:` in mlci.yaml, or the repository with `-C FOLDER`"
    return UsageError(f"no model.yaml found in `{workspace.repo.label}`", hint=hint)


def _collapse(path: Path) -> str:
    # `..` is taken out as text: following links here would hide that a path leaves the repository
    return os.path.normpath(path)
