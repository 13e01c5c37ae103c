"""The messages of an Arrow file or stream, looked at before pyarrow unpacks one: what each claims to be.

Format: arrow.apache.org/docs/format/Columnar.html, Message.fbs; its metadata are FlatBuffers.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

from mlci.errors import LimitReached
from mlci.escape import line
from mlci.tables.unreadable import unreadable

MAX_METADATA = 64 << 20
"""Bytes of the metadata of one message."""
MAX_BATCH = 1 << 30
"""Bytes of a batch once it is unpacked, and its rows."""
MAGIC = b"ARROW1"
# the one extension type of which pyarrow once ran what the file holds (CVE-2023-47248)
_RUNS_CODE = b"arrow.py_extension_type"
_CURE = "write it again: it was cut off, or is no Arrow file"
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3


class Stream(io.RawIOBase):
    """The messages of a file, or of a stream; a file has a magic in front of them, and a directory behind."""

    def __init__(self, path: Path, label: str, file: str = "") -> None:
        super().__init__()
        self._file = path.open("rb")
        self._end = path.stat().st_size
        if self._file.read(8).startswith(MAGIC):
            self._end = self._directory(self._end)
            if self._end < 8:
                self.close()
                raise unreadable(label, "no Arrow file ends like this: it has no directory", _CURE, file)
            self._file.seek(8)
        else:
            self._file.seek(0)

    def _directory(self, size: int) -> int:
        """Where the directory of a file begins; -1 when it has none."""
        self._file.seek(max(0, size - 10))
        tail = self._file.read()
        return size - 10 - int.from_bytes(tail[:4], "little") if size >= 18 and tail.endswith(MAGIC) else -1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer that can be written to
        held = self._file.read(min(len(buffer), max(0, self._end - self._file.tell())))
        buffer[: len(held)] = held
        return len(held)

    def pass_by(self, length: int) -> None:
        if not 0 <= length <= self._end - self._file.tell():
            raise ValueError("it is cut off")
        self._file.seek(length, io.SEEK_CUR)

    def peek_at(self, offset: int, length: int) -> bytes:
        """Bytes behind the place that was read to."""
        if not 0 <= offset <= self._end:
            raise ValueError("a buffer of it stands nowhere")
        here = self._file.tell()
        self._file.seek(offset, io.SEEK_CUR)
        held = self._file.read(length)
        self._file.seek(here)
        return held

    def close(self) -> None:
        self._file.close()
        super().close()


def refuse_claims(path: Path, label: str, file: str = "") -> None:
    """Raises UnreadableData for what is no Arrow file, LimitReached for what would be too much to unpack."""
    with Stream(path, label, file) as stream:
        try:
            while (metadata := _next(stream)) is not None:
                if _RUNS_CODE in metadata:
                    raise unreadable(
                        label,
                        "it has a column of the type arrow.py_extension_type, which runs code of the file",
                        "write the column as the type that it is stored as",
                        file,
                    )
                length = _check(stream, metadata, label)
                stream.pass_by(length)
        except (struct.error, ValueError, IndexError) as error:
            said = str(error) if isinstance(error, ValueError) else "a message of it is damaged"
            raise unreadable(label, said, _CURE, file) from None


def _next(stream: Stream) -> bytes | None:
    prefix = stream.read(8) or b""
    if len(prefix) < 8 or prefix[4:] == b"\0\0\0\0":
        return None
    mark, length = struct.unpack("<Ii", prefix)
    if mark != 0xFFFFFFFF:
        raise ValueError("a message of it does not begin like one")
    if not 0 < length <= MAX_METADATA:
        raise ValueError(f"a message of it claims {length:,} bytes of metadata")
    metadata = b""
    while len(metadata) < length and (part := stream.read(length - len(metadata))):
        metadata += part
    if len(metadata) < length:
        raise ValueError("it is cut off")
    return metadata


def _check(stream: Stream, metadata: bytes, label: str) -> int:
    """The bytes of the message behind its metadata."""
    message = _Table.root(metadata)
    kind, body = message.number(1, "<B"), message.number(3, "<q")
    batch = message.table(2)
    if kind == _DICTIONARY and batch:
        batch = batch.table(1)
    if kind in (_DICTIONARY, _RECORDS) and batch:
        rows = batch.number(0, "<q")
        if not 0 <= rows <= MAX_BATCH:
            raise LimitReached(f"`{line(label)}`: a batch of it claims {rows:,} rows")
        if batch.table(3):  # packed: each buffer begins with how long it is unpacked
            claimed = 0
            for offset, length in batch.pairs(2):
                if length >= 8:
                    claimed += max(0, int.from_bytes(stream.peek_at(offset, 8), "little", signed=True))
            if claimed > MAX_BATCH:
                raise LimitReached(
                    f"`{line(label)}`: a batch of it has {claimed:,} bytes unpacked; at most {MAX_BATCH:,} are read",
                    hint="write it in smaller batches",
                )
    return body


class _Table:
    """A table of a FlatBuffer. Raises struct.error where there is none."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.fields = at - self._get("<i", at)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def _get(self, form: str, at: int) -> int:
        if at < 0:
            raise struct.error("before the beginning")
        return int(struct.unpack_from(form, self.data, at)[0])

    def _place(self, field: int) -> int:
        """Where a field stands; 0 when it is left out."""
        entry = 4 + 2 * field
        if entry >= self._get("<H", self.fields):
            return 0
        offset = self._get("<H", self.fields + entry)
        return self.at + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        place = self._place(field)
        return self._get(form, place) if place else 0

    def table(self, field: int) -> _Table | None:
        place = self._place(field)
        return _Table(self.data, place + self._get("<I", place)) if place else None

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """A vector of pairs of 64-bit numbers."""
        place = self._place(field)
        if not place:
            return []
        start = place + self._get("<I", place)
        count = self._get("<I", start)
        if count * 16 > len(self.data):
            raise struct.error("longer than its message")
        return [struct.unpack_from("<qq", self.data, start + 4 + 16 * number) for number in range(count)]
