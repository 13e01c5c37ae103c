"""What of the data may be shown: nothing, the keys of rows, or their values; never a sensitive column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlci.specs import Dataset


class Samples(StrEnum):
    """How much of a failing row is shown."""

    NONE = "none"
    """Counts only."""
    KEYS = "keys"
    """The key of the dataset and the columns that the check speaks of."""
    VALUES = "values"
    """Every column."""


LEAST_NAMED = 5
"""Rows that a category must have to be named: a rarer one may tell who a row is about."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """The policy of a repository (``privacy:`` of ``mlci.yaml``), or of who runs mlci on their own machine."""

    samples: Samples = Samples.NONE
    rows: int = 5
    """Rows of a sample, at most."""


def shown(privacy: Privacy, dataset: Dataset, about: Iterable[str], every: Sequence[str]) -> list[str]:
    """The columns of a failing row that may be shown, in the order of the table; ``about`` is what the check names."""
    if privacy.samples is Samples.NONE:
        return []
    wanted = set(every) if privacy.samples is Samples.VALUES else {*dataset.key, *about}
    return [name for name in every if name in wanted and name not in dataset.sensitive]
