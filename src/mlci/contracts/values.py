"""Values that a contract writes, as a column of a type of mlci has them."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import Any

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?")
_MOST = 10**18
_NUMBER = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,17})?")


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST


def is_number(value: Any) -> bool:
    """Whether it is a number that a manifest can hold, and that YAML and JSON read alike."""
    return isinstance(value, float) or is_whole(value)


def kind(value: Any) -> str:
    return "number" if is_number(value) else type(value).__name__


def as_type(type_: str | None, value: Any) -> Any:
    """A value as a column of this type has it; None where it has it not."""
    if not isinstance(value, str | int | float | bool):
        return None
    if type_ in ("int", "float"):
        return number_of(value)
    if type_ == "bool":
        named = {"true": True, "false": False}.get(value) if isinstance(value, str) else value
        return named if isinstance(named, bool) else None
    if type_ == "string":
        return value if isinstance(value, str) else None
    if type_ in ("date", "datetime"):
        return bound(type_, value)
    return value


def number_of(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value if is_number(value) else None


def bound(type_: str | None, value: Any) -> Any:
    """A bound of a range of a column of this type; None where it can have no such bound."""
    if type_ in ("int", "float"):
        return number_of(value)
    if type_ not in (None, "date", "datetime"):
        return None
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return None
        return value.replace("T", " ") if type_ != "date" or len(value) == 10 else None
    return value if type_ is None and is_number(value) else None


def beyond(type_: str | None, end: Any, step: int) -> Any:
    """The nearest value beyond an end that may not be reached; None where values lie as close as they like."""
    if type_ == "int" and is_number(end) and abs(end) < _MOST:
        return math.floor(end) + 1 if step > 0 else math.ceil(end) - 1
    if type_ == "date" and isinstance(end, str):
        try:
            return (date.fromisoformat(end) + timedelta(days=step)).isoformat()
        except (OverflowError, ValueError):
            return None
    return None
