"""Arrow files and streams, a batch at a time into the database. The only module that imports pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlci.errors import LimitReached, MissingExtra, MlciError
from mlci.escape import line
from mlci.tables.messages import Stream, refuse_claims
from mlci.tables.reading import Files, Source
from mlci.tables.unreadable import MAX_COLUMNS, first_line, refuse_doubles, too_wide, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

# that DuckDB has a type for; of others the type is read that they are stored as
_EXTENSIONS = ("arrow.uuid", "arrow.json", "arrow.bool8")
_CURE = "write it again: it was cut off, or is no Arrow file"


def read(given: Files) -> Source:
    arrow = _pyarrow()
    first: pa.Schema | None = None
    for path in given.files:
        refuse_claims(path, given.label, given.shown(path))
        try:
            first = _load(arrow, path, given, first)
        except MemoryError:  # pyarrow's own is one as well
            raise LimitReached(
                f"`{line(given.label)}`: a batch of it is larger than the memory there is",
                hint="write it in smaller batches",
            ) from None
        except (arrow.ArrowException, OSError, EOFError, ValueError) as error:
            raise unreadable(given.label, first_line(error), _CURE, given.shown(path)) from None
    return Source(None, numbered="0, rowid")


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise MissingExtra("arrow", error.name or "pyarrow") from None
    return pyarrow


def _load(arrow: Any, path: Path, given: Files, first: pa.Schema | None) -> pa.Schema:
    with Stream(path, given.label, given.shown(path)) as stream, arrow.ipc.open_stream(stream) as reader:
        if len(reader.schema) > MAX_COLUMNS:
            raise too_wide(given.label, len(reader.schema))
        refuse_doubles(given.label, reader.schema.names, given.shown(path))
        given.refuse_hidden(reader.schema.names)
        schema = arrow.schema([(field.name, _plain(arrow, field.type)) for field in reader.schema])
        if first is not None:
            differ = sorted({(f.name, str(f.type)) for f in schema} ^ {(f.name, str(f.type)) for f in first})
            if differ:
                raise given.mixed(path, differ[0][0])
        failed: list[Exception] = []
        batches = arrow.RecordBatchReader.from_batches(schema, _batches(arrow, reader, schema, given, failed))
        how = f"create table {given.view} as" if first is None else f"insert into {given.view} by name"
        try:
            given.take(f"{how} select * from {{}}", batches)
        except MlciError:
            if failed:
                raise failed[0] from None  # what DuckDB has of it is a text
            raise
    return schema


def _plain(arrow: Any, type_: Any) -> Any:
    if isinstance(type_, arrow.BaseExtensionType) and type_.extension_name not in _EXTENSIONS:
        return _plain(arrow, type_.storage_type)
    # a column of a database has a type, if no value
    return arrow.string() if arrow.types.is_null(type_) else type_


def _batches(arrow: Any, reader: Any, schema: Any, given: Files, failed: list[Exception]) -> Iterator[Any]:
    try:
        for batch in reader:
            given.go_on()
            batch.validate(full=True)  # an offset beyond its buffer would be followed
            columns = []
            for column, field in zip(batch.columns, schema, strict=True):
                plain = column
                while isinstance(plain.type, arrow.BaseExtensionType) and plain.type != field.type:
                    plain = plain.storage
                columns.append(plain.cast(field.type) if plain.type != field.type else plain)
            yield arrow.RecordBatch.from_arrays(columns, schema=schema)
    except Exception as error:
        failed.append(error)
        raise
