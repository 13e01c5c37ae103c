"""A table of what was measured, worst first, then every finding with its place and its cure.

The only module that imports tabulate.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlci import escape
from mlci.findings import Finding, Level
from mlci.gate import Decision
from mlci.reporters import words
from mlci.results import Outcome, Report, Result

MAX_ROWS = 60
"""Rows up to which everything is shown; above it, what passed is counted."""


def table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """Rows of text under headers, in columns."""
    from tabulate import tabulate

    # as for a log: a row begins with its first cell
    safe = [[escape.log(cell) for cell in row] for row in rows]
    # disable_numparse: a version such as 1.10 is text
    return tabulate(safe, headers=list(headers), tablefmt="simple", disable_numparse=True)


def finding_lines(finding: Finding, code: str) -> list[str]:
    """``path:line:column: error[code]: message``, and the cure on a line of its own."""
    place = f"{finding.at}: " if finding.at else ""
    lines = [f"{place}{finding.level.value}[{code}]: {finding.message}"]
    if finding.hint:
        lines.append(f"  hint: {finding.hint}")
    if finding.rows:
        named = finding.rows.columns
        lines += [f"  row: {words.row(named, row)}" for row in finding.rows.rows]
    if finding.query:
        lines.append(f"  query: {' '.join(finding.query.split())}")
    return [escape.log(text) for text in lines]


def render(report: Report, decision: Decision) -> str:
    results = words.worst_first(report)
    shown = results if len(results) <= MAX_ROWS else [item for item in results if item[1].outcome is not Outcome.PASSED]
    parts = []
    if shown:
        rows = [row for model, result in shown for row in _rows(model.name, result)]
        parts.append(table(rows, ("model", "check", "outcome", "measured", "value", "limit")))
    told = [
        line
        for _, result, finding in words.findings(report)
        if finding.level is not Level.NOTE
        for line in finding_lines(finding, result.id)
    ]
    notes = [
        line
        for _, result, finding in words.findings(report)
        if finding.level is Level.NOTE
        for line in finding_lines(finding, result.id)
    ]
    parts += ["\n".join(lines) for lines in (told, notes) if lines]
    parts.append("\n".join([_verdict(report, decision), *_missing_bytes(report)]))
    return "\n\n".join(parts) + "\n"


def _rows(model: str, result: Result) -> list[tuple[str, ...]]:
    head = (_cut(model), _cut(result.id), words.outcome(result))
    if not result.measurements:
        return [(*head, _cut(result.reason), "", "")]
    told = words.told(result)
    rows = [(_cut(m.name), f"{words.value(m)}  {words.bars(m)}".rstrip(), words.limits(m)) for m in told]
    if left := words.left_out(result, told):
        rows.append((left, "", ""))
    return [(*(head if number == 0 else ("", "", "")), *row) for number, row in enumerate(rows)]


def _cut(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _verdict(report: Report, decision: Decision) -> str:
    verdict = "passed" if decision.allowed else "refused"
    return f"{verdict}: {words.tally(report)} in {report.seconds:.1f} s"


def _missing_bytes(report: Report) -> list[str]:
    incomplete = sorted(model.name for model in report.models if model.bundle is None and model.inputs)
    if not incomplete:
        return []
    return [escape.log(f"no bundle digest for {', '.join(incomplete[:10])}: some inputs are not in this checkout")]
