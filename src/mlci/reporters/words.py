"""What the reporters say alike: the order of results, and a measurement in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mlci.findings import Finding, Level
from mlci.places import Location
from mlci.quantities import show
from mlci.results import WORST_FIRST, Measurement, ModelReport, Outcome, Report, Result


def worst_first(report: Report) -> list[tuple[ModelReport, Result]]:
    """Results with what blocks most at the top, then by model and check."""
    return sorted(report.results(), key=lambda item: (_rank(item[1]), item[0].name, item[1].id))


def _rank(result: Result) -> tuple[int, int]:
    return WORST_FIRST.index(result.outcome), -result.count(Level.WARNING)


def outcome(result: Result) -> str:
    """The outcome, with the warnings of what passed."""
    warnings = result.count(Level.WARNING)
    if result.outcome is Outcome.PASSED and warnings:
        return f"passed, {plural(warnings, 'warning')}"
    return result.outcome.value


def value(measurement: Measurement) -> str:
    if measurement.unit == "rows" and measurement.n is not None and math.isfinite(measurement.value):
        return f"{measurement.value:,.0f} of {measurement.n:,} rows"
    rows = f" (n = {measurement.n:,})" if measurement.n is not None else ""
    return f"{show(measurement.value, measurement.unit)}{rows}"


BARS = "▁▂▃▄▅▆▇█"
MEASURED = 5
"""Measurements of one check that are shown; of the others the count."""
IDS = 3
"""Checks that are named beside a finding that they share."""


def bars(measurement: Measurement) -> str:
    """The distributions that were compared, one bar a bin: ``▂▅█▅▂ → ▁▂▅█▅``; a dot is an empty bin."""
    top = max((share for shares in measurement.histograms for share in shares), default=0.0)
    if not top:
        return ""
    drawn = (
        "".join(BARS[min(7, int(8 * share / top))] if share else "·" for share in shares)
        for shares in measurement.histograms
    )
    return " → ".join(drawn)


def told(result: Result) -> list[Measurement]:
    """The measurements of a check that are shown: those outside their limits, and a few of the others."""
    if len(result.measurements) <= MEASURED:
        return list(result.measurements)
    broken = [m for m in result.measurements if m.broken_limit() is not None]
    # what is within its limits says little beside what is not
    return broken[:MEASURED] or list(result.measurements[:3])


def left_out(result: Result, shown: list[Measurement]) -> str:
    """What is said of the measurements that are not shown; "" when all are."""
    rest = [m for m in result.measurements if m not in shown]
    if not rest:
        return ""
    return f"and {len(rest):,} more" + ("" if any(m.broken_limit() for m in rest) else " within their limits")


def limits(measurement: Measurement) -> str:
    """``min 0.9``, or both levels of it."""
    unit = "" if measurement.unit == "rows" else measurement.unit
    return ", ".join(
        f"{limit.side} {show(limit.bound, unit)}" + (" (warning)" if limit.level is Level.WARNING else "")
        for limit in measurement.limits
    )


def findings(report: Report) -> list[tuple[ModelReport, Result, Finding]]:
    """Every finding once, errors first, in the order of files and lines; its result has the ids of all that have it."""
    order = list(Level)
    seen: dict[tuple[str, Location | str, str, str], list[tuple[ModelReport, Result, Finding]]] = {}
    for model, result in report.results():
        for finding in result.findings:
            # a query tells two datasets apart that break one rule alike
            same = (finding.level, finding.at or model.path, finding.message, finding.query)
            seen.setdefault(same, []).append((model, result, finding))

    def key(item: tuple[ModelReport, Result, Finding]) -> tuple[int, str, int, int]:
        at = item[2].at
        return (
            order.index(item[2].level),
            at.path if at else "",
            (at.line or 0) if at else 0,
            (at.column or 0) if at else 0,
        )

    return sorted((_together(found) for found in seen.values()), key=key)


def _together(found: list[tuple[ModelReport, Result, Finding]]) -> tuple[ModelReport, Result, Finding]:
    """What several checks found alike, as the finding of one."""
    model, result, finding = found[0]
    ids = list(dict.fromkeys(each.id for _, each, _ in found))
    if len(ids) > IDS:
        ids[IDS - 1 :] = [f"and {len(ids) - IDS + 1:,} more"]
    return model, replace(result, id=", ".join(ids)), finding


def row(columns: Sequence[str], cells: Sequence[str]) -> str:
    """``id=5, age=200``."""
    return ", ".join(f"{name}={cell}" for name, cell in zip(columns, cells, strict=True))


def tally(report: Report) -> str:
    """``2 models, 9 checks: 1 failed, 8 passed``."""
    counted = Counter(result.outcome for _, result in report.results())
    said = ", ".join(f"{counted[kind]} {kind.value}" for kind in WORST_FIRST if counted[kind])
    checks = plural(sum(counted.values()), "check")
    return (
        f"{plural(len(report.models), 'model')}, {checks}: {said}"
        if counted
        else f"{plural(len(report.models), 'model')}, no check"
    )


def plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
