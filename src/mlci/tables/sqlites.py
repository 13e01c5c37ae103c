"""Tables of SQLite's files, carried over into the database. The only module that imports sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

from mlci.errors import LimitReached
from mlci.tables import quoted
from mlci.tables.databases import named, one
from mlci.tables.reading import Files, Source
from mlci.tables.unreadable import MAX_COLUMNS, first_line, too_wide, unreadable

MAX_CELL = 64 << 20
"""Bytes of one value."""
_BATCH = 16 << 20
"""Bytes that are carried over at once, about; at most ``_ROWS`` rows."""
_ROWS = 20_000
_COLUMNS = 100
"""Columns that are looked at in one pass; SQLite has limits of its own on what one query may say."""
_FACTS = 6
_DAY = r"\d{4}-\d\d-\d\d"
_MOMENT = rf"{_DAY}([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?"


def read(given: Files) -> Source:
    """A file of SQLite's, carried over: its columns get the type that all their values have."""
    path = one(given)
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
    table = quoted.name(named(given, names, sum(kind == "table" for _, kind in rows)))
    described = file.execute(f"pragma table_xinfo({table})").fetchall()
    columns = [(str(name), str(declared or "").upper()) for _, name, declared, *_, hidden in described if hidden != 1]
    if len(columns) > MAX_COLUMNS:
        raise too_wide(given.label, len(columns))
    types, widest = _types(file, table, columns)
    made = ", ".join(f"{quoted.name(name)} {native}" for name, native in types)
    given.ask(f"create table {given.view} ({made})")
    chosen = ", ".join(_cell(name, native) for name, native in types)
    # 0 and 1 are numbers on their way
    parts = ", ".join(f"unnest(?::{'BIGINT' if native == 'BOOLEAN' else native}[])::{native}" for _, native in types)
    cursor = file.execute(f"select {chosen} from {table}")
    for batch in _batches(cursor, max(1, min(_ROWS, _BATCH // max(1, widest)))):
        given.go_on()
        given.ask(f"insert into {given.view} select {parts}", [list(column) for column in zip(*batch, strict=True)])
    texts = {name for name, native in types if native == "VARCHAR"}
    _as_moments([name for name, declared in columns if name in texts and _is_moment(declared)], given)
    return Source(None, numbered="0, rowid")


def _batches(cursor: sqlite3.Cursor, rows: int) -> Iterator[list[tuple[Any, ...]]]:
    while batch := cursor.fetchmany(rows):
        yield batch


def _cell(name: str, native: str) -> str:
    own = quoted.name(name)
    return f"cast({own} as text)" if native == "VARCHAR" else f"cast({own} as real)" if native == "DOUBLE" else own


def _types(
    file: sqlite3.Connection, table: str, columns: Sequence[tuple[str, str]]
) -> tuple[list[tuple[str, str]], int]:
    """Names and types of DuckDB's for the columns, and the bytes of the longest row at most."""
    types, widest = [], 0
    for start in range(0, len(columns), _COLUMNS):
        part = columns[start : start + _COLUMNS]
        facts = ", ".join(_facts(quoted.name(name)) for name, _ in part)
        found = file.execute(f"select {facts} from {table}").fetchone()
        for number, (name, declared) in enumerate(part):
            *kinds, longest = found[number * _FACTS : (number + 1) * _FACTS]
            types.append((name, _native(declared, *kinds)))
            widest += 64 + int(longest or 0)
    return types, widest


def _facts(column: str) -> str:
    kinds = [f"sum(typeof({column}) = '{kind}')" for kind in ("integer", "real", "text", "blob")]
    return ", ".join([*kinds, f"min({column} in (0, 1))", f"max(length(cast({column} as blob)))"])


def _native(
    declared: str, integers: int | None, reals: int | None, texts: int | None, blobs: int | None, bits: int | None
) -> str:
    """The type that holds every value: what a column is declared as binds no value of SQLite's."""
    kinds = sum(map(bool, (integers, reals, texts, blobs)))
    if texts or (blobs and kinds > 1):
        return "VARCHAR"
    if blobs:
        return "BLOB"
    if reals:
        return "DOUBLE"
    if integers:
        return "BOOLEAN" if "BOOL" in declared and bits else "DOUBLE" if _is_float(declared) else "BIGINT"
    return _empty(declared)


def _empty(declared: str) -> str:
    """The type of a column without a value: as it is declared (sqlite.org/datatype3.html, 3.1)."""
    for word, native in (("BOOL", "BOOLEAN"), ("INT", "BIGINT"), ("CHAR", "VARCHAR"), ("TEXT", "VARCHAR")):
        if word in declared:
            return native
    if _is_moment(declared):
        return "TIMESTAMP" if "TIME" in declared else "DATE"
    return "DOUBLE" if _is_float(declared) or "DEC" in declared or "NUM" in declared else "VARCHAR"


def _is_float(declared: str) -> bool:
    return any(word in declared for word in ("REAL", "FLOA", "DOUB"))


def _is_moment(declared: str) -> bool:
    return "DATE" in declared or "TIME" in declared


def _as_moments(names: Sequence[str], given: Files) -> None:
    """Texts in columns that are declared as dates become dates, where all of them are written as SQLite writes them."""
    for name in names:
        own = quoted.name(name)
        facts = ", ".join(
            f"bool_and(regexp_full_match({own}, '{form}') and try_cast({own} as {native}) is not null)"
            for form, native in ((_DAY, "date"), (_MOMENT, "timestamp"))
        )
        days, moments = given.ask(f"select {facts} from {given.view} where {own} is not null")[0]
        if days or moments:
            given.ask(f"alter table {given.view} alter {own} type {'date' if days else 'timestamp'}")
