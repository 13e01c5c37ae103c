"""Strict YAML, event by event. The only module that imports yaml."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mlci.escape import line
from mlci.findings import Finding, Level
from mlci.places import Location
from mlci.reader import Pointer, Reader, Stop, place_of, show

_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
# a point and the exponent's sign must be there, as YAML 1.1 wants it: a hash such as 1234e56 is then never a number
_SCIENTIFIC = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+[eE][-+][0-9]{1,3}")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BOOL_1_1 = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|True|TRUE|False|FALSE")
_NULL_1_1 = re.compile(r"Null|NULL")
# YAML 1.1 and the core schema of 1.2 agree on these
_AGREED = {"True": True, "TRUE": True, "False": False, "FALSE": False, "Null": None, "NULL": None}
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_NUMBER_LIKE = re.compile(
    # every repeat is told from the next by a character that only one of them takes, so that no text is slow
    r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?)"
)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


def read_yaml(reader: Reader, text: str) -> None:
    # the C loader has the same events, many times faster; it is in every wheel, but not in every build
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # before the parser sees them: it holds every directive against all others
        if directive := _DIRECTIVE.search(text):
            place = place_of(text, directive.start())
            raise reader.stop(place, "a YAML directive is not read", "delete the line that begins with %")
        _events(reader, yaml.parse(text, Loader=loader))
    except Stop:
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


def _events(reader: Reader, events: Any) -> None:
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
        reader.refuse((1, 1), "the file is empty", "" if reader.foreign else "begin with `version: 1`")


def _pointer(top: _Open | None) -> Pointer:
    if top is None:
        return ()
    if isinstance(top.data, dict):
        assert top.key is not None
        return (*top.pointer, top.key)
    return (*top.pointer, len(top.data))


def _put(reader: Reader, top: _Open | None, data: Any) -> None:
    if top is None:
        reader.data = data
    elif isinstance(top.data, dict):
        top.data[top.key] = data
        top.key = None
    else:
        top.data.append(data)


def _refuse_graph(reader: Reader, event: Any, place: tuple[int, int]) -> None:
    if event.anchor:
        raise reader.stop(
            place, f"the anchor {show('&' + event.anchor)} is not read", "write the value out where it is used"
        )
    if event.tag:
        raise reader.stop(
            place, f"the tag {show(event.tag)} is not read", "delete the tag; quote the value if it is text"
        )


def _key(reader: Reader, event: Any, place: tuple[int, int]) -> str:
    value: str = event.value
    if event.implicit[0]:
        if value == "<<":
            raise reader.stop(place, "the merge key `<<` is not read", "write the keys out")
        # `on`, `no` and `y` are good names of columns and options, so words stay words in a key
        plain = reader.foreign or _reading(value)[0] is str or _BOOL_1_1.fullmatch(value)
        if not value or value == "~" or not plain:
            reader.refuse(place, f"the key {show(value)} is not text", f"quote it{_quoted(value)}")
    return value


def _scalar(reader: Reader, event: Any, place: tuple[int, int]) -> Any:
    value: str = event.value
    if not event.implicit[0]:
        reader.text(value, place)
        return value
    kind, problem, hint = _reading(value)
    if problem and reader.foreign:
        return _AGREED.get(value, value)
    if problem:
        reader.refuse(place, f"{show(value)} {problem}", hint)
        return None
    return kind(value) if kind is not None else None if value != "true" and value != "false" else value == "true"


def is_text(value: str) -> bool:
    """Whether a scalar without quotes is read as the text that it is."""
    return _reading(value)[0] is str


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
