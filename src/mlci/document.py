"""Strict YAML and JSON: plain data, and the place of every key and value in it.

A manifest decides what may go to production, so nothing in it may have two readings. Refused, each with its line
and column: anchors, aliases, tags, directives, merge keys, further documents, duplicate keys, controls and
invisible characters, scalars that YAML 1.1 and 1.2 read differently (``no``, ``010``, ``1:30``, dates), numbers
that are not finite; and anything over the bounds below, so that no file takes long to refuse.

The only module that imports yaml.
"""

from __future__ import annotations

import json.decoder
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlci.errors import InvalidFile
from mlci.escape import UNSEEN, line
from mlci.findings import Finding, Level, Location

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_FINDINGS = 50

Pointer = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where. ``data`` holds dict, list, str, int, float, bool and None only."""

    path: str
    data: Any
    values: dict[Pointer, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Pointer, tuple[int, int]] = field(default_factory=dict)

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        """The place of a value (of its key with ``key``); of the nearest thing around it if it is not there."""
        places = self.keys if key else self.values
        for end in range(len(pointer), -1, -1):
            place = places.get(pointer[:end]) or self.values.get(pointer[:end])
            if place:
                return Location(self.path, *place)
        return Location(self.path)


def read(raw: bytes, path: str) -> Document:
    """Read the bytes of ``path``, as JSON if it is named so, else as YAML.

    Raises InvalidFile with every finding, in the order of the file.
    """
    reader = _Reader(path)
    text = reader.decode(raw)
    if not reader.findings:
        if path.endswith(".json"):
            _Json(reader, text).document()
        else:
            _read_yaml(reader, text)
    if reader.findings:
        raise InvalidFile(reader.findings)
    return Document(path, reader.data, reader.values, reader.keys)


class _Stop(Exception):
    """Reading on makes no sense; the findings say why."""


class _Reader:
    """Collects data, places and findings under the bounds, whatever the syntax is."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.data: Any = None
        self.values: dict[Pointer, tuple[int, int]] = {}
        self.keys: dict[Pointer, tuple[int, int]] = {}
        self.findings: list[Finding] = []
        self.nodes = 0

    def refuse(self, place: tuple[int, int], message: str, hint: str = "") -> None:
        self.findings.append(Finding(Level.ERROR, message, Location(self.path, *place), hint))
        if len(self.findings) >= MAX_FINDINGS:
            raise _Stop

    def stop(self, place: tuple[int, int], message: str, hint: str = "") -> _Stop:
        self.refuse(place, message, hint)
        return _Stop()

    def decode(self, raw: bytes) -> str:
        if len(raw) > MAX_BYTES:
            self.refuse((1, 1), f"the file has {len(raw):,} bytes; at most {MAX_BYTES:,} are read")
            return ""
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8", "replace")
            self.refuse(
                _place(before, len(before)),
                f"byte 0x{raw[error.start]:02x} is not UTF-8",
                "save the file as UTF-8",
            )
            return ""
        for found in UNSEEN.finditer(text):
            if found.group() == "\r" and text[found.end() : found.end() + 1] == "\n":
                continue
            try:
                self.refuse(
                    _place(text, found.start()),
                    f"U+{ord(found.group()):04X} is a control or invisible character",
                    "delete it; inside a text, write it as an escape only where it is meant",
                )
            except _Stop:
                break
        return text

    def node(self, pointer: Pointer, place: tuple[int, int]) -> None:
        """Count a value and note where it stands."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.stop(place, f"the file has more than {MAX_NODES:,} values")
        if len(pointer) > MAX_DEPTH:
            raise self.stop(place, f"nested more than {MAX_DEPTH} levels deep")
        self.values[pointer] = place

    def key(self, parent: Pointer, mapping: dict[str, Any], key: str, place: tuple[int, int]) -> None:
        pointer = (*parent, key)
        if pointer in self.keys:
            first, _ = self.keys[pointer]
            self.refuse(place, f"duplicate key {show(key)}: it stands at line {first} already", "keep one of the two")
        elif key == "__proto__":
            self.refuse(place, "the key `__proto__` changes objects in JavaScript readers of this file")
        self.text(key, place)
        self.keys[pointer] = place
        mapping[key] = None

    def text(self, value: str, place: tuple[int, int]) -> None:
        """Refuse what only an escape can have brought into a text."""
        found = UNSEEN.search(value)
        if found:
            self.refuse(place, f"an escape puts the control or invisible character U+{ord(found.group()):04X} here")


def show(value: str, limit: int = 60) -> str:
    """A text from the file, as a message quotes it."""
    shown = line(value)
    return f"`{shown[:limit]}…`" if len(shown) > limit else f"`{shown}`"


def _place(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


# YAML ---------------------------------------------------------------------------------------------------------

_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
# a point and the exponent's sign must be there, as YAML 1.1 wants it: a hash such as 1234e56 is then never a number
_SCIENTIFIC = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+[eE][-+][0-9]{1,3}")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BOOL_1_1 = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|True|TRUE|False|FALSE")
_NULL_1_1 = re.compile(r"Null|NULL")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_NUMBER_LIKE = re.compile(
    # every repeat is told from the next by a character that only one of them takes, so that no text is slow
    r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?)"
)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


def _read_yaml(reader: _Reader, text: str) -> None:
    # the C loader has the same events, many times faster; it is in every wheel, but not in every build
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # before the parser sees them: it holds every directive against all others
        if directive := _DIRECTIVE.search(text):
            place = _place(text, directive.start())
            raise reader.stop(place, "a YAML directive is not read", "delete the line that begins with %")
        _events(reader, yaml.parse(text, Loader=loader))
    except _Stop:
        return
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        about = " ".join(part for part in (error.context, error.problem) if part)
        reader.findings.append(
            Finding(
                Level.ERROR,
                f"this is not YAML: {line(about)}",
                Location(reader.path, *place),
                "check the indentation (spaces only), the quotes and the brackets around this place",
            )
        )
    except yaml.YAMLError as error:
        reader.findings.append(
            Finding(Level.ERROR, f"this is not YAML: {line(str(error))}", Location(reader.path, 1, 1))
        )


class _Open:
    """A mapping or a list whose end has not been read yet."""

    __slots__ = ("data", "key", "pointer")

    def __init__(self, pointer: Pointer, data: Any) -> None:
        self.pointer = pointer
        self.data = data
        self.key: str | None = None


def _events(reader: _Reader, events: Any) -> None:
    # iterative, so that no nesting reaches Python's own stack
    stack: list[_Open] = []
    documents = 0
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent or kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            _refuse_graph(reader, event, place)
            top = stack[-1] if stack else None
            if top is not None and isinstance(top.data, dict) and top.key is None:
                if kind is not yaml.ScalarEvent:
                    raise reader.stop(place, "a key must be plain text", "write the key as one word or a quoted text")
                top.key = _key(reader, event, place)
                reader.key(top.pointer, top.data, top.key, place)
                continue
            pointer = _pointer(top)
            reader.node(pointer, place)
            data: Any = (
                _scalar(reader, event, place)
                if kind is yaml.ScalarEvent
                else {}
                if kind is yaml.MappingStartEvent
                else []
            )
            _put(reader, top, data)
            if kind is not yaml.ScalarEvent:
                stack.append(_Open(pointer, data))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
        elif kind is yaml.AliasEvent:
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            raise reader.stop(place, f"the alias {show('*' + event.anchor)} is not read", "write the value out")
        elif kind is yaml.DocumentStartEvent:
            documents += 1
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if documents > 1:
                raise reader.stop(place, "a second document begins here", "keep one document in a file")
    if not documents:
        reader.refuse((1, 1), "the file is empty", "begin with `version: 1`")


def _pointer(top: _Open | None) -> Pointer:
    if top is None:
        return ()
    if isinstance(top.data, dict):
        assert top.key is not None
        return (*top.pointer, top.key)
    return (*top.pointer, len(top.data))


def _put(reader: _Reader, top: _Open | None, data: Any) -> None:
    if top is None:
        reader.data = data
    elif isinstance(top.data, dict):
        top.data[top.key] = data
        top.key = None
    else:
        top.data.append(data)


def _refuse_graph(reader: _Reader, event: Any, place: tuple[int, int]) -> None:
    if event.anchor:
        raise reader.stop(
            place, f"the anchor {show('&' + event.anchor)} is not read", "write the value out where it is used"
        )
    if event.tag:
        raise reader.stop(
            place, f"the tag {show(event.tag)} is not read", "delete the tag; quote the value if it is text"
        )


def _key(reader: _Reader, event: Any, place: tuple[int, int]) -> str:
    value: str = event.value
    if event.implicit[0]:
        if value == "<<":
            raise reader.stop(place, "the merge key `<<` is not read", "write the keys out")
        # `on`, `no` and `y` are good names of columns and options, so words stay words in a key
        if not value or value == "~" or (_reading(value)[0] is not str and not _BOOL_1_1.fullmatch(value)):
            reader.refuse(place, f"the key {show(value)} is not text", f"quote it{_quoted(value)}")
    return value


def _scalar(reader: _Reader, event: Any, place: tuple[int, int]) -> Any:
    value: str = event.value
    if not event.implicit[0]:
        reader.text(value, place)
        return value
    kind, problem, hint = _reading(value)
    if problem:
        reader.refuse(place, f"{show(value)} {problem}", hint)
        return None
    return kind(value) if kind is not None else None if value != "true" and value != "false" else value == "true"


def _reading(value: str) -> tuple[Any, str, str]:
    """How a plain scalar is read: (str, int, float, or None for null and booleans), or a problem and its cure."""
    if not value or value in ("~", "null", "true", "false"):
        return None, "", ""
    first = value[0]
    if first not in "0123456789+-.":
        if _BOOL_1_1.fullmatch(value):
            is_true = value.lower() in ("yes", "on", "true")
            word = str(is_true).lower()
            return None, f"is read as {word} by YAML 1.1", f"{_cure(value)}, write {word} if it is not"
        if _NULL_1_1.fullmatch(value):
            return None, "is read as null by YAML 1.1", f"{_cure(value)}, write null if it is not"
        if value == "=":
            return None, "has a meaning of its own in YAML 1.1", _cure(value)
        return str, "", ""
    if _INT.fullmatch(value):
        return int, "", ""
    if _FLOAT.fullmatch(value) or _SCIENTIFIC.fullmatch(value):
        if abs(float(value)) == float("inf"):
            return float, "is more than a number can hold; a number must be finite", _cure(value)
        return float, "", ""
    if _NOT_FINITE.fullmatch(value):
        return float, "is not finite; a threshold must be finite", "leave the limit out if there is none"
    if _DATE.fullmatch(value):
        return None, "is read as a date by YAML 1.1", _cure(value)
    if _BASE_60.fullmatch(value):
        return None, "is read as a number to the base 60 by YAML 1.1", _cure(value)
    if _NUMBER_LIKE.fullmatch(value):
        cure = f"{_cure(value)}, or write the number in plain decimals such as 1000 or 1.0e-3"
        return None, "is a number in one version of YAML and text or another number in the next", cure
    return str, "", ""


def _cure(value: str) -> str:
    return f"quote it{_quoted(value)} if it is text"


def _quoted(value: str) -> str:
    return f' ("{line(value)}")' if len(value) <= 40 else ""


# JSON ---------------------------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


class _Json:
    """RFC 8259 with the place of every value; the standard library's reader keeps no places."""

    def __init__(self, reader: _Reader, text: str) -> None:
        self.reader = reader
        self.text = text
        self.index = 0
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def document(self) -> None:
        try:
            self.skip()
            if self.index == len(self.text):
                raise self.wrong("the file is empty")
            self.reader.data = self.value(())
            self.skip()
            if self.index < len(self.text):
                raise self.wrong("something follows the end of the document", "keep one document in a file")
        except _Stop:
            return

    def place(self, index: int) -> tuple[int, int]:
        from bisect import bisect_right

        row = bisect_right(self.starts, index)
        return row, index - self.starts[row - 1] + 1

    def wrong(self, message: str, hint: str = "") -> _Stop:
        return self.reader.stop(self.place(self.index), message, hint)

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.index)
        assert match
        self.index = match.end()

    def peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def take(self, expected: str) -> None:
        if self.peek() != expected:
            raise self.wrong(
                f"this is not JSON: expected `{expected}`, found {show(self.peek() or 'the end of the file')}"
            )
        self.index += 1

    def value(self, pointer: Pointer) -> Any:
        place = self.place(self.index)
        self.reader.node(pointer, place)
        char = self.peek()
        if char == "{":
            return self.mapping(pointer)
        if char == "[":
            return self.list(pointer)
        if char == '"':
            value = self.string()
            self.reader.text(value, place)
            return value
        match = _JSON_NUMBER.match(self.text, self.index)
        if match and match.end() > self.index:
            return self.number(match)
        for word, meaning in _WORDS.items():
            if self.text.startswith(word, self.index):
                self.index += len(word)
                return meaning
        if re.compile("-?(NaN|Infinity)").match(self.text, self.index):
            raise self.wrong("a number must be finite")
        raise self.wrong(f"this is not JSON: found {show(char or 'the end of the file')} where a value should stand")

    def number(self, match: re.Match[str]) -> int | float:
        digits = match.group()
        if match.group(2) is None and match.group(3) is None:
            if len(digits) > 19:
                raise self.wrong(f"{show(digits)} has more digits than a number can hold")
            self.index = match.end()
            return int(digits)
        value = float(digits)
        if abs(value) == float("inf"):
            raise self.wrong(f"{show(digits)} is more than a number can hold; a number must be finite")
        self.index = match.end()
        return value

    def string(self) -> str:
        try:
            value, end = json.decoder.scanstring(self.text, self.index + 1)  # type: ignore[attr-defined]  # C-accelerated, since 2.6
        except json.JSONDecodeError as error:
            self.index = error.pos
            raise self.wrong(f"this is not JSON: {error.msg}") from None
        self.index = end
        return str(value)

    def mapping(self, pointer: Pointer) -> dict[str, Any]:
        data: dict[str, Any] = {}
        self.take("{")
        self.skip()
        while self.peek() != "}":
            if data:
                self.take(",")
                self.skip()
            place = self.place(self.index)
            if self.peek() != '"':
                raise self.wrong("this is not JSON: a key must be in double quotes")
            key = self.string()
            self.reader.key(pointer, data, key, place)
            self.skip()
            self.take(":")
            self.skip()
            data[key] = self.value((*pointer, key))
            self.skip()
        self.take("}")
        return data

    def list(self, pointer: Pointer) -> list[Any]:
        data: list[Any] = []
        self.take("[")
        self.skip()
        while self.peek() != "]":
            if data:
                self.take(",")
                self.skip()
            data.append(self.value((*pointer, len(data))))
            self.skip()
        self.take("]")
        return data
