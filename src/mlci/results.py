"""The words that a run speaks in: measurements, results, and the report that holds them.

A report is the waist of mlci: every reporter, gate and comparison works from it alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlci.findings import Finding, Level, Rows
from mlci.places import Location

REPORT_VERSION = 1


class Outcome(StrEnum):
    """How a check ended. Only ``PASSED`` is a pass."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """It ran, and what it measured does not decide."""
    SKIPPED = "skipped"
    """It was not asked of this model, for the reason given."""
    BROKEN = "broken"
    """It could not run; that is never a pass."""


WORST_FIRST = (Outcome.BROKEN, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.SKIPPED, Outcome.PASSED)


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound of a measurement: the value breaks a ``min`` from below and a ``max`` from above."""

    side: str
    """``min`` or ``max``."""
    bound: float
    level: Level = Level.ERROR
    at: Location | None = None

    def broken_by(self, value: float) -> bool:
        return value < self.bound if self.side == "min" else value > self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number that mlci measured itself, with what is allowed for it."""

    name: str
    value: float
    unit: str = ""
    """``""`` for a plain number; otherwise ``rows``, ``bytes``, ``s`` or ``share`` (0 to 1)."""
    limits: tuple[Limit, ...] = ()
    low: float | None = None
    """Lower end of the interval, None when none was estimated."""
    high: float | None = None
    n: int | None = None
    """Rows that the number rests on."""
    at: Location | None = None
    query: str = ""
    """SQL that shows the rows it counts; a broken limit hands it on to its finding, with ``rows``."""
    rows: Rows | None = None
    histograms: tuple[tuple[float, ...], ...] = ()
    """Shares of one or more distributions over the same bins, what is compared with first."""

    def broken_limit(self) -> Limit | None:
        """The heaviest limit that the value breaks. A value that is not finite breaks every limit."""
        order = list(Level)
        broken = [limit for limit in self.limits if not math.isfinite(self.value) or limit.broken_by(self.value)]
        return min(broken, key=lambda limit: order.index(limit.level), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check said of one model."""

    check: str
    id: str
    outcome: Outcome
    reason: str = ""
    """Why it was skipped, inconclusive or broken."""
    cause: str = ""
    """For a broken check, the code of the error that broke it (``limit``, ``unsafe``, ``bug``, ...)."""
    severity: Level = Level.ERROR
    """``warning`` where the manifest says that a failure shall not block."""
    required: bool = False
    """The repository's policy asks for it, so that a skip blocks as well."""
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    seconds: float = 0.0
    at: Location | None = None
    """Where the manifest asks for this check."""

    def count(self, level: Level) -> int:
        return sum(1 for finding in self.findings if finding.level is level)


@dataclass(frozen=True, slots=True)
class Input:
    """A file that a verdict rests on. ``sha256`` is None when its bytes are not in this checkout."""

    role: str
    """``artifact``, ``data``, ``config`` or ``code``."""
    path: str
    sha256: str | None
    size: int
    kind: str = "file"
    """``file``, or ``lfs-pointer`` / ``dvc-pointer`` when the bytes are elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """Everything that was measured of one model, bound to the bytes it was measured on."""

    name: str
    path: str
    """Its manifest."""
    bundle: str | None = None
    """sha256 over the canonical list of inputs; None when an input is missing."""
    inputs: tuple[Input, ...] = ()
    results: tuple[Result, ...] = ()

    def worst(self) -> Outcome:
        return min((r.outcome for r in self.results), key=WORST_FIRST.index, default=Outcome.BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All results of a run. ``commit`` is None outside git; ``dirty`` means uncommitted changes were measured."""

    tool: str
    started: str
    """UTC, ISO 8601."""
    seconds: float = 0.0
    commit: str | None = None
    dirty: bool = False
    selection: str = ""
    """What part of the repository was asked for, in words; empty for all of it."""
    models: tuple[ModelReport, ...] = field(default=())

    def results(self) -> list[tuple[ModelReport, Result]]:
        return [(model, result) for model in self.models for result in model.results]

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": REPORT_VERSION,
            "tool": self.tool,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "commit": self.commit,
            "dirty": self.dirty,
            "selection": self.selection,
            "models": [_model_to_dict(model) for model in self.models],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Report:
        """The report that ``to_dict`` wrote; ``data`` was validated against the report schema before."""
        return cls(
            tool=data["tool"],
            started=data["started"],
            seconds=data["seconds"],
            commit=data["commit"],
            dirty=data["dirty"],
            selection=data["selection"],
            models=tuple(_model_from_dict(model) for model in data["models"]),
        )


