"""A file of text before DuckDB reads it: its encoding, its longest line, its header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlci.errors import LimitReached, UsageError
from mlci.escape import line
from mlci.tables.unreadable import MAX_COLUMNS, refuse_doubles, too_wide, unreadable

MAX_LINE = 2_000_000
"""Bytes of a line; DuckDB's own bound."""
SEPARATORS = ",;\t|"
ENCODINGS = (
    "utf-8", "utf-16", "utf-32", "ascii", "latin-1", "iso8859-2", "iso8859-9", "iso8859-15", "cp1250", "cp1251",
    "cp1252", "cp1253", "cp1254", "cp1257", "cp437", "cp850", "mac-roman", "koi8-r", "shift_jis", "cp932", "euc_jp",
    "gb18030", "gbk", "big5", "euc_kr", "cp949",
)  # fmt: skip
"""What a manifest may name; other codecs of Python's are no text, or read what is written nowhere."""
_KNOWN = {codecs.lookup(name).name: name for name in ENCODINGS}
_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding(named: str) -> str:
    """The encoding that a manifest names, as Python calls it. Raises UsageError for one that is not read."""
    try:
        found = _KNOWN.get(codecs.lookup(named).name)
    except (LookupError, ValueError):
        found = None
    if found is None:
        raise UsageError(f"the encoding `{line(named)}` is not read", hint=f"one of: {', '.join(ENCODINGS)}")
    return found


def copy(path: Path, to: Path, encoding: str, label: str, go_on: Callable[[], None], file: str) -> None:
    """Write the text as UTF-8, without a byte-order mark. Raises UnreadableData where it is not so encoded."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    lines = 1
    with path.open("rb") as stream, to.open("wb") as written:
        for chunk in _chunks(stream):
            go_on()
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = lines + error.object[: error.start].count(b"\n")
                raise _not(encoding, at, error, label, file) from None
            lines += text.count("\n")
            written.write(text.encode("utf-8", "replace"))


def look(path: Path, label: str, most: int | None, go_on: Callable[[], None], file: str) -> None:
    """Read the first ``most`` bytes for what is no text in UTF-8. Raises UnreadableData, LimitReached."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, run, read = 1, 0, 0
    with path.open("rb") as stream:
        for chunk in _chunks(stream):
            go_on()
            whole = most is None or read + len(chunk) <= most
            if not read:
                _refuse_mark(chunk, label, file)
            read += len(chunk)
            if b"\0" in chunk:
                at = lines + chunk[: chunk.index(b"\0")].count(b"\n")
                hint = "remove it; if the file is UTF-16, save it as UTF-8, or say csv: {encoding: utf-16}"
                raise unreadable(label, f"line {at} holds a NUL byte", hint, file)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = lines + chunk.count(b"\n", 0, max(0, len(chunk) - len(error.object) + error.start))
                raise _not("utf-8", at, error, label, file) from None
            run = _longest(chunk, run)
            if run > MAX_LINE:
                at, of = lines + chunk.count(b"\n"), f" of `{line(file)}`" if file else ""
                raise LimitReached(
                    f"`{line(label)}`: line {at}{of} is longer than {MAX_LINE:,} bytes",
                    hint="is it a CSV file?",
                )
            lines += chunk.count(b"\n")
            if not whole:
                return


def _chunks(stream: io.BufferedIOBase | io.BufferedReader) -> Iterator[bytes]:
    """The chunks of a stream, and at the end one that is empty."""
    while chunk := stream.read(_CHUNK):
        yield chunk
    yield b""


def _longest(chunk: bytes, run: int) -> int:
    """The bytes of the line that is still open behind the chunk; above ``MAX_LINE`` when the first is too long."""
    ends = [at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0]
    if not ends:
        return run + len(chunk)
    if run + min(ends) > MAX_LINE:
        return run + min(ends)
    return len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))


def _refuse_mark(head: bytes, label: str, file: str) -> None:
    for mark, name in _MARKS:
        if head.startswith(mark):
            hint = f"save the file as UTF-8, or say csv: {{encoding: {name}}}"
            raise unreadable(label, f"line 1: it is {name.upper()}, expected UTF-8", hint, file)


def _not(encoding: str, at: int, error: UnicodeDecodeError, label: str, file: str) -> Exception:
    byte = f"0x{error.object[error.start]:02x}" if error.start < len(error.object) else "an end"
    hint = "save the file as UTF-8, or say csv: {encoding: latin-1}" if encoding == "utf-8" else "name its encoding"
    return unreadable(label, f"line {at}: {byte} is not {encoding.upper()}", hint, file)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a CSV file; ``alone`` when no row follows it."""

    text: str
    alone: bool


def header(path: Path, label: str, delimiter: str | None) -> Header:
    """Raises LimitReached for more columns than are read, before anything has taken them apart."""
    with path.open("rb") as stream:
        raw = stream.read(MAX_LINE + 4)
        more = bool(stream.read(1))
    text = raw.decode("utf-8-sig", "replace").lstrip("\r\n")
    first = re.split("[\r\n]", text, maxsplit=1)[0]
    most = max(first.count(mark) for mark in (delimiter or SEPARATORS)) + 1
    if most > MAX_COLUMNS:
        raise too_wide(label, most)
    return Header(text, not more and not text[len(first) :].strip())


def refuse_double_names(head: Header, dialect: dict[str, str], label: str, file: str) -> None:
    """Raises UnreadableData when the header has a name twice; DuckDB would give the second another one."""
    try:
        names: list[str] = next(_reader(io.StringIO(head.text, newline=""), dialect, strict=False), [])
    except csv.Error:
        return  # of which DuckDB says more
    refuse_doubles(label, [name or f" {position}" for position, name in enumerate(names)], file)


def ragged(path: Path, dialect: dict[str, str], go_on: Callable[[], None]) -> str:
    """The first line that is not like the first, in words; ``""`` when each has as many fields."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        rows = _reader(stream, dialect, strict=True)
        wanted, start = 0, 1
        try:
            for number, row in enumerate(rows):
                if number % 4096 == 0:
                    go_on()
                if row and wanted and len(row) != wanted:
                    return f"line {start} has {len(row)}, the first has {wanted}"
                wanted = wanted or len(row)
                start = rows.line_num + 1
        except csv.Error as error:
            open_ = "unexpected end of data" in str(error) or "field larger" in str(error)
            return f"a quote in line {start} {'is never closed' if open_ else 'ends within a field'}"
    return ""


def _reader(text: Iterable[str], dialect: dict[str, str], *, strict: bool) -> Any:
    """Python's own reader, told of a dialect."""
    mark, quote, escape = dialect["delimiter"], dialect.get("quote", '"'), dialect.get("escape", "")
    if not quote:
        return csv.reader(text, delimiter=mark, quoting=csv.QUOTE_NONE, strict=strict)
    own = escape if escape and escape != quote else None
    return csv.reader(text, delimiter=mark, quotechar=quote, escapechar=own, doublequote=own is None, strict=strict)
