"""Parquet and CSV files as tables. The only module that imports duckdb."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlci.errors import LimitReached, MissingExtra, MlciError
from mlci.escape import line
from mlci.ports import Column

if TYPE_CHECKING:
    from mlci.ports import Array

_TYPES = (
    (r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)", "int"),
    (r"FLOAT|DOUBLE|DECIMAL.*", "float"),
    (r"VARCHAR|ENUM.*|UUID", "string"),
    (r"BOOLEAN", "bool"),
    (r"DATE", "date"),
    (r"TIMESTAMP.*", "datetime"),
)
READS = {"parquet": "read_parquet({files})", "text": "read_csv({files}, header = true, sample_size = -1)"}


class UnreadableData(MlciError):
    """The file is not the table that it is taken for."""

    code = "data"


class DuckTable:
    """One dataset, possibly of many files, on a connection of its own."""

    def __init__(self, files: Sequence[Path], kind: str, label: str, threads: int) -> None:
        """``kind`` is a key of ``READS``. Raises UnreadableData when the files hold no such table."""
        duckdb = _duckdb()
        self._label = label
        self._lock = threading.Lock()
        self._error = duckdb.Error
        self._memory = duckdb.OutOfMemoryException
        # nothing is ever fetched: an extension that is missing is an error
        settings = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": str(threads),
        }
        self._connection = duckdb.connect(":memory:", config=settings)
        names = ", ".join(_literal(_no_glob(str(path))) for path in files)
        source = READS[kind].format(files=f"[{names}]")
        self._ask(f"create view data as select * from {source}")
        described = self._ask("describe data")
        self.columns = tuple(Column(name, _type(native), native) for name, native, *_ in described)

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return list(self._connection.execute(sql).fetchall())
            except self._memory as error:
                raise LimitReached(f"`{self._label}`: {_first_line(error)}") from None
            except self._error as error:
                raise UnreadableData(
                    f"`{self._label}` cannot be read: {_first_line(error)}", hint=_hint(str(error))
                ) from None

    def rows(self) -> int:
        return int(self._ask("select count(*) from data")[0][0])

    def nulls(self, names: Sequence[str]) -> dict[str, int]:
        if not names:
            return {}
        floats = {column.name for column in self.columns if column.native in ("FLOAT", "DOUBLE")}
        tests = (f"{_name(n)} is null or isnan({_name(n)})" if n in floats else f"{_name(n)} is null" for n in names)
        counted = self._ask("select " + ", ".join(f"count(*) filter ({test})" for test in tests) + " from data")
        return dict(zip(names, (int(count) for count in counted[0]), strict=True))

    def arrays(self, names: Sequence[str]) -> dict[str, Array]:
        types = {column.name: column for column in self.columns}
        # dates travel as ISO text: no framework agrees with another on their numbers
        chosen = ", ".join(
            f"{_name(n)}::varchar as {_name(n)}" if types[n].type in ("date", "datetime", "other") else _name(n)
            for n in names
        )
        with self._lock:
            try:
                fetched = self._connection.execute(f"select {chosen} from data").fetchnumpy()
            except self._memory as error:
                raise LimitReached(f"`{self._label}`: {_first_line(error)}") from None
            except self._error as error:
                raise UnreadableData(f"`{self._label}` cannot be read: {_first_line(error)}") from None
        return {name: _filled(values) for name, values in fetched.items()}

    def close(self) -> None:
        self._connection.close()


def _duckdb() -> Any:
    try:
        import duckdb
        import numpy  # noqa: F401  # fetchnumpy needs it
    except ImportError as error:
        raise MissingExtra("data", error.name or "duckdb") from None
    return duckdb


def _type(native: str) -> str:
    return next((kind for pattern, kind in _TYPES if re.fullmatch(pattern, native)), "other")


def _filled(values: Any) -> Array:
    """An array without a mask: missing numbers become NaN, anything else missing None."""
    import numpy as np

    mask = np.ma.getmaskarray(values)
    plain = np.asarray(np.ma.getdata(values))
    if not mask.any():
        return plain
    missing = np.nan if plain.dtype.kind in "iuf" else None
    filled = plain.astype(np.float64 if missing is not None else object)
    filled[mask] = missing
    return filled


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _no_glob(path: str) -> str:
    """The path with nothing in it that DuckDB would expand."""
    return re.sub(r"[*?\[]", lambda found: f"[{found.group()}]", path)


def _first_line(error: Exception) -> str:
    text = str(error)
    wanted = [part for part in text.splitlines() if part.strip()]
    shown = wanted[0] if wanted else type(error).__name__
    # the message names the file by its place on this machine; the label names it for the reader
    return line(re.sub(r"\"?/[^\s\"]*/([^/\s\"]+)\"?", r"\1", shown))[:300]


def _hint(text: str) -> str:
    if "encoding" in text.lower() or "utf-8" in text.lower() or "unicode" in text.lower():
        return "save the file as UTF-8"
    if "CSV Error" in text or "sniff" in text:
        return "look at the line it names: its number of fields, its quotes"
    return ""


def open_table(files: Sequence[Path], kind: str, label: str, *, threads: int) -> DuckTable:
    """The table that these files hold together; ``kind`` is a key of ``READS``."""
    return DuckTable(files, kind, label, threads)
