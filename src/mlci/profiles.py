"""The profiles of a repository: written for its datasets, and compared with what the data are now."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlci import difference, keys, profile, profiling
from mlci.content import FETCH
from mlci.datasets import Terms
from mlci.difference import Diff
from mlci.errors import LimitReached, MlciError, OutsideFailed, UsageError
from mlci.escape import line
from mlci.ports import Table
from mlci.profile import Profile
from mlci.repo import Repo, refusal
from mlci.selection import Selection, load
from mlci.specs import Dataset, Model
from mlci.workbench import Workbench
from mlci.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written, and what it holds in a few words."""

    path: str
    size: int
    about: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A dataset, by name, and what became of it."""

    model: str
    dataset: str
    diff: Diff


def datasets(workspace: Workspace, names: Sequence[str], models: Sequence[str]) -> list[tuple[Model, Dataset]]:
    """The datasets of these names, of all models that have them; every dataset where no name is given.

    Raises UsageError for a name that is none, and what is wrong with a manifest that may have been meant.
    """
    loaded = load(workspace, Selection(models=tuple(models)))
    found = [(item.model, dataset) for item in loaded if item.model for dataset in item.model.datasets.values()]
    known = {dataset.name for _, dataset in found}
    unknown = [name for name in names if name not in known]
    errors = [item.error for item in loaded if item.error]
    if errors and (unknown or not names):
        raise errors[0]
    if unknown:
        close = difflib.get_close_matches(unknown[0], known, n=1)
        every = ", ".join(map(line, sorted(known)[:12])) or "none"
        hint = f"did you mean `{line(close[0])}`?" if close else f"the datasets here: {every}"
        raise UsageError(f"there is no dataset `{line(unknown[0])}` here", hint=hint)
    return [(model, dataset) for model, dataset in found if not names or dataset.name in names]


def write(
    workspace: Workspace, model: Model, dataset: Dataset, groups: Sequence[Sequence[str]] = (), *, remote: bool = False
) -> list[Written]:
    """Profile a dataset and write its lock, with ``groups`` the hashes of these columns beside it."""
    path = model.path(dataset.profile)
    with _bench(workspace, model, dataset, remote) as bench:
        table, made = _profiled(bench, dataset)
        hashes = b""
        if groups:
            made, hashes = profiling.with_keys(made, table, groups)
    about = f"{made.rows:,} rows, {len(made.columns):,} columns"
    files = [_put(workspace, path, profile.dump(made).encode(), about)]
    if groups:
        about = f"{len(hashes) // keys.WIDTH:,} key hashes"
        files.append(_put(workspace, keys.path_of(path), hashes, about))
    return files


def _profiled(bench: Workbench, dataset: Dataset) -> tuple[Table, Profile]:
    table = bench.table(dataset.name)
    if dataset.path:
        return table, profiling.build(table, dataset, f"sha256:{bench.identity(dataset.name, 'sha256')}")
    # a table of a database has no bytes: what was counted in it stands for them
    made = profiling.build(table, dataset, "sha256:" + "0" * 64)
    return table, replace(made, content=f"sha256:{hashlib.sha256(profile.dump(made).encode()).hexdigest()}")


def left_behind(workspace: Workspace, model: Model, dataset: Dataset) -> str:
    """The file of key hashes that the dataset's profile does not name; "" where there is none."""
    path = keys.path_of(model.path(dataset.profile))
    made = committed(workspace.repo, model, dataset)
    return path if made and not made.keys and workspace.repo.entry(path).kind == "file" else ""


def compare(
    workspace: Workspace, model: Model, dataset: Dataset, before: Repo | None, *, remote: bool = False
) -> Compared | None:
    """A dataset against its committed profile, that of ``before`` where it is given; None where it has none there.

    Where the data are not in this checkout, their profile here stands for them.
    """
    old = committed(before or workspace.repo, model, dataset)
    if old is None:
        return None
    counts: difference.Recounted | None = None
    with _bench(workspace, model, dataset, remote) as bench:
        own = committed(workspace.repo, model, dataset)
        if before is None or own is None or _is_here(bench, model, dataset):
            table, new = _profiled(bench, dataset)
            counts = difference.recount(table, old, new)
        else:
            new = own
    return Compared(model.name, dataset.name, difference.diff(old, new, counts))


def _is_here(bench: Workbench, model: Model, dataset: Dataset) -> bool:
    """Whether the data are in this checkout."""
    try:
        files = bench.repo.glob(model.path(dataset.path))
        return bool(files) and all(bench.content(name).kind not in FETCH for name in files)
    except MlciError:
        return False


def committed(repo: Repo, model: Model, dataset: Dataset) -> Profile | None:
    """The profile that a repository has of a dataset."""
    path = model.path(dataset.profile)
    if repo.entry(path).kind == "missing":
        return None
    return profile.read(repo.read(path, profile.MAX_BYTES), path)


def read_file(path: Path) -> Profile:
    """A profile from a file that the command line names. Raises InvalidFile, UsageError."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(profile.MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise UsageError(
            f"`{line(str(path))}` cannot be read: {reason}", hint="`mlci data profile` writes it"
        ) from None
    if len(raw) > profile.MAX_BYTES:
        raise LimitReached(f"`{line(str(path))}` has more than {profile.MAX_BYTES:,} bytes")
    return profile.read(raw, str(path))


@contextmanager
def _bench(workspace: Workspace, model: Model, dataset: Dataset, remote: bool) -> Iterator[Workbench]:
    # of every row, whatever is sampled in a check: later data are held against it
    whole = replace(model, datasets={**model.datasets, dataset.name: replace(dataset, scan=None)})
    bench = Workbench(whole, workspace.repo, workspace.world, Terms(limits=workspace.config.limits, remote=remote))
    try:
        yield bench
    finally:
        bench.close()


def _put(workspace: Workspace, path: str, raw: bytes, about: str) -> Written:
    """Write a file of the work tree: whole, or not at all."""
    entry = workspace.repo.entry(path)
    if entry.kind not in ("missing", "file"):
        raise refusal(entry)
    target = workspace.root / path
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(raw)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutsideFailed(f"`{line(path)}` cannot be written: {(error.strerror or '').lower()}") from None
    return Written(path, len(raw), about)
