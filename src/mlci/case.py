"""A case: one check of one model, with everything that the check may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlci import quantities
from mlci.errors import UsageError
from mlci.findings import Finding, Level
from mlci.places import Location
from mlci.ports import Bench, Table
from mlci.questions import Answer, Question
from mlci.results import Limit, Measurement
from mlci.specs import CheckSpec, Dataset, Model


class Skip(Exception):
    """The check does not apply to this model; the message says why."""


class Inconclusive(Exception):
    """The check ran and cannot decide; the message says why, and what would."""


Check = Callable[["Case"], Iterator[Finding | Measurement]]
"""A check yields what it finds and what it measures; nothing bad yielded means passed."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a check is given, whole."""

    spec: CheckSpec
    model: Model
    bench: Bench
    options: dict[str, Any]
    """As the manifest asks, over the repository's defaults."""

    def at(self, *keys: str | int) -> Location | None:
        """The place of an option in the manifest; of the check itself where the option is not written there."""
        if self.spec.place is not None:
            return self.spec.place  # a contract asks for it
        if self.spec.pointer is None:
            return self.model.at()
        return self.model.at(*self.spec.pointer, *keys)

    def limits(self, *keys: str, read: Callable[[Any], float] = float) -> tuple[Limit, ...]:
        """The limits that the options ``min`` and ``max`` set, at the top or below ``keys``.

        ``read`` turns what is written into a number (``quantities.size``). Each level of ``{warning:, error:}``
        becomes a limit of its own, with its own place.
        """
        holder: Any = self.options
        for key in keys:
            holder = holder.get(key, {})
        found = []
        for side in ("min", "max"):
            written = holder.get(side)
            if isinstance(written, dict):
                for level, bound in written.items():
                    found.append(Limit(side, read(bound), Level(level), self.at(*keys, side, level)))
            elif written is not None:
                found.append(Limit(side, read(written), Level.ERROR, self.at(*keys, side)))
        return tuple(found)

    @property
    def table(self) -> Table:
        """The table of the check's dataset."""
        return self.bench.table(self.dataset.name)

    def answer(self, question: Question) -> Any:
        """The answer to one question to the check's dataset; its type is the one that the question names."""
        return self.answers([question])[question]

    def answers(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        """The answers to questions to the check's dataset; what ``asks`` announced is answered in one scan for all."""
        return self.bench.answers(self.dataset.name, questions)

    @property
    def dataset(self) -> Dataset:
        """The dataset that the check speaks of: the one that holds it, the one it names, or the only one that fits.

        Raises Skip when the model has none that could be meant.
        """
        name = self.spec.dataset or self.options.get("data")
        if name is not None:
            if name not in self.model.datasets:
                raise UsageError(f"`data` names `{name}`, which is no dataset of this model", at=self.at("data"))
            return self.model.datasets[name]
        labelled = [d for d in self.model.datasets.values() if d.target is not None]
        meant = [d for d in labelled if d.name == "test"] or labelled
        if len(meant) != 1:
            raise Skip(
                f"{len(labelled)} datasets have a target; say which with `data:`"
                if labelled
                else "no dataset has a `target:`"
            )
        return meant[0]


def error(message: str, at: Location | None = None, hint: str = "") -> Finding:
    """A finding that fails its check."""
    return Finding(Level.ERROR, message, at, hint)


def note(message: str, at: Location | None = None, hint: str = "") -> Finding:
    """A finding that only informs."""
    return Finding(Level.NOTE, message, at, hint)


def broken_limit(measurement: Measurement, limit: Limit) -> Finding:
    """What a reader is told of a measurement outside its limit."""
    where = "below its minimum" if limit.side == "min" else "above its maximum"
    value, bound = (quantities.show(x, measurement.unit) for x in (measurement.value, limit.bound))
    if value == bound:  # rounding would hide the difference
        value, bound = f"{measurement.value!r}", f"{limit.bound!r}"
    rows = f" (n = {measurement.n:,})" if measurement.n is not None else ""
    if measurement.unit == "rows" and measurement.n is not None:
        message = (
            f"{measurement.name} in {measurement.value:,.0f} of {measurement.n:,} rows, {where} {limit.bound:,.0f}"
        )
    else:
        message = f"{measurement.name} is {value}{rows}, {where} {bound}"
    at = limit.at or measurement.at
    return Finding(limit.level, message, at, query=measurement.query, rows=measurement.rows)
