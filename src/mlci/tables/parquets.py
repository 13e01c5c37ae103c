"""Parquet files: their footers looked at first, then read by DuckDB where they stand."""

from __future__ import annotations

from mlci.tables import quoted
from mlci.tables.footers import Footer, footer
from mlci.tables.reading import Files, Source, described
from mlci.tables.unreadable import folded

# a footer gives the least and the greatest number of a column, and NaN is neither: DuckDB would take isnan(x) for false
# and `x between 0 and 1` for true wherever they say so (2.0: of [0, NaN, 1] it counts three)
_TRUST = "can_have_nan = true"
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
        f"read_parquet({quoted.paths(given.files)}, {_TRUST}, {given.hive}{by_name})",
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
            raise given.mixed(path, differ[0][0])
