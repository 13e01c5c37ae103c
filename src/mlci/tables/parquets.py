"""Parquet files: their footers looked at first, then read by DuckDB where they stand."""

from __future__ import annotations

from mlci.escape import line
from mlci.tables import quoted
from mlci.tables.footers import Footer, footer
from mlci.tables.reading import Files, Source, described
from mlci.tables.unreadable import UnreadableData, folded

_VIRTUAL = ("file_index", "file_row_number")


def read(given: Files) -> Source:
    footers = []
    for path in given.files:
        given.go_on()
        footers.append(footer(path, given.label, given.shown(path)))
    given.refuse_hidden(footers[0].columns)
    alike = len({found.schema for found in footers}) == 1
    if not alike:
        _refuse_mixed(given, footers)
    # matched by name only where they differ: it reads the footers of all files for each question
    by_name = "" if alike else ", union_by_name = true"
    hidden = any(folded(name) in _VIRTUAL for name in footers[0].columns)
    return Source(
        f"read_parquet({quoted.paths(given.files)}, {given.hive}{by_name})",
        given.chosen,
        numbered="" if hidden else ", ".join(_VIRTUAL),
        parts=tuple(found.rows for found in footers),
    )


def _refuse_mixed(given: Files, footers: list[Footer]) -> None:
    """Files that are read as one table have the same columns; DuckDB would fill up what one of them lacks."""
    seen: dict[bytes, dict[str, str]] = {}
    for path, found in zip(given.files, footers, strict=True):
        if found.schema in seen:
            continue
        query = f"select * from read_parquet({quoted.paths([path])}, hive_partitioning = false)"
        columns = seen[found.schema] = dict(described(given.ask, query))
        first = next(iter(seen.values()))
        if columns != first:
            differ = sorted(set(columns.items()) ^ set(first.items()))
            raise UnreadableData(
                f"`{given.label}` is no one table: `{line(given.shown(path))}` and `{line(given.shown(given.files[0]))}` differ"
                f" in the column `{line(differ[0][0])}`",
                hint="let the pattern name files of the same columns and types",
            )
