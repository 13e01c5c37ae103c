"""Two rules of one kind for one column, as the one rule that holds both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

How: TypeAlias = Mapping[str, Any]
"""``mostly``, ``max``, ``where``, ``severity`` and ``why`` of a rule; a None is one that is not given."""

TOLERANCE = ("mostly", "max", "where")


def kept(how: How) -> dict[str, Any]:
    return {
        key: held
        for key, held in how.items()
        if held is not None and held != "" and (key, held) not in (("severity", "error"), ("mostly", 1), ("max", 0))
    }


def written(rule: str, is_: Any, how: dict[str, Any]) -> Any:
    if not how:
        return is_
    return dict(how) if is_ is True else {"is": is_, **how}


def parts(written: Any) -> tuple[Any, dict[str, Any]]:
    if not isinstance(written, dict):
        return written, {}
    return written.get("is", True), {key: held for key, held in written.items() if key != "is"}


def both(rule: str, one: tuple[Any, dict[str, Any]], other: tuple[Any, dict[str, Any]]) -> tuple[Any, Any] | None:
    """One rule that holds what two say; None where there is none."""
    (is_, how), (other_is, other_how) = one, other
    if is_ == other_is and how == other_how:
        return one
    exact = [not held.keys() & {*TOLERANCE, "severity"} for held in (how, other_how)]
    if all(exact):
        shared = _BOTH[rule](is_, other_is)
        return None if shared is None else (shared, how or other_how)
    if is_ != other_is:
        return None
    if any(exact):
        return one if exact[0] else other  # no row may break it, so no share of them does
    levels = _levels(how, other_how)
    return None if levels is None else (is_, levels)


def _levels(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """Two tolerances that differ in their severity, as one of two levels."""
    if one.get("severity") == other.get("severity") or one.get("where") != other.get("where"):
        return None
    limits = [{key: held[key] for key in ("mostly", "max") if key in held} for held in (one, other)]
    if limits[0].keys() != limits[1].keys() or len(limits[0]) != 1:
        return None
    (key,) = limits[0]
    pair = dict(
        zip((one.get("severity", "error"), other.get("severity", "error")), (one[key], other[key]), strict=True)
    )
    if any(isinstance(limit, dict) for limit in pair.values()):
        return None
    rest = {name: held for name, held in {**other, **one}.items() if name in ("where", "why")}
    return {key: {"warning": pair["warning"], "error": pair["error"]}, **rest}


def _overlap(one: list[Any], other: list[Any]) -> list[Any] | None:
    lows = [bounds[0] for bounds in (one, other) if bounds[0] is not None]
    highs = [bounds[1] for bounds in (one, other) if bounds[1] is not None]
    if len({isinstance(bound, str) for bound in (*lows, *highs)}) > 1:
        return None
    return [max(lows, default=None), min(highs, default=None)]


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    those = set(other)
    return [value for value in one if value in those]


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "required": lambda one, other: one,
    "unique": lambda one, other: one,
    "range": _overlap,
    "length": _overlap,
    "in": _common,
    "pattern": lambda one, other: one if one == other else None,
}
