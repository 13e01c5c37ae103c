"""A file of predictions that were made elsewhere, one row for each row of the dataset.

Rows are matched by the dataset's `key:`, or by their order where it has none. Every other column is
an output: `prediction`, `probabilities`, or what `output:` names. It serves models that cannot be run here at all.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlci.errors import MlciError
from mlci.escape import line
from mlci.ports import Predictor, Signature, Table, Tensor

if TYPE_CHECKING:
    from mlci.ports import Array

KINDS = ()
"""Nothing is taken for predictions unless the manifest says so."""


class Unmatched(MlciError):
    """A row of the dataset has no prediction of its own."""

    code = "predictions"


class Recorded:
    """Predictions out of a table."""

    def __init__(self, table: Table, key: Sequence[str]) -> None:
        self._table = table
        names = [column.name for column in table.columns]
        lacking = [name for name in key if name not in names]
        if lacking:
            raise Unmatched(
                f"the file of predictions has no column `{line(lacking[0])}`, which is the key of the dataset",
                hint="write the key beside each prediction, or take `key:` off the dataset if the rows have one order",
            )
        self._key = tuple(key)
        self._outputs = [name for name in names if name not in self._key]
        self.signature = Signature((), tuple(Tensor(name, "BYTES", (-1,)) for name in self._outputs))

    def predict(self, table: Table, without: Sequence[str]) -> dict[str, "Array"]:
        recorded = self._table.arrays([*self._key, *self._outputs])
        lacking = [name for name in self._key if name not in {column.name for column in table.columns}]
        if lacking:
            raise Unmatched(f"the dataset has no column `{line(lacking[0])}`, which is its key")
        if not self._key:
            if self._table.rows() != table.rows():
                raise Unmatched(
                    f"the file holds {self._table.rows():,} predictions for {table.rows():,} rows",
                    hint="make one prediction a row, or name the rows by `key:`",
                )
            return {name: recorded[name] for name in self._outputs}
        places = _index([recorded[name].tolist() for name in self._key])
        wanted = table.arrays(list(self._key))
        order = []
        for row in zip(*(wanted[name].tolist() for name in self._key), strict=True):
            if row not in places:
                raise Unmatched(f"no prediction has the key {', '.join(map(str, row))}")
            order.append(places[row])
        return {name: recorded[name][order] for name in self._outputs}

    def close(self) -> None:
        self._table.close()


def _index(columns: list[list[Any]]) -> dict[tuple[Any, ...], int]:
    places: dict[tuple[Any, ...], int] = {}
    for number, row in enumerate(zip(*columns, strict=True)):
        if row in places:
            raise Unmatched(f"two predictions have the key {', '.join(map(str, row))}")
        places[row] = number
    return places


def open_predictor(table: Table, key: Sequence[str]) -> Predictor:
    """Predictions from a table, matched by ``key``; by their order where there is none. Raises Unmatched."""
    return Recorded(table, key)