def _place(at: Location | None) -> dict[str, Any] | None:
    return None if at is None else {"path": at.path, "line": at.line, "column": at.column}


def _number(value: float | None) -> float | None:
    # JSON has no NaN or infinity; None is read back as "not finite"
    return value if value is not None and math.isfinite(value) else None


def _model_to_dict(model: ModelReport) -> dict[str, Any]:
    return {
        "name": model.name,
        "path": model.path,
        "bundle": model.bundle,
        "inputs": [
            {"role": i.role, "path": i.path, "sha256": i.sha256, "size": i.size, "kind": i.kind} for i in model.inputs
        ],
        "results": [_result_to_dict(result) for result in model.results],
    }


def _result_to_dict(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "id": result.id,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "cause": result.cause,
        "severity": result.severity.value,
        "required": result.required,
        "seconds": round(result.seconds, 3),
        "at": _place(result.at),
        "findings": [
            {
                "level": f.level.value,
                "message": f.message,
                "at": _place(f.at),
                "hint": f.hint,
                "query": f.query,
                "rows": _rows_to_dict(f.rows),
            }
            for f in result.findings
        ],
        "measurements": [
            {
                "name": m.name,
                "value": _number(m.value),
                "unit": m.unit,
                "low": _number(m.low),
                "high": _number(m.high),
                "n": m.n,
                "at": _place(m.at),
                "histograms": [list(shares) for shares in m.histograms],
                "limits": [
                    {"side": x.side, "bound": x.bound, "level": x.level.value, "at": _place(x.at)} for x in m.limits
                ],
            }
            for m in result.measurements
        ],
    }


def _location(data: dict[str, Any] | None) -> Location | None:
    return None if data is None else Location(data["path"], data["line"], data["column"])


def _rows(data: dict[str, Any] | None) -> Rows | None:
    if data is None:
        return None
    return Rows(tuple(data["columns"]), tuple(tuple(row) for row in data["rows"]), data["values"])


def _rows_to_dict(rows: Rows | None) -> dict[str, Any] | None:
    if rows is None:
        return None
    return {"columns": list(rows.columns), "rows": [list(row) for row in rows.rows], "values": rows.values}


def _model_from_dict(data: dict[str, Any]) -> ModelReport:
    return ModelReport(
        name=data["name"],
        path=data["path"],
        bundle=data["bundle"],
        inputs=tuple(Input(**item) for item in data["inputs"]),
        results=tuple(_result_from_dict(item) for item in data["results"]),
    )


def _result_from_dict(data: dict[str, Any]) -> Result:
    return Result(
        check=data["check"],
        id=data["id"],
        outcome=Outcome(data["outcome"]),
        reason=data["reason"],
        cause=data["cause"],
        severity=Level(data["severity"]),
        required=data["required"],
        seconds=data["seconds"],
        at=_location(data["at"]),
        findings=tuple(
            Finding(Level(f["level"]), f["message"], _location(f["at"]), f["hint"], f["query"], _rows(f["rows"]))
            for f in data["findings"]
        ),
        measurements=tuple(_measurement_from_dict(m) for m in data["measurements"]),
    )


def _measurement_from_dict(data: dict[str, Any]) -> Measurement:
    return Measurement(
        name=data["name"],
        value=math.nan if data["value"] is None else data["value"],
        unit=data["unit"],
        low=data["low"],
        high=data["high"],
        n=data["n"],
        at=_location(data["at"]),
        histograms=tuple(tuple(shares) for shares in data["histograms"]),
        limits=tuple(Limit(x["side"], x["bound"], Level(x["level"]), _location(x["at"])) for x in data["limits"]),
    )
