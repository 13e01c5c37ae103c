"""The bench that the checks of one model measure on: its tables, its running model, each made once and shared."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from mlci import content, quantities, registry
from mlci.bundle import external_files
from mlci.content import FETCH, KINDS, RUNS_CODE, Content
from mlci.errors import LimitReached, MlciError, SafetyRefused, UsageError
from mlci.escape import line
from mlci.ports import Predictor, Signature, Table
from mlci.references import ARTIFACT_LIMIT
from mlci.repo import Repo, refusal
from mlci.runtimes.client import Limits, WorkerPredictor
from mlci.specs import Dataset, Model
from mlci.world import World, this_python

if TYPE_CHECKING:
    from mlci.ports import Array

T = TypeVar("T")
_TABLES = "parquet files and CSV files in UTF-8 are read"
_INSTEAD_OF_TABLES = {**FETCH, "compressed": f"unpack it: {_TABLES}"}


class _Slot:
    """A place for what is made once."""

    __slots__ = ("done", "lock", "made")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.made: object = None


class Workbench:
    """Everything costly about one model. Safe for several threads; closed once, when the last check is done."""

    def __init__(
        self, model: Model, repo: Repo, world: World, limits: Mapping[str, str], trust: tuple[str, ...] = ()
    ) -> None:
        self._model = model
        self._repo = repo
        self._world = world
        self._limits = limits
        self._trust = trust
        self._lock = threading.Lock()
        self._predicting = threading.Lock()
        self._made: dict[tuple[str, str], _Slot] = {}
        self._open: list[Table | Predictor] = []

    @property
    def repo(self) -> Repo:
        return self._repo

    def _once(self, kind: str, name: str, make: Callable[[], T]) -> T:
        """What ``make`` returns, made by whoever asks first; an error is kept as well, and raised again."""
        with self._lock:
            slot = self._made.setdefault((kind, name), _Slot())
        # a lock for each thing: who reads the training data need not wait for the model that is being loaded
        with slot.lock:
            if not slot.done:
                try:
                    slot.made = make()
                except MlciError as error:
                    slot.made = error
                slot.done = True
        if isinstance(slot.made, MlciError):
            raise slot.made
        return slot.made  # type: ignore[return-value]  # the key's kind decides the type

    def _forget(self, kind: str, name: str) -> None:
        with self._lock:
            self._made.pop((kind, name), None)

    def content(self, path: str) -> Content:
        return self._once("content", path, lambda: self._content(path))

    def _content(self, path: str) -> Content:
        entry = self._repo.entry(path)
        if entry.kind == "folder":
            return Content("folder", tuple(self._repo.files(path)))
        if entry.kind != "file":
            raise refusal(entry)
        head = self._repo.head(path, content.HEAD)
        if not head.startswith(b"PK"):
            return Content(content.kind_of(head))
        with self._repo.local(path).open("rb") as stream:
            return content.sniff(stream)

    def table(self, dataset: str) -> Table:
        return self._once("table", dataset, lambda: self._table(self._model.path(self._model.datasets[dataset].path)))

    def _table(self, path: str) -> Table:
        from mlci.tables.duck import READS, open_table

        files = self._repo.glob(path)
        if not files:
            raise refusal(self._repo.entry(path))
        kinds = {name: self.content(name).kind for name in files}
        for name, kind in kinds.items():
            if kind not in READS:
                hint = _INSTEAD_OF_TABLES.get(kind, _TABLES)
                raise UsageError(f"`{line(name)}` is {KINDS[kind]}, expected a table", hint=hint)
        if len(set(kinds.values())) > 1:
            raise UsageError(
                f"`{line(path)}` names files of two formats", hint="let the pattern name one of them: *.parquet"
            )
        table: Table = open_table(
            [self._repo.local(name) for name in files], kinds[files[0]], path, threads=self._world.cores
        )
        self._open.append(table)
        return table

    def outputs(self, dataset: str) -> tuple[Signature, dict[str, Array]]:
        return self._once("outputs", dataset, lambda: self._outputs(dataset))

    def _outputs(self, name: str) -> tuple[Signature, dict[str, Array]]:
        dataset = self._model.datasets[name]
        without = [*dataset.key, *([dataset.target] if dataset.target else [])]
        table = self.table(name)
        self._refuse_missing_key(dataset, table)
        with self._predicting:  # a predictor answers one question at a time
            predictor = self._predictor(dataset.key)
            try:
                answers = predictor.predict(table, without)
            except LimitReached:
                self._forget("predictor", "")  # its process was ended; the next dataset gets a new one
                raise
            return predictor.signature, answers

    def _refuse_missing_key(self, dataset: Dataset, table: Table) -> None:
        present = [column.name for column in table.columns]
        for index, column in enumerate(dataset.key):
            if column not in present:
                close = difflib.get_close_matches(column, present, n=1)
                known = ", ".join(map(line, present[:12]))
                raise UsageError(
                    f"the key `{line(column)}` is no column of the dataset `{line(dataset.name)}`",
                    hint=f"did you mean `{line(close[0])}`?" if close else f"it has {known}",
                    at=self._model.at("datasets", dataset.name, "key", index),
                )

    def _predictor(self, key: Sequence[str]) -> Predictor:
        path = self._model.path(self._model.artifact)
        runtime = self._runtime(self.content(path).kind)
        self._refuse_large(path)
        if hasattr(runtime, "open_predictor"):
            table = self._once("predictions", "", lambda: self._table(path))
            recorded: Predictor = runtime.open_predictor(table, key)
            return recorded
        return self._once("predictor", "", lambda: self._worker(runtime, path))

    def _worker(self, runtime: ModuleType, path: str) -> Predictor:
        model = self._model
        for name in external_files(path, self._repo):
            self._repo.local(name)  # beside the artifact, where it looks for them
        predictor = WorkerPredictor(
            self._python(),
            Path(str(runtime.__file__)),
            self._repo.local(path),
            self._world,
            limits=self._worker_limits(),
            extra=runtime.EXTRA,
            modules=runtime.MODULES,
            label=f"`{line(model.artifact)}`",
            options={"trust": list(self._trust)},
            order=list(dict.fromkeys(name for d in model.datasets.values() for name in d.columns)),
        )
        self._open.append(predictor)
        return predictor

    def _runtime(self, kind: str) -> ModuleType:
        """The runtime that the manifest names, else the one that takes this kind of content."""
        if self._model.runtime != "auto":
            runtime = registry.find("runtimes", self._model.runtime)
            if runtime.KINDS and kind not in runtime.KINDS:
                taken = " or ".join(KINDS[name] for name in runtime.KINDS)
                artifact = line(self._model.artifact)
                raise UsageError(
                    f"`{artifact}` is {KINDS[kind]}, and the runtime {self._model.runtime} takes {taken}",
                    at=self._model.at("runtime"),
                )
            return runtime
        for name in registry.RUNTIMES:
            runtime = registry.find("runtimes", name)
            if kind in runtime.KINDS:
                return runtime
        message = f"no runtime takes `{line(self._model.artifact)}`: it is {KINDS[kind]}"
        if kind in RUNS_CODE:
            raise SafetyRefused(message, hint="save it as skops or ONNX", at=self._model.at("artifact"))
        if kind in FETCH:
            raise UsageError(message, hint=FETCH[kind], at=self._model.at("artifact"))
        hint = "say `runtime: predictions` if it is a file of predictions; runtimes: " + ", ".join(registry.RUNTIMES)
        raise UsageError(message, hint=hint, at=self._model.at("artifact"))

    def _refuse_large(self, path: str) -> None:
        most = self._limits.get("artifact", ARTIFACT_LIMIT)
        if self._repo.entry(path).size > quantities.size(most):
            raise LimitReached(f"`{line(path)}` is over the limit of {most} on what is read")

    def _worker_limits(self) -> Limits:
        usual = Limits()
        load, predict, memory = (self._limits.get(name) for name in ("load", "predict", "memory"))
        return Limits(
            quantities.duration(load) if load else usual.load_s,
            quantities.duration(predict) if predict else usual.predict_s,
            int(quantities.size(memory)) if memory else usual.memory,
        )

    def _python(self) -> str:
        """The model's own interpreter, a path from its manifest; the one that runs mlci where it names none."""
        written = self._model.python
        if written is None:
            return this_python()
        found = self._repo_root() / self._model.path(written)
        if not found.is_file():
            hint = "make it: python -m venv .venv, then install the model's requirements"
            raise UsageError(
                f"the interpreter `{line(written)}` is not there", hint=hint, at=self._model.at("runtime", "python")
            )
        return str(found)

    def _repo_root(self) -> Path:
        root = getattr(self._repo, "root", None)
        if root is None:
            raise UsageError("an interpreter of its own needs a work tree, and a commit is checked here")
        return Path(root)

    def interrupt(self) -> None:
        """End what a table is being asked, from another thread; the asking thread gets an error."""
        for resource in list(self._open):
            getattr(resource, "interrupt", lambda: None)()

    def close(self) -> None:
        for resource in self._open:
            resource.close()
