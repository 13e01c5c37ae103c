"""Markdown for a pull request, a job summary or a file: the verdict, what blocks, then everything, folded."""

from __future__ import annotations

from collections.abc import Sequence

from mlci import escape
from mlci.findings import Finding, Level
from mlci.gate import Decision
from mlci.reporters import words
from mlci.results import ModelReport, Outcome, Report, Result

MAX_CHARACTERS = 60_000
"""GitHub takes 65,536 characters in a comment; what would go beyond is counted instead of shown."""

_MARKS = {
    Outcome.BROKEN: "🟥 broken",
    Outcome.FAILED: "❌ failed",
    Outcome.INCONCLUSIVE: "❔ inconclusive",
    Outcome.SKIPPED: "⏭️ skipped",
    Outcome.PASSED: "✅ passed",
}


def render(report: Report, decision: Decision) -> str:
    head = [f"## {'✅ mlci: passed' if decision.allowed else '❌ mlci: refused'}", "", words.tally(report)]
    blocks = [_blocking(report), *(_model(model) for model in sorted(report.models, key=_order))]
    foot = f"\n<sub>{_about(report)}</sub>\n"
    out = "\n".join(head) + "\n"
    room = MAX_CHARACTERS - len(out) - len(foot) - 100
    left = 0
    for block in blocks:
        if len(block) > room:
            left += 1
            continue
        out += block
        room -= len(block)
    if left:
        out += f"\n{words.plural(left, 'section')} left out: too long for a comment; see report.json\n"
    return out + foot


def _order(model: ModelReport) -> tuple[int, str]:
    return list(_MARKS).index(model.worst()), model.name


def _blocking(report: Report) -> str:
    told = [item for item in words.findings(report) if item[2].level is not Level.NOTE]
    if not told:
        return ""
    lines = ["", "### What to look at", ""]
    room = MAX_CHARACTERS // 2
    for shown, (model, result, finding) in enumerate(told):
        line = f"- **{finding.level.value}** {escape.code(model.name)} {escape.code(result.id)} {_finding(finding)}"
        room -= len(line) + 1
        if room < 0:
            lines.append(f"- and {len(told) - shown:,} more: see report.json")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> str:
    place = f"{escape.code(str(finding.at))}: " if finding.at else ""
    hint = f"<br>hint: {escape.code(finding.hint, 400)}" if finding.hint else ""
    rows = ""
    # a comment is for everybody who can read the repository, and is mailed to many: keys at most
    if finding.rows and not finding.rows.values:
        shown = (escape.code(words.row(finding.rows.columns, row), 200) for row in finding.rows.rows[:5])
        rows = f"<br>rows: {', '.join(shown)}"
    query = f"<br>query: {escape.code(' '.join(finding.query.split()), 400)}" if finding.query else ""
    return f"{place}{escape.code(finding.message, 400)}{hint}{rows}{query}"


def _model(model: ModelReport) -> str:
    worst = model.worst()
    opened = "" if worst is Outcome.PASSED else " open"
    rows = [_row(result) for result in sorted(model.results, key=lambda r: (list(_MARKS).index(r.outcome), r.id))]
    lines = [
        "",
        f"<details{opened}><summary>{_MARKS[worst]} <code>{_html(model.name)}</code></summary>",
        "",
        *_table(("check", "outcome", "measured", "limit"), rows),
        "",
        f"Manifest {escape.code(model.path)}, bundle {escape.code(model.bundle[:12] if model.bundle else 'none')}",
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def _row(result: Result) -> Sequence[str]:
    told = words.told(result)
    left = words.left_out(result, told)
    measured = "<br>".join(
        [f"{escape.code(m.name)} {escape.code(words.value(m))} {words.bars(m)}".rstrip() for m in told]
        + ([left] if left else [])
    )
    limits = "<br>".join(escape.code(words.limits(m)) if m.limits else "" for m in told)
    reason = f"{escape.code(result.reason, 300)}" if result.reason else ""
    warnings = result.count(Level.WARNING)
    mark = _MARKS[result.outcome] + (f", {words.plural(warnings, 'warning')}" if warnings else "")
    return (escape.code(result.id), mark, measured or reason, limits)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headers)} |",
        "|" + " --- |" * len(headers),
        # in a table a bar ends the cell, even inside a code span
        *(f"| {' | '.join(_cell(text) for text in row)} |" for row in rows),
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or " "


def _html(text: str) -> str:
    import html

    # a line that begins with a tag holds no Markdown; its <code> keeps GitHub from linking names in it
    return html.escape(escape.line(text)).replace("##[", "#&#35;[")


def _about(report: Report) -> str:
    commit = f"commit {escape.code(report.commit[:12])}" if report.commit else "no commit"
    dirty = " with uncommitted changes" if report.dirty else ""
    return f"{escape.code(report.tool)}, {commit}{dirty}, {report.seconds:.1f} s"
