"""The datasets of one model: their tables in one database, the answers to what is asked of them, their profiles."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlci import document, quantities
from mlci.bundle import canonical
from mlci.content import FETCH, KINDS, Content
from mlci.errors import MlciError, UsageError
from mlci.escape import line
from mlci.once import Once
from mlci.ports import Table
from mlci.privacy import Privacy
from mlci.questions import Answer, Question
from mlci.reader import MAX_BYTES
from mlci.repo import Repo, is_lfs_pointer, refusal
from mlci.specs import Dataset, Model
from mlci.world import World

if TYPE_CHECKING:
    from mlci.profile import Profile
    from mlci.tables.duck import Warehouse

_TABLES = "parquet, CSV, JSON lines, Arrow, DuckDB and SQLite files are read"
DATABASES = ("duckdb", "sqlite")
_INSTEAD_OF_TABLES = {
    **FETCH,
    "folder": f"name its files, such as data/**/*.parquet: {_TABLES}",
    "compressed": f"unpack it: {_TABLES}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a run allows the benches of its models."""

    limits: Mapping[str, str] = field(default_factory=dict)
    """As ``mlci.yaml`` has them."""
    trust: tuple[str, ...] = ()
    privacy: Privacy = field(default_factory=Privacy)
    now: datetime | None = None
    """The moment that ages are measured from; None is the clock's."""
    baseline: Repo | None = None
    """Where committed profiles are compared with; None is the files that are looked at."""
    remote: bool = False
    """Datasets may be read from databases elsewhere."""


