"""Reports from files: read back with suspicion, put together, rendered."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlci import conformance, document, gate, registry
from mlci.errors import UsageError
from mlci.findings import Finding, InvalidFile, Level
from mlci.results import WORST_FIRST, ModelReport, Report, Result

_SHARD = re.compile(r"--shard ([0-9]{1,9})/([0-9]{1,9})")
MAX_BYTES = 64 << 20


def read_reports(raw: Sequence[tuple[str, bytes]]) -> Report:
    """One report out of the files that ``mlci check`` wrote, such as those of the shards of one run.

    Raises InvalidFile for a file that is no report.
    """
    reports = []
    for name, data in raw:
        try:
            parsed = json.loads(
                data, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_float, parse_int=_int
            )
        except (ValueError, RecursionError) as error:
            raise InvalidFile(
                [Finding(Level.ERROR, f"this is not JSON: {error}", document.Document(name, None).at())]
            ) from None
        found = conformance.problems(document.Document(name, parsed), registry.packed("report"))
        if found:
            raise InvalidFile(found)
        reports.append(Report.from_dict(parsed))
    return merge(reports)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return data


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _int(digits: str) -> int:
    _float(digits)
    return int(digits)


def merge(reports: Sequence[Report]) -> Report:
    """The reports of one run as one. Raises UsageError when they speak of different commits or bytes."""
    first = reports[0]
    for other in reports[1:]:
        if other.commit != first.commit:
            raise UsageError(f"the reports speak of different commits, {first.commit} and {other.commit}")
    _refuse_missing_parts([report.selection for report in reports])
    models: dict[str, ModelReport] = {}
    for model in (model for report in reports for model in report.models):
        models[model.path] = _joined(models[model.path], model) if model.path in models else model
    return replace(
        first,
        started=min(report.started for report in reports),
        seconds=max(report.seconds for report in reports),
        dirty=any(report.dirty for report in reports),
        selection=first.selection if len(reports) == 1 else f"{len(reports)} reports",
        models=tuple(models[path] for path in sorted(models)),
    )


def _refuse_missing_parts(selections: Sequence[str]) -> None:
    """Raise UsageError unless all parts of a sharded run are here: what was not looked at would pass."""
    parts = [(int(found[1]), int(found[2])) for text in selections if (found := _SHARD.search(text))]
    for _, count in parts:
        missing = sorted(set(range(1, count + 1)) - {index for index, other in parts if other == count})
        if missing:
            raise UsageError(
                f"part {missing[0]} of {count} is missing among the reports", hint="name the reports of all parts"
            )


def _joined(one: ModelReport, other: ModelReport) -> ModelReport:
    """What two reports say of one model: each check once, the worse result where both have it."""
    if one.bundle != other.bundle:
        raise UsageError(f"the reports speak of different bytes of the model of {one.path}")
    results: dict[str, Result] = {}
    for result in (*one.results, *other.results):
        known = results.get(result.id, result)
        results[result.id] = min(known, result, key=lambda item: WORST_FIRST.index(item.outcome))
    return replace(one, results=tuple(results.values()))


def render(report: Report, reporter: str, fail_on: str = "error") -> str:
    """The report as text, by the reporter of that name."""
    text: str = registry.find("reporters", reporter).render(report, gate.decide(report, fail_on))
    return text
