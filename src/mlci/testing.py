r"""Public: what authors of checks and runtimes test with. Fakes of every port, and one call that runs a check.

result = run_check("rows", {"min": 3}, dataset="test", files={"test.csv": "x\n1\n2\n"})
assert result.outcome is Outcome.FAILED
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlci import content, registry
from mlci.case import Case
from mlci.content import Content
from mlci.datasets import Terms
from mlci.document import read
from mlci.ports import Bench, Column, Signature, Table, Tensor
from mlci.privacy import Privacy
from mlci.profile import Profile
from mlci.questions import Answer, Question, RowQuestion
from mlci.repo import Repo, WorkTree
from mlci.results import Result
from mlci.run import run
from mlci.specs import CheckSpec, Model
from mlci.workbench import Workbench
from mlci.workspace import Workspace, read_model
from mlci.world import World

if TYPE_CHECKING:
    from mlci.ports import Array


class FakeWorld(World):
    """A world whose clock stands still until ``advance`` moves it, with an environment of its own."""

    def __init__(self, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        super().__init__(cwd, env or {})
        self.time = datetime(2020, 1, 1, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class FakeTable:
    """A table of columns given as sequences; None is a missing value."""

    def __init__(self, data: Mapping[str, Sequence[Any]]) -> None:
        self.data = {name: list(values) for name, values in data.items()}
        self.columns: Sequence[Column] = [Column(name, _type(values), "FAKE") for name, values in self.data.items()]
        self.closed = False

    def rows(self) -> int:
        return max((len(values) for values in self.data.values()), default=0)

    def nulls(self, names: Sequence[str]) -> dict[str, int]:
        return {name: sum(1 for value in self.data[name] if value is None or value != value) for name in names}

    def arrays(self, names: Sequence[str]) -> dict[str, Array]:
        import numpy as np

        def array(name: str) -> Array:
            values = self.data[name]
            if _type(values) in ("int", "float") and None in values:
                return np.array([float("nan") if value is None else value for value in values], dtype=float)
            kinds = {"int": np.int64, "float": np.float64, "bool": np.bool_}
            return np.array(values, dtype=None if None in values else kinds.get(_type(values), object))

        return {name: array(name) for name in names}

    notes: Sequence[str] = ()
    scanned: int | None = None
    others: Mapping[str, FakeTable] = {}
    """The other datasets, by name."""

    def answer(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        from mlci.tables import plain

        others = {name: table.data for name, table in self.others.items()}
        return {question: plain.answer(self.data, question, others) for question in questions}

    def query(self, question: RowQuestion) -> str:
        return f"the rows of {question}"

    def sample(self, question: RowQuestion, columns: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        return list(zip(*(self.data[name] for name in columns), strict=True))[:limit]

    def close(self) -> None:
        self.closed = True


def _type(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return "bool"
    if kinds <= {int}:
        return "int"
    return "float" if kinds <= {int, float} else "string"


class FakePredictor:
    """A loaded model that answers what it was told."""

    def __init__(self, outputs: Mapping[str, Array], classes: Sequence[Any] | None = None) -> None:
        self.outputs = dict(outputs)
        tensors = tuple(Tensor(name, "FP64", tuple(values.shape)) for name, values in self.outputs.items())
        self.signature = Signature((), tensors, None if classes is None else tuple(classes))
        self.closed = False

    def predict(self, table: Table, without: Sequence[str]) -> dict[str, Array]:
        return self.outputs

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeBench:
    """A bench with tables and answers given in advance."""

    repo: Repo
    tables: Mapping[str, FakeTable] = field(default_factory=dict)
    predictor: FakePredictor | None = None
    privacy: Privacy = field(default_factory=Privacy)
    time: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """The committed profiles, which are the baseline as well."""
    identities: Mapping[str, str] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.time

    def answers(self, dataset: str, questions: Sequence[Question]) -> dict[Question, Answer]:
        return self.table(dataset).answer(questions)

    def reference(self, dataset: str, columns: Sequence[str]) -> Profile:
        return self.profiles[dataset]

    def baseline(self, dataset: str) -> Profile | None:
        return self.profiles.get(dataset)

    def identity(self, dataset: str, algorithm: str) -> str:
        return self.identities[algorithm]

    def content(self, path: str) -> Content:
        return Content(content.kind_of(self.repo.head(path, content.HEAD)))

    def table(self, dataset: str) -> Table:
        return self.tables[dataset]

    def outputs(self, dataset: str) -> tuple[Signature, dict[str, Array]]:
        assert self.predictor, "this bench was given no predictor"
        return self.predictor.signature, self.predictor.predict(self.tables[dataset], ())


def model_from(text: str | Mapping[str, Any], path: str = "model.yaml") -> Model:
    """The model of a manifest given as YAML or as data. Raises InvalidFile."""
    raw = text if isinstance(text, str) else json.dumps(text)
    return read_model(read(raw.encode(), path))


def run_check(
    check: str | ModuleType,
    options: Mapping[str, Any] | None = None,
    *,
    files: Mapping[str, str | bytes],
    dataset: str | None = None,
    bench: Bench | None = None,
    terms: Terms | None = None,
) -> Result:
    """Run one check over files given by name and content.

    ``check`` is an id, or the module of a check that is not registered yet. Without a ``model.yaml`` among the files
    the model has the artifact ``model.csv``, a file of predictions, and a dataset for every other CSV or parquet
    file, named as the file and with the target ``y``. ``bench`` takes the place of the real one, ``terms`` says
    what the real one allows: the moment it is, what may be shown.
    """
    module = registry.find("checks", check) if isinstance(check, str) else check
    with tempfile.TemporaryDirectory(prefix="mlci-") as folder:
        root = Path(folder)
        for name, body in files.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body.encode() if isinstance(body, str) else body)
        manifest = root / "model.yaml"
        world = World(root)
        workspace = Workspace(world, root, WorkTree(root))
        model = workspace.model(manifest.name) if manifest.exists() else model_from(_default_manifest(files))
        own = bench or Workbench(model, WorkTree(root), world, terms)
        name = check if isinstance(check, str) else module.__name__.rpartition(".")[2].replace("_", "-")
        spec = CheckSpec(check=name, id=name, options=dict(options or {}), dataset=dataset)
        case = Case(spec, model, own, dict(options or {}))
        try:
            if dataset and isinstance(own, Workbench) and hasattr(module, "asks"):
                own.announce(dataset, partial(module.asks, case))
            return run(case, module.check, world.monotonic)
        finally:
            if isinstance(own, Workbench):
                own.close()


def _default_manifest(files: Mapping[str, str | bytes]) -> dict[str, Any]:
    paths = [PurePosixPath(name) for name in files if name.endswith((".csv", ".parquet")) and name != "model.csv"]
    return {
        "version": 1,
        "name": "example",
        "artifact": "model.csv",
        "runtime": "predictions",
        "datasets": {path.stem: {"path": str(path), "target": "y"} for path in paths},
        "checks": ["artifact"],
    }
