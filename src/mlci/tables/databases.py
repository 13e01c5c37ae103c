"""Tables of DuckDB's and SQLite's own files. The only module that imports sqlite3."""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlci.errors import LimitReached, UsageError
from mlci.escape import line
from mlci.tables import quoted
from mlci.tables.reading import Files, Source
from mlci.tables.unreadable import MAX_COLUMNS, first_line, too_wide, unreadable

MAX_CELL = 64 << 20
"""Bytes of one value of a SQLite file."""
_BATCH = 16 << 20
"""Bytes that are carried over at once, about; at most ``_ROWS`` rows."""
_ROWS = 20_000


def _one(given: Files) -> Path:
    if len(given.files) > 1:
        raise UsageError(
            f"`{line(given.label)}` names {len(given.files)} databases, expected one", hint="name one file"
        )
    return given.files[0]


def _named(given: Files, names: Sequence[str], tables: int) -> str:
    """The table that is meant: the one that was asked for, or the only one; ``names`` has the tables first."""
    known = ", ".join(f"`{line(name)}`" for name in names[:12])
    if given.table is not None:
        if given.table in names:
            return given.table
        close = difflib.get_close_matches(given.table, names, n=1)
        hint = f"did you mean `{line(close[0])}`?" if close else f"it has {known}" if known else "it has no table"
        raise UsageError(f"`{line(given.label)}` has no table `{line(given.table)}`", hint=hint)
    if not names:
        raise unreadable(given.label, "it has no table")
    if tables == 1 or len(names) == 1:
        return names[0]
    raise UsageError(
        f"`{line(given.label)}` has {len(names)} tables", hint=f"say which: table: {line(names[0])}; it has {known}"
    )


# -- DuckDB


def read_duckdb(given: Files) -> Source:
    """A file of DuckDB's, attached to be read only: its views and macros reach no further than the warehouse does."""
    path = _one(given)
    attached = quoted.name(f"{given.ident}_file")
    given.ask(f"attach {quoted.text(str(path))} as {attached} (type duckdb, read_only)")
    found: dict[str, str] = {}
    counts = []
    for kind in ("table", "view"):
        rows = given.ask(
            f"select schema_name, {kind}_name from duckdb_{kind}s() where database_name = ? and not internal"
            " order by 1, 2",
            [f"{given.ident}_file"],
        )
        counts.append(len(rows))
        for schema, name in rows:
            shown = name if schema == "main" else f"{schema}.{name}"
            found[shown] = f"{attached}.{quoted.name(schema)}.{quoted.name(name)}"
    chosen = _named(given, list(found), counts[0])
    is_table = list(found).index(chosen) < counts[0]
    return Source(found[chosen], numbered="0, rowid" if is_table else "")


# -- SQLite


def read_sqlite(given: Files) -> Source:
    """A file of SQLite's, carried over: its columns get the type that all their values have."""
    path = _one(given)
    try:
        # immutable: no lock is taken, and no journal beside it is looked for
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as file:
            _restrict(file, given)
            return _carry(file, given)
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        given.go_on()  # an interrupted query says so itself
        hint = "write it again: it is damaged, or no SQLite database"
        raise unreadable(given.label, first_line(error), hint) from None


def _restrict(file: sqlite3.Connection, given: Files) -> None:
    """Views of the file are somebody else's: they may read its tables and compute, and nothing else."""
    for setting in ("trusted_schema = off", "query_only = on", "cell_size_check = on", "mmap_size = 0"):
        file.execute(f"pragma {setting}")
    file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
    file.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    file.text_factory = _text

    def go_on() -> int:
        try:
            given.go_on()
        except LimitReached:
            return 1
        return 0

    file.set_progress_handler(go_on, 100_000)


def _text(raw: bytes) -> str:
    return raw.decode()


