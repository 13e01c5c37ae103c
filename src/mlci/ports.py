"""What the engine asks of the outside, as protocols; the plugins answer, and ``mlci.testing`` has fakes of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from mlci.content import Content
from mlci.privacy import Privacy
from mlci.profile import Profile
from mlci.questions import Answer, Question, RowQuestion
from mlci.repo import Repo

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
else:
    Array = Any


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``type`` is one of int, float, string, bool, date, datetime, other."""

    name: str
    type: str
    native: str
    """The type as the table's own format calls it."""


class Table(Protocol):
    """Rows and named columns."""

    @property
    def columns(self) -> Sequence[Column]: ...

    def rows(self) -> int:
        """The number of rows."""

    def nulls(self, names: Sequence[str]) -> dict[str, int]:
        """Missing values of each column; NaN counts as missing."""

    def arrays(self, names: Sequence[str]) -> dict[str, Array]:
        """One array of length ``rows`` a column. Missing numbers are NaN, other missing values None."""

    @property
    def notes(self) -> Sequence[str]:
        """How the files were read, where that was found out and not said; for people."""

    @property
    def scanned(self) -> int | None:
        """Rows of the sample that ``Count``, ``Histogram`` and ``Categories`` speak of; None when they see all."""

    def answer(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        """What was asked, in as few scans as there can be."""

    def query(self, question: RowQuestion) -> str:
        """SQL that shows the rows which a question counts, for a person to run."""

    def sample(self, question: RowQuestion, columns: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        """At most ``limit`` of the rows which a question counts."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or an output of a model; ``shape`` has -1 where any size is taken."""

    name: str
    datatype: str
    """As the Open Inference Protocol v2 names it: FP32, INT64, BYTES, ..."""
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and gives. ``classes`` are in the order of its probabilities, where the model knows them."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    classes: tuple[Any, ...] | None = None
    features: tuple[str, ...] | None = None
    """The columns that a single two-dimensional input is stacked from, where the model knows them."""


class Predictor(Protocol):
    """A model that has been loaded. Every method raises MlciError with what the model's process said."""

    @property
    def signature(self) -> Signature: ...

    def predict(self, table: Table, without: Sequence[str]) -> dict[str, Array]:
        """The outputs for every row of a table, columns mapped by name; ``without`` names what is no feature."""

    def close(self) -> None: ...


class Bench(Protocol):
    """Everything that the checks of one model may measure on. Whatever is costly is done once, and shared."""

    @property
    def repo(self) -> Repo: ...

    def content(self, path: str) -> Content:
        """What the file or folder at a path is."""

    @property
    def privacy(self) -> Privacy:
        """What of the data may be shown."""

    def now(self) -> datetime:
        """The moment that ages are measured from, in UTC."""

    def table(self, dataset: str) -> Table: ...

    def answers(self, dataset: str, questions: Sequence[Question]) -> dict[Question, Answer]:
        """What was asked of a dataset; together with all that its checks will ask, where they have said so."""

    def reference(self, dataset: str, columns: Sequence[str]) -> Profile:
        """The profile of a dataset: the committed one where it has one, else computed, of these columns at least."""

    def baseline(self, dataset: str) -> Profile | None:
        """The committed profile at the baseline; None where the baseline does not have the dataset.

        Raises UsageError when the dataset has no profile at all.
        """

    def identity(self, dataset: str, algorithm: str) -> str:
        """``sha256`` or ``md5`` of a dataset's bytes in hexadecimal; of several files, of the list of their digests."""

    def outputs(self, dataset: str) -> tuple[Signature, dict[str, Array]]:
        """The model's outputs for a dataset."""


Progress = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and what is being done."""
