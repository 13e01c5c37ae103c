"""Quantities as a manifest writes them: a number with its unit, as one string (``200ms``, ``50MiB``, ``0.1%``)."""

from __future__ import annotations

import re

DURATION = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SIZE = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,9})?"

DURATION_PATTERN = f"^{_NUMBER}({'|'.join(DURATION)})$"
SIZE_PATTERN = f"^{_NUMBER}({'|'.join(SIZE)})$"
SHARE_PATTERN = r"^(100(\.0{1,9})?|[0-9]{1,2}(\.[0-9]{1,9})?)%$"


def duration(value: str) -> float:
    """Seconds: ``"200ms"`` -> 0.2. Raises ValueError for anything else."""
    return _with_unit(value, DURATION, "a duration such as 200ms, 30s or 36h")


def size(value: str) -> float:
    """Bytes: ``"50MiB"`` -> 52428800. Raises ValueError for anything else."""
    return _with_unit(value, SIZE, "a size such as 500kB, 50MiB or 2GiB")


def share(value: float | str) -> float:
    """A share from 0 to 1: ``"0.1%"`` -> 0.001, and a number stays itself. Raises ValueError outside 0 to 1."""
    if isinstance(value, str):
        if not re.fullmatch(SHARE_PATTERN, value):
            raise ValueError(f"{value!r} is not a share; expected a number from 0 to 1 or a string such as 0.1%")
        return float(value[:-1]) / 100
    if not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not a share; expected a number from 0 to 1")
    return float(value)


def show(value: float, unit: str = "") -> str:
    """The number as a person reads it: at most four significant digits, counts in full, sizes in binary units."""
    if value != value or value in (float("inf"), float("-inf")):
        return "not finite"
    if unit == "bytes":
        return show_size(value)
    if unit == "share":
        return f"{100 * value:.4g}%"
    number = f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
    if unit == "s":
        return show_duration(value)
    return f"{number} {unit}" if unit else number


def show_duration(value: float) -> str:
    """Seconds in the largest unit that leaves at least two, three significant digits."""
    name = next((name for name in ("d", "h", "m", "s") if value >= 2 * DURATION[name]), "s" if value >= 1 else "ms")
    number = value / DURATION[name]
    # a thousand days and more are not 1e+03 of them
    return f"{number:,.0f}{name}" if 999 <= number < 1e6 else f"{number:.3g}{name}"


def show_size(value: float) -> str:
    """Bytes in the largest binary unit that leaves at least 1."""
    for name in ("TiB", "GiB", "MiB", "KiB"):
        if value >= SIZE[name]:
            return f"{value / SIZE[name]:.4g} {name}"
    return f"{value:.0f} B"


def _with_unit(value: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    match = re.fullmatch(rf"({_NUMBER})([A-Za-z]+)", value)
    if not match or match.group(3) not in units:
        raise ValueError(f"{value!r} is not {expected}")
    return float(match.group(1)) * units[match.group(3)]
