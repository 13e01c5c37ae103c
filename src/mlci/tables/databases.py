"""Tables of DuckDB's own files, and what concerns every file that holds several tables."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from mlci.errors import UsageError
from mlci.escape import line
from mlci.tables import quoted
from mlci.tables.reading import Files, Source
from mlci.tables.unreadable import unreadable


def one(given: Files) -> Path:
    if len(given.files) > 1:
        raise UsageError(
            f"`{line(given.label)}` names {len(given.files)} databases, expected one", hint="name one file"
        )
    return given.files[0]


def named(given: Files, names: Sequence[str], tables: int) -> str:
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


def read(given: Files) -> Source:
    """A file of DuckDB's, attached to be read only: its views and macros reach no further than the warehouse does."""
    path = one(given)
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
    chosen = named(given, list(found), counts[0])
    is_table = list(found).index(chosen) < counts[0]
    return Source(found[chosen], numbered="0, rowid" if is_table else "")
