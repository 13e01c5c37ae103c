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
# No column comes from the names of folders, and no line is left out in search of a header. Quotes are those of
# RFC 4180: a quote that is never closed shall not pass for text.
READS = {
    "parquet": "read_parquet({files}, hive_partitioning = false, union_by_name = true)",
    # every line counts: none is skipped, none is a comment, and only double quotes quote (RFC 4180)
    "text": "read_csv({files}, header = true, sample_size = -1, skip = 0, quote = '\"', comment = '',"
    " hive_partitioning = false, union_by_name = true{more})",
}


MAX_CELLS = 500_000_000
"""Values that are loaded into memory at once; a number takes eight bytes."""


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
        self._reader = READS[kind]
        if len(files) > 1:
            self._refuse_mixed(files, kind)
        self._files = self._list(files)
        self.columns = self._view()
        if kind == "text":
            self._text()

    @staticmethod
    def _list(files: Sequence[Path]) -> str:
        return "[" + ", ".join(_literal(_no_glob(str(path))) for path in files) + "]"

    def _refuse_mixed(self, files: Sequence[Path], kind: str) -> None:
        """Files that are read as one table have the same columns; DuckDB would fill up what one of them lacks."""
        described = []
        for path in files:
            source = self._reader.format(files=self._list([path]), more="")
            rows = self._ask(f"describe select * from {source}")
            # the types of a CSV file are guessed from its rows, and may differ where the columns do not
            described.append({name: native if kind == "parquet" else "" for name, native, *_ in rows})
        for path, columns in zip(files, described, strict=True):
            if columns != described[0]:
                differ = sorted(set(columns.items()) ^ set(described[0].items()))
                raise UnreadableData(
                    f"`{self._label}` is no one table: `{line(path.name)}` and `{line(files[0].name)}` differ"
                    f" in the column `{line(differ[0][0])}`",
                    hint="let the pattern name files of the same columns and types",
                )

    def _view(self, chosen: str = "*", more: str = "") -> tuple[Column, ...]:
        source = self._reader.format(files=self._files, more=more)
        self._ask(f"create or replace view data as select {chosen} from {source}")
        return tuple(Column(name, _type(native), native) for name, native, *_ in self._ask("describe data"))

    def _text(self) -> None:
        """Take back what DuckDB guesses too much of a CSV file."""
        names = [column.name for column in self.columns]
        if len(names) == 1 and re.search("[,;\t|]", names[0]):
            # no separator gave every line as many fields as the first one
            raise UnreadableData(
                f"`{self._label}` cannot be read: its lines have different numbers of fields",
                hint=f"its first line is `{line(names[0])[:200]}`; give every line as many fields",
            )
        guessed = [column.name for column in self.columns if column.type == "bool"]
        if not guessed:
            return
        # it takes yes, no, t and f for booleans: they are labels, and models were trained on them as text
        as_text = ", types = {" + ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in guessed) + "}"
        self._view(more=as_text)
        tests = ", ".join(f"bool_and(lower({_name(name)}) in ('true', 'false'))" for name in guessed)
        real = [name for name, held in zip(guessed, self._ask(f"select {tests} from data")[0], strict=True) if held]
        casts = ", ".join(f"{_name(name)}::boolean as {_name(name)}" for name in real)
        self.columns = self._view(f"* replace ({casts})" if real else "*", as_text)

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
        cells = self.rows() * len(names)
        if cells > MAX_CELLS:
            # a small compressed file can hold more rows than a machine has memory for
            raise LimitReached(f"`{self._label}` has {cells:,} values to load; at most {MAX_CELLS:,} are")
        types = {column.name: column for column in self.columns}
        chosen = ", ".join(f"{_plain(types[n])} as {_name(n)}" for n in names)
        with self._lock:
            try:
                fetched = self._connection.execute(f"select {chosen} from data").fetchnumpy()
            except self._memory as error:
                raise LimitReached(f"`{self._label}`: {_first_line(error)}") from None
            except self._error as error:
                raise UnreadableData(f"`{self._label}` cannot be read: {_first_line(error)}") from None
        return {name: _filled(values) for name, values in fetched.items()}

    def interrupt(self) -> None:
        """End the query that another thread is running."""
        self._connection.interrupt()

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


def _plain(column: Column) -> str:
    """The column as numbers, booleans or text."""
    # dates travel as ISO text: no framework agrees with another on their numbers. Not by a cast, which DuckDB takes
    # into its CSV reader, where it leaves them as they are written
    if column.type in ("date", "datetime"):
        return f"format('{{}}', {_name(column.name)})"
    # UUID: an object of its own in numpy
    if column.type == "other" or column.native == "UUID":
        return f"{_name(column.name)}::varchar"
    return _name(column.name)


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
    if "invalid unicode" in text.lower():  # every error of a CSV file names encodings among its cures
        return "save the file as UTF-8"
    if "CSV Error" in text or "sniff" in text:
        return "look at the line it names: its number of fields, its quotes"
    return ""


def open_table(files: Sequence[Path], kind: str, label: str, *, threads: int) -> DuckTable:
    """The table that these files hold together; ``kind`` is a key of ``READS``."""
    return DuckTable(files, kind, label, threads)
