"""The bench that the checks of one model measure on: its tables, its running model, each made once and shared."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mlci import content, quantities, registry
from mlci.bundle import external_files
from mlci.content import FETCH, KINDS, RUNS_CODE, Content
from mlci.datasets import Datasets, Terms
from mlci.errors import LimitReached, SafetyRefused, UsageError
from mlci.escape import line
from mlci.once import Once
from mlci.ports import Predictor, Signature, Table
from mlci.privacy import Privacy
from mlci.questions import Answer, Question
from mlci.references import ARTIFACT_LIMIT
from mlci.repo import Repo, refusal
from mlci.runtimes.client import Limits, WorkerPredictor
from mlci.specs import Dataset, Model
from mlci.world import World, this_python

if TYPE_CHECKING:
    from mlci.ports import Array
    from mlci.profile import Profile


class Workbench:
    """Everything costly about one model. Safe for several threads; closed once, when the last check is done."""

    def __init__(self, model: Model, repo: Repo, world: World, terms: Terms | None = None) -> None:
        self._model = model
        self._repo = repo
        self._world = world
        self._terms = terms or Terms()
        self._limits = self._terms.limits
        self._now = self._terms.now or world.now()  # one moment for all: equal questions are asked once
        self._predicting = threading.Lock()
        self._once = Once()
        self._open: list[Table | Predictor] = []
        self.datasets = Datasets(model, repo, world, self._terms, self.content)

    @property
    def repo(self) -> Repo:
        return self._repo

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

    @property
    def privacy(self) -> Privacy:
        return self._terms.privacy

    def now(self) -> datetime:
        return self._now

    def table(self, dataset: str) -> Table:
        return self.datasets.table(dataset)

    def answers(self, dataset: str, questions: Sequence[Question]) -> dict[Question, Answer]:
        return self.datasets.answers(dataset, questions)

    def announce(self, dataset: str, asks: Callable[[], Iterable[Question]]) -> None:
        """Take note of what a check is going to ask of a dataset, before anything is asked."""
        self.datasets.announce(dataset, asks)

    def reference(self, dataset: str, columns: Sequence[str]) -> Profile:
        return self.datasets.reference(dataset, columns)

    def baseline(self, dataset: str) -> Profile | None:
        return self.datasets.baseline(dataset)

    def identity(self, dataset: str, algorithm: str) -> str:
        return self.datasets.identity(dataset, algorithm)

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
                self._once.forget("predictor", "")  # its process was ended; the next dataset gets a new one
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
            table = self._once("predictions", "", lambda: self._predictions(path))
            recorded: Predictor = runtime.open_predictor(table, key)
            return recorded
        return self._once("predictor", "", lambda: self._worker(runtime, path))

    def _predictions(self, path: str) -> Table:
        from mlci.tables.duck import open_table

        files, kind = self.datasets.one_kind(path)
        table = open_table([self._repo.local(name) for name in files], kind, path, threads=self._world.cores)
        self._open.append(table)
        return table

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
            options={"trust": list(self._terms.trust)},
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

    def progress(self) -> dict[str, float]:
        """The files that are being read, and how far, from 0 to 1."""
        return self.datasets.progress()

    def interrupt(self) -> None:
        """End what a table is being asked, from another thread; the asking thread gets an error."""
        self.datasets.interrupt()
        for resource in list(self._open):
            getattr(resource, "interrupt", lambda: None)()

    def close(self) -> None:
        for resource in self._open:
            resource.close()
        self.datasets.close()
