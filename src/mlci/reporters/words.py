"""What the reporters say alike: the order of results, and a measurement in words."""

from __future__ import annotations

from collections import Counter

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
    rows = f" (n = {measurement.n:,})" if measurement.n is not None else ""
    return f"{show(measurement.value, measurement.unit)}{rows}"


def limits(measurement: Measurement) -> str:
    """``min 0.9``, or both levels of it."""
    return ", ".join(
        f"{limit.side} {show(limit.bound, measurement.unit)}" + (" (warning)" if limit.level is Level.WARNING else "")
        for limit in measurement.limits
    )


def findings(report: Report) -> list[tuple[ModelReport, Result, Finding]]:
    """Every finding once, errors first, in the order of files and lines."""
    order = list(Level)
    seen: dict[tuple[str, Location | str, str], tuple[ModelReport, Result, Finding]] = {}
    for model, result in report.results():
        for finding in result.findings:
            seen.setdefault((finding.level, finding.at or model.path, finding.message), (model, result, finding))

    def key(item: tuple[ModelReport, Result, Finding]) -> tuple[int, str, int, int]:
        at = item[2].at
        return (
            order.index(item[2].level),
            at.path if at else "",
            (at.line or 0) if at else 0,
            (at.column or 0) if at else 0,
        )

    return sorted(seen.values(), key=key)


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
