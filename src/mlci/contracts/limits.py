"""The operators of ODCS, and the limits that mlci's tolerances can say of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, TypeAlias

Limits: TypeAlias = Sequence[tuple[str, tuple[Any, ...]]]
"""Operators and their one or two numbers; all of them hold."""

SIGNS = {
    "mustBe": "= {}", "mustNotBe": "<> {}", "mustBeGreaterThan": "> {}", "mustBeGreaterOrEqualTo": ">= {}",
    "mustBeLessThan": "< {}", "mustBeLessOrEqualTo": "<= {}", "mustBeBetween": "between {} and {}",
    "mustNotBeBetween": "not between {} and {}",
}  # fmt: skip

BOUNDED = (
    "mustBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
)


def whole_bounds(key: str, numbers: tuple[Any, ...]) -> tuple[int | None, int | None]:
    """The least and the greatest whole number that an operator lets pass."""
    first, last = numbers[0], numbers[-1]
    if key in ("mustBe", "mustBeBetween"):
        return math.ceil(first), math.floor(last)
    if key == "mustBeGreaterThan":
        return math.floor(first) + 1, None
    if key == "mustBeGreaterOrEqualTo":
        return math.ceil(first), None
    if key == "mustBeLessThan":
        return None, math.ceil(first) - 1
    return None, math.floor(first)


def at_most(limits: Limits, percent: bool) -> dict[str, Any] | None:
    """A limit as the tolerance of a rule: {} for none, `max` or `mostly`; None where it is no upper limit from 0."""
    if len(limits) != 1:
        return None
    ((key, numbers),) = limits
    first, last = numbers[0], numbers[-1]
    if isinstance(last, bool) or last < 0 or (key in ("mustBe", "mustBeBetween") and first != 0):
        return None
    if key == "mustBe" or (last == 0 and key in ("mustBeBetween", "mustBeLessOrEqualTo")):
        return {}
    if key not in ("mustBeLessThan", "mustBeLessOrEqualTo", "mustBeBetween"):
        return None
    if percent:
        return share(100 - Decimal(str(last)), strict=key == "mustBeLessThan")
    most = whole_bounds(key, numbers)[1]
    if most is None or most < 0:
        return None
    return {"max": most} if most else {}


def share(percent: Decimal, *, strict: bool = False) -> dict[str, Any] | None:
    """``mostly`` for a least share of rows in percent.

    A share that must be exceeded is raised by 1e-9 percent: of fewer than 1e9 rows none lies between. (A percentage
    with decimals has as many rows fewer by as many powers of ten.)
    """
    step = Decimal("1e-9")
    least = percent.quantize(step, rounding=ROUND_CEILING) + (step if strict else 0)
    if not 0 <= least <= 100:
        return None
    text = f"{least:f}".rstrip("0").rstrip(".") if "." in f"{least:f}" else f"{least:f}"
    return {} if least == 100 else {"mostly": f"{text}%"}


def holds(limits: Limits, value: Callable[[Any], str]) -> list[str]:
    """The conditions of a number in SQL: ``>= 5``."""
    return [SIGNS[key].format(*(value(number) for number in numbers)) for key, numbers in limits]