class Datasets:
    """Safe for several threads; closed once."""

    def __init__(self, model: Model, repo: Repo, world: World, terms: Terms, kind_of: Callable[[str], Content]) -> None:
        """``kind_of`` says what a file is."""
        self._model = model
        self._repo = repo
        self._world = world
        self._terms = terms
        self._kind_of = kind_of
        self._once = Once()
        self._lock = threading.Lock()
        self._asks: dict[str, list[Callable[[], Iterable[Question]]]] = {}
        self._here = threading.local()
        self._open: list[Table] = []
        self._warehouse: Warehouse | None = None

    # -- tables

    def table(self, dataset: str) -> Table:
        return self._once("table", dataset, lambda: self._table(self._model.datasets[dataset]))

    def _table(self, dataset: Dataset) -> Table:
        others = {name: self._opener(name) for name in self._model.datasets}
        keys = {name: self._hashes(name) for name in self._model.datasets}
        if dataset.connection is not None:
            return self._remote(dataset, others, keys)
        try:
            return self._opened(dataset, others, keys)
        except MlciError as error:
            # one place for all checks: it is the file's trouble, and told once
            error.at = error.at or self._model.at("datasets", dataset.name, "path")
            raise

    def _opened(
        self,
        dataset: Dataset,
        others: Mapping[str, Callable[[], Table]],
        keys: Mapping[str, Callable[[], Collection[int]]],
    ) -> Table:
        path = self._model.path(dataset.path)
        files, kind = self.one_kind(path)
        warehouse = self._once("warehouse", "", self._make_warehouse)
        folder = self._repo.place(path[: _star(path)].rpartition("/")[0])
        opened: Table = warehouse.open(
            dataset.name,
            [self._repo.local(name) for name in files],
            kind,
            path,
            csv=dataset.csv or None,
            # of a file that has no tables, it names that of the contract
            table=dataset.table if kind in DATABASES or not dataset.contract else None,
            sample=dataset.scan,
            root=folder if len(files) > 1 or files[0] != path else None,
            others=others,
            keys=keys,
        )
        return opened

    def _opener(self, name: str) -> Callable[[], Table]:
        return lambda: self.table(name)

    def _hashes(self, name: str) -> Callable[[], Collection[int]]:
        """The key hashes beside the committed profile of a dataset, read when they are asked for."""

        def read() -> Collection[int]:
            from mlci import keys

            spec = self._model.datasets[name]
            made = self.committed(name)
            if made is None or not made.keys:
                raise UsageError(f"the dataset `{line(name)}` has no key hashes", hint="mlci data profile --keys")
            path = keys.path_of(self._model.path(spec.profile))
            return keys.read(self._repo.read(path, keys.MAX_BYTES), path, made.keys_sha256)

        return read

    def _make_warehouse(self) -> Warehouse:
        from mlci.tables.duck import Warehouse

        # all of them, before the first is opened: the database is sealed then
        written = [self._model.path(dataset.path) for dataset in self._model.datasets.values() if dataset.path]
        allowed = [
            self._repo.place(name)
            for path in written
            for name in self._repo.glob(path)
            if self._repo.entry(name).kind == "file"
        ]
        most = self._terms.limits.get("data")
        made = Warehouse(
            threads=self._world.cores,
            memory=int(quantities.size(most)) if most else None,
            allowed=allowed,
            tables=len(written),
            seconds=quantities.duration(self._terms.limits["query"]) if "query" in self._terms.limits else None,
        )
        with self._lock:
            self._warehouse = made
        return made

    def _remote(
        self,
        dataset: Dataset,
        others: Mapping[str, Callable[[], Table]],
        keys: Mapping[str, Callable[[], Collection[int]]],
    ) -> Table:
        at = self._model.at("datasets", dataset.name, "connection")
        if not self._terms.remote:
            raise UsageError(
                f"`{line(dataset.name)}` is in a database, and databases are read only where that is allowed",
                hint="mlci check --remote",
                at=at,
            )
        assert dataset.connection is not None
        address = dataset.connection
        if address.startswith("env:"):
            name = address.removeprefix("env:")
            address = self._world.env.get(name, "")
            if not address:
                raise UsageError(f"the variable `{name}` is not set, and holds the address of a database", at=at)
        if dataset.scan is not None:
            raise UsageError(
                f"`{line(dataset.name)}` is in a database, and `scan` draws its sample from files",
                hint="let `table:` name a view that draws one",
                at=self._model.at("datasets", dataset.name, "scan"),
            )
        from mlci.tables.remote import open_remote

        files, kind = self.one_kind(self._model.path(dataset.path)) if dataset.path else ([], "")
        places = [self._repo.local(name) for name in files]
        opened = open_remote(address, dataset.table, places, kind, line(dataset.name), others, keys)
        self._open.append(opened)
        return opened

    def one_kind(self, path: str) -> tuple[list[str], str]:
        """The files that a path names, and the one kind of table that they are. Raises UsageError."""
        from mlci.tables.duck import READS

        files = self._files(path)
        kinds = {name: self._kind_of(name).kind for name in files}
        for name, kind in kinds.items():
            if kind not in READS:
                hint = _INSTEAD_OF_TABLES.get(kind, _TABLES)
                raise UsageError(f"`{line(name)}` is {KINDS[kind]}, expected a table", hint=hint)
        if len(set(kinds.values())) > 1:
            raise UsageError(
                f"`{line(path)}` names files of two formats", hint="let the pattern name one of them: *.parquet"
            )
        return files, kinds[files[0]]

    def _files(self, path: str) -> list[str]:
        files = self._repo.glob(path)
        if not files:
            raise refusal(self._repo.entry(path))
        return files

    # -- answers

    def announce(self, dataset: str, asks: Callable[[], Iterable[Question]]) -> None:
        """Take note of what a check is going to ask of a dataset, before anything is asked."""
        self._asks.setdefault(dataset, []).append(asks)

    def answers(self, dataset: str, questions: Sequence[Question]) -> dict[Question, Answer]:
        if getattr(self._here, "planning", False):
            # a check asks before it says what it will ask: the plan is not made yet, and waits for it
            return self.table(dataset).answer(questions)
        known = self._once("answers", dataset, lambda: self._planned(dataset))
        late = [question for question in questions if question not in known]
        if late:
            # those of a check that did not announce them, or all of them where one could not be answered
            known.update(self.table(dataset).answer(late))
        return {question: known[question] for question in questions}

    def _planned(self, dataset: str) -> dict[Question, Answer]:
        """Everything that was announced, answered in one scan; nothing where a question stands in the way."""
        announced: list[Question] = []
        self._here.planning = True
        try:
            for asks in self._asks.get(dataset, ()):
                try:
                    announced += asks()
                except Exception:  # noqa: BLE001, S112  # the check itself meets it again, and says what it is
                    continue
        finally:
            self._here.planning = False
        table = self.table(dataset)
        try:
            return table.answer(announced)
        except MlciError:
            return {}  # each check asks for itself, and whoever's question it was gets the error

    # -- profiles

    def committed(self, dataset: str) -> Profile | None:
        """The profile that the files looked at have of a dataset."""
        return self._once("profile", dataset, lambda: self._profile(self._repo, self._model.datasets[dataset]))

    def reference(self, dataset: str, columns: Sequence[str]) -> Profile:
        spec = self._model.datasets[dataset]
        committed = self.committed(dataset)
        if committed is None:
            name = "\0".join((dataset, *sorted(columns)))
            return self._once("computed profile", name, lambda: self._computed(spec, columns))
        # a Git LFS pointer tells the digest of what it stands for, and other bytes make another profile
        found = self._content(dataset) if self._is_here(spec) else self._pointed_at(spec)
        if found and committed.content != found:
            raise UsageError(
                f"`{line(spec.profile)}` is the profile of other bytes ({committed.content[:19]}) than"
                f" `{line(spec.path)}` has now ({found[:19]})",
                hint=f"mlci data profile {line(dataset)}",
                at=self._model.at("datasets", dataset),
            )
        before = self._terms.baseline
        if before is not None and self._is_here(spec) and committed != self._before(before, spec):
            self._once("verified profile", dataset, lambda: self._verified(spec, committed))
        return committed

    def _verified(self, dataset: Dataset, committed: Profile) -> None:
        """Raises UsageError unless a profile that is new says what the data say."""
        from mlci import profile, profiling

        # of every row, as it was written; and read back, as the other one was
        table = self._table(replace(dataset, scan=None))
        made = profiling.build(table, dataset, self._content(dataset.name))
        made = profile.read(profile.dump(made).encode(), dataset.profile)
        if (made.rows, made.columns) != (committed.rows, committed.columns):
            wrong = [column.name for column in made.columns if committed.column(column.name) != column]
            raise UsageError(
                f"`{line(dataset.profile)}` is not what `{line(dataset.path)}` says"
                + (f" of `{line(wrong[0])}`" if wrong else ""),
                hint=f"mlci data profile {line(dataset.name)}",
                at=self._model.at("datasets", dataset.name),
            )

    def _computed(self, dataset: Dataset, columns: Sequence[str]) -> Profile:
        from mlci import profiling

        return profiling.build(self.table(dataset.name), dataset, self._content(dataset.name), columns)

    def _content(self, dataset: str) -> str:
        return f"sha256:{self.identity(dataset, 'sha256')}"

    def _pointed_at(self, dataset: Dataset) -> str:
        """The digest that the Git LFS pointer of a dataset's only file has; "" where there is no such pointer."""
        try:
            names = self._files(self._model.path(dataset.path)) if dataset.path else []
            raw = self._repo.head(names[0], 1024) if len(names) == 1 else b""
        except MlciError:
            return ""
        oid = re.search(rb"^oid (sha256:[0-9a-f]{64})$", raw, re.MULTILINE) if is_lfs_pointer(raw) else None
        return oid[1].decode() if oid else ""

    def _is_here(self, dataset: Dataset) -> bool:
        """Whether the bytes of a dataset are in this checkout."""
        try:
            return all(self._kind_of(name).kind not in FETCH for name in self._files(self._model.path(dataset.path)))
        except MlciError:
            return False

    def _profile(self, repo: Repo, dataset: Dataset) -> Profile | None:
        from mlci import profile

        path = self._model.path(dataset.profile)
        if repo.entry(path).kind == "missing":
            return None
        return profile.read(repo.read(path, profile.MAX_BYTES), path)

    def _before(self, repo: Repo, dataset: Dataset) -> Profile | None:
        """The profile at the baseline: where it is now, else where the manifest there has it."""
        if found := self._profile(repo, dataset):
            return found
        path = self._model.document.path
        try:
            data: Any = document.read(repo.read(path, MAX_BYTES), path).data
            written = data["datasets"][dataset.name].get("profile", f"{dataset.name}.profile.json")
        except (MlciError, LookupError, TypeError, AttributeError):
            return None  # the dataset is new, or nothing that can be read was there
        return self._profile(repo, replace(dataset, profile=str(written)))

    def baseline(self, dataset: str) -> Profile | None:
        spec = self._model.datasets[dataset]
        before = self._terms.baseline
        if before is not None:
            found = self._once("baseline", dataset, lambda: self._before(before, spec))
            if found is not None:
                return found
        own = self.committed(dataset)
        if own is None:
            raise UsageError(
                f"the dataset `{line(dataset)}` has no profile to compare with: `{line(spec.profile)}` is not there",
                hint=f"mlci data profile {line(dataset)}, and commit what it writes",
                at=self._model.at("datasets", dataset),
            )
        return own if before is None else None

    # -- identity

    def identity(self, dataset: str, algorithm: str) -> str:
        return self._once("identity", f"{algorithm} {dataset}", lambda: self._identity(dataset, algorithm))

    def _identity(self, dataset: str, algorithm: str) -> str:
        spec = self._model.datasets[dataset]
        if not spec.path:
            raise UsageError(
                f"`{line(dataset)}` is in a database, and only files have a digest",
                at=self._model.at("datasets", dataset),
            )
        names = self._files(self._model.path(spec.path))
        for name in names:
            kind = self._kind_of(name).kind
            if kind in FETCH:
                raise UsageError(f"`{line(name)}` is {KINDS[kind]}, expected a table", hint=FETCH[kind])
        digests = [(name, self._digest(name, algorithm)) for name in names]
        if len(digests) == 1:
            return digests[0][1]
        folder = self._model.folder
        rows = [[name.removeprefix(f"{folder}/" if folder else ""), digest] for name, digest in digests]
        return hashlib.new(algorithm, canonical(rows), usedforsecurity=False).hexdigest()

    def _digest(self, path: str, algorithm: str) -> str:
        if algorithm == "sha256":
            return self._repo.digest(path)
        with self._repo.local(path).open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()

    # -- the end

    def progress(self) -> dict[str, float]:
        """The files that are being read, and how far, from 0 to 1."""
        return self._warehouse.progress() if self._warehouse is not None else {}

    def interrupt(self) -> None:
        """End what a table is being asked, from another thread; the asking thread gets an error."""
        if self._warehouse is not None:
            self._warehouse.interrupt()

    def close(self) -> None:
        for table in self._open:
            table.close()
        if self._warehouse is not None:
            self._warehouse.close()


def _star(path: str) -> int:
    """Where a path begins to be a pattern; its end where it is none."""
    return min((path.index(sign) for sign in "*?[" if sign in path), default=len(path))
