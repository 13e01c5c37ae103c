"""GitHub workflow commands: each finding at its line of the changed file.

The runner shows ten errors, ten warnings and ten notices a step and cuts a message at 4,096 characters, so the
heaviest come first and the rest are counted in the last one.
"""

from __future__ import annotations

from collections import defaultdict

from mlci import escape
from mlci.findings import Finding, Level
from mlci.gate import Decision
from mlci.reporters import words
from mlci.results import Report

SHOWN = 10
MAX_MESSAGE = 4000
_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def render(report: Report, decision: Decision) -> str:
    by_level: dict[Level, list[str]] = defaultdict(list)
    left: dict[Level, int] = defaultdict(int)
    for model, result, finding in words.findings(report):
        if len(by_level[finding.level]) < SHOWN - 1:
            by_level[finding.level].append(_command(finding, f"{model.name}: {result.id}"))
        else:
            left[finding.level] += 1
    lines = []
    for level in Level:
        lines += by_level[level]
        if left[level]:
            lines.append(
                f"::{_COMMANDS[level]} title=mlci::{words.plural(left[level], f'more {level.value}')}; see the report"
            )
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding, title: str) -> str:
    properties = {"title": title}
    if finding.at:
        properties = {"file": finding.at.path, "line": str(finding.at.line or 1), **properties}
        if finding.at.column:
            properties["col"] = str(finding.at.column)
    text = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
    said = ",".join(f"{name}={escape.annotation_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.level]} {said}::{escape.annotation_data(text[:MAX_MESSAGE])}"