def _carry(file: sqlite3.Connection, given: Files) -> Source:
    rows = file.execute(
        "select name, type from sqlite_master where type in ('table', 'view')"
        " and name not like 'sqlite\\_%' escape '\\' order by type, rowid"
    ).fetchall()
    names = [str(name) for name, _ in rows]
    table = quoted.name(_named(given, names, sum(kind == "table" for _, kind in rows)))
    described = file.execute(f"pragma table_xinfo({table})").fetchall()
    columns = [(str(name), str(declared or "").upper()) for _, name, declared, *_, hidden in described if hidden != 1]
    if len(columns) > MAX_COLUMNS:
        raise too_wide(given.label, len(columns))
    types, widest = _types(file, table, columns, given)
    made = ", ".join(f"{quoted.name(name)} {native}" for name, native in types)
    given.ask(f"create table {given.view} ({made})")
    chosen = ", ".join(_cell(name, native) for name, native in types)
    parts = ", ".join(f"unnest(?::{_CARRIED.get(native, native)}[])::{native}" for _, native in types)
    cursor = file.execute(f"select {chosen} from {table}")
    for batch in _batches(cursor, max(1, min(_ROWS, _BATCH // max(1, widest)))):
        given.go_on()
        given.ask(f"insert into {given.view} select {parts}", [list(column) for column in zip(*batch, strict=True)])
    return Source(None, numbered="0, rowid")


def _batches(cursor: sqlite3.Cursor, rows: int) -> Iterator[list[tuple[Any, ...]]]:
    while batch := cursor.fetchmany(rows):
        yield batch


_CARRIED = {"DATE": "VARCHAR", "TIMESTAMP": "VARCHAR", "BOOLEAN": "BIGINT"}
"""Types that values are of on their way, where it is another."""


def _cell(name: str, native: str) -> str:
    own = quoted.name(name)
    return f"cast({own} as text)" if native == "VARCHAR" else f"cast({own} as real)" if native == "DOUBLE" else own


def _types(
    file: sqlite3.Connection, table: str, columns: Sequence[tuple[str, str]], given: Files
) -> tuple[list[tuple[str, str]], int]:
    """Names and types of DuckDB's for the columns, and the bytes of the longest row at most."""
    types, widest = [], 0
    for start in range(0, len(columns), 100):
        part = columns[start : start + 100]
        facts = ", ".join(_facts(quoted.name(name), declared) for name, declared in part)
        found = file.execute(f"select {facts} from {table}").fetchone()
        for number, (name, declared) in enumerate(part):
            own = found[number * _FACTS : (number + 1) * _FACTS]
            types.append((name, _native(declared, *own[:-1])))
            widest += 64 + int(own[-1] or 0)
    return types, widest


_FACTS = 8


def _facts(column: str, declared: str) -> str:
    kinds = [f"sum(typeof({column}) = '{kind}')" for kind in ("integer", "real", "text", "blob")]
    bits = f"min({column} in (0, 1))" if "BOOL" in declared else "null"
    day, dates, moments = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]", "null", "null"
    if "DATE" in declared or "TIME" in declared:
        # as SQLite's own functions write and understand them (sqlite.org/lang_datefunc.html)
        dates = f"min({column} glob '{day}' and date({column}) is {column})"
        moments = f"min({column} glob '{day}[ T][0-9][0-9]:*' and julianday({column}) not null)"
    return ", ".join([*kinds, bits, dates, moments, f"max(length(cast({column} as blob)))"])


def _native(
    declared: str,
    integers: int | None,
    reals: int | None,
    texts: int | None,
    blobs: int | None,
    bits: int | None,
    dates: int | None,
    moments: int | None,
) -> str:
    if blobs:
        return "BLOB" if not (integers or reals or texts) else "VARCHAR"
    if texts:
        if integers or reals:
            return "VARCHAR"
        if "DATE" in declared or "TIME" in declared:
            return "DATE" if dates else "TIMESTAMP" if moments else "VARCHAR"
        return "VARCHAR"
    if reals:
        return "DOUBLE"
    if integers:
        return "BOOLEAN" if "BOOL" in declared and bits else "DOUBLE" if _is_float(declared) else "BIGINT"
    return _empty(declared)


def _is_float(declared: str) -> bool:
    return any(word in declared for word in ("REAL", "FLOA", "DOUB"))


def _empty(declared: str) -> str:
    """The type of a column without a value: as it is declared (sqlite.org/datatype3.html, 3.1)."""
    for words, native in ((("BOOL",), "BOOLEAN"), (("INT",), "BIGINT"), (("CHAR", "CLOB", "TEXT"), "VARCHAR")):
        if any(word in declared for word in words):
            return native
    if "DATE" in declared or "TIME" in declared:
        return "TIMESTAMP" if "TIME" in declared else "DATE"
    return "DOUBLE" if _is_float(declared) or "DEC" in declared or "NUM" in declared else "VARCHAR"
