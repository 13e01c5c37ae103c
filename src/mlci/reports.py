"""Reports from files: read back with suspicion, put together, rendered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlci import document, gate, manifest, registry
from mlci.errors import InvalidFile, UsageError
from mlci.results import Finding, Level, Report

MAX_BYTES = 64 << 20


def read_reports(raw: Sequence[tuple[str, bytes]]) -> Report:
    """One report out of the files that ``mlci check`` wrote, such as those of the shards of one run.

    Raises InvalidFile for a file that is no report.
    """
    reports = []
    for name, data in raw:
        try:
            parsed = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidFile(
                [Finding(Level.ERROR, f"this is not JSON: {error}", document.Document(name, None).at())]
            ) from None
        found = manifest.problems(document.Document(name, parsed), registry.packed("report"))
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


def merge(reports: Sequence[Report]) -> Report:
    """The reports of one run as one. Raises UsageError when they speak of different commits."""
    first = reports[0]
    for other in reports[1:]:
        if other.commit != first.commit:
            raise UsageError(f"the reports speak of different commits, {first.commit} and {other.commit}")
    models = {model.path: model for report in reports for model in report.models}
    return replace(
        first,
        started=min(report.started for report in reports),
        seconds=max(report.seconds for report in reports),
        dirty=any(report.dirty for report in reports),
        selection=first.selection if len(reports) == 1 else f"{len(reports)} reports",
        models=tuple(models[path] for path in sorted(models)),
    )


def render(report: Report, reporter: str, fail_on: str = "error") -> str:
    """The report as text, by the reporter of that name."""
    text: str = registry.find("reporters", reporter).render(report, gate.decide(report, fail_on))
    return text
