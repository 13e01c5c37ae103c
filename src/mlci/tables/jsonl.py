"""JSON lines: one object a line, its keys the columns; a key that a line does not have is a missing value."""

from __future__ import annotations

from mlci.escape import line
from mlci.tables import quoted, texts
from mlci.tables.reading import Files, Source
from mlci.tables.unreadable import MAX_COLUMNS, folded, too_wide, unreadable

MAX_OBJECT = 16 << 20
"""Bytes of one line."""


def read(given: Files) -> Source:
    files = []
    for path in given.files:
        with path.open("rb") as stream:
            marked = stream.read(3) == b"\xef\xbb\xbf"
        if marked:  # DuckDB refuses the mark
            files.append(given.scratch())
            texts.copy(path, files[-1], "utf-8", given.label, given.go_on, given.shown(path))
        else:
            files.append(path)
    common = f"{quoted.paths(files)}, format = 'newline_delimited', compression = 'uncompressed', {_SIZE}"
    # counted before their types are found out, which takes the square of their number
    keys = given.ask(
        f"select distinct unnest(json_keys(json)) as k from read_json_objects({common}, hive_partitioning = false)"
        f" where json_type(json) = 'OBJECT' limit {MAX_COLUMNS + 1}"
    )
    if len(keys) > MAX_COLUMNS:
        raise too_wide(given.label, len(keys))
    names = sorted(str(key) for (key,) in keys)
    if not any(names):
        raise unreadable(given.label, "no line of it has a key", "write one JSON object a line")
    alike = {folded(name): name for name in names}
    for name in names:
        if (other := alike[folded(name)]) != name:
            said = f"its keys `{line(name)[:200]}` and `{line(other)[:200]}` differ in capitals only"
            raise unreadable(given.label, said, "give every column a name of its own")
    given.refuse_hidden(names)
    # every line decides: none is left out of the sample, and no column is made a map of rare keys
    return Source(
        f"read_json({common}, records = 'true', sample_size = -1, union_by_name = true, map_inference_threshold = -1,"
        f" field_appearance_threshold = 0, {given.hive})",
        given.chosen,
        kept=given.small,
    )


_SIZE = f"maximum_object_size = {MAX_OBJECT}"
