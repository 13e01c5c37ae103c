"""Failing rows against what is allowed: ``mostly``, ``max``, both, or none at all; of every row, or of a sample."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from mlci import privacy, quantities, stats
from mlci.case import Case, error
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding, Level, Rows
from mlci.places import Location
from mlci.privacy import Samples
from mlci.questions import Answer, Count, Question, Repeated, RowQuestion, Selected
from mlci.questions import Rows as RowsOf
from mlci.results import Limit, Measurement

CONFIDENCE = 0.95
"""Of the interval around a share that was counted in a sample."""

Counting = Generator[Finding | Measurement, None, str]


def tested(question: RowQuestion) -> Count | RowsOf:
    """How many rows a question looks at: of a sampled table, what is never sampled looks at every row."""
    where = getattr(question, "where", "")
    return Count(None, where) if where or isinstance(question, Count) else RowsOf()


def needs(question: RowQuestion) -> tuple[Question, ...]:
    """What is asked of the table to judge a question."""
    return (question,) if isinstance(question, Selected) else (question, tested(question))


def judge(
    case: Case,
    name: str,
    question: RowQuestion,
    how: Mapping[str, Any] | None = None,
    *,
    place: Callable[[str], Location | None] | None = None,
    at: Location | None = None,
    severity: Level = Level.ERROR,
    about: Sequence[str] = (),
) -> Counting:
    """Count the rows and hold them against ``mostly`` and ``max`` of ``how`` (the check's own options).

    ``place`` says where one of the two is written, ``at`` where the rule stands; ``about`` are the columns it speaks
    of. Returns why the count does not decide, "" when it does. No row to look at is an error: a rule that was held
    against nothing has not passed.
    """
    how = case.options if how is None else how
    place = place or case.at
    at = at or case.at()
    try:
        answers = case.answers(needs(question))
    except UsageError as wrong:
        if wrong.at is None and wrong.message.startswith("`where`"):
            wrong.at = place("where")
        raise
    fails = _rows(answers[question])
    n = answers[tested(question)] if tested(question) in answers else case.table.rows()
    assert isinstance(n, int)
    if not n and not isinstance(question, Selected):
        yield error(f"{name}: no row was looked at", at, "look at the dataset, and at the rule's `where:`")
        return ""
    sampled = case.table.scanned if isinstance(question, Count) else None
    shares = _levels(how.get("mostly"), place, "mostly", severity, at)
    counts = _levels(how.get("max"), place, "max", severity, at)
    if not shares and not counts:
        counts = [(0.0, severity, at)]
    undecided = ""
    # rounded: 1 - 0.9 is a little less than 0.1, and one failing row in ten is what `mostly: 90%` allows
    share_limits = tuple(
        Limit("max", round(1 - quantities.share(bound), 12), level, where) for bound, level, where in shares
    )
    row_limits = tuple(Limit("max", float(bound), level, where) for bound, level, where in counts)
    if sampled is not None:
        # `max` is of every row, and `n` those that `where` lets through: so many of them are to expect
        total = case.table.rows() * n / sampled
        share_limits += tuple(Limit("max", limit.bound / total, limit.level, limit.at) for limit in row_limits)
        low, high = stats.clopper_pearson(fails, n, confidence=CONFIDENCE)
        doubtful = [limit for limit in share_limits if low <= limit.bound < high]
        limits = tuple(limit for limit in share_limits if limit not in doubtful)
        measured = [
            Measurement(
                name=f"share of {name} in a sample",
                value=fails / n,
                unit="share",
                limits=limits,
                low=low,
                high=high,
                n=n,
                at=at,
            )
        ]
        if any(limit.level is Level.ERROR for limit in doubtful):
            between = f"{quantities.show(low, 'share')} and {quantities.show(high, 'share')}"
            undecided = f"{name}: of {n:,} sampled rows the share is between {between}, and the limit is in between"
    else:
        measured = []
        if share_limits:
            measured.append(
                Measurement(
                    name=f"share of {name}",
                    value=fails / n if n else 0.0,
                    unit="share",
                    limits=share_limits,
                    n=n,
                    at=at,
                )
            )
        if row_limits:
            measured.append(Measurement(name=name, value=fails, unit="rows", limits=row_limits, n=n, at=at))
    shown: Rows | None = None
    for item in measured:
        if item.broken_limit() is None:
            yield item
            continue
        shown = shown or sample(case, question, about)
        yield with_rows(item, case.table.query(question), shown)
    return undecided


def collected(counting: Counting) -> tuple[list[Finding | Measurement], str]:
    """What a count yields, for a check that does not pass on all of it, and why it does not decide."""
    found: list[Finding | Measurement] = []
    while True:
        try:
            found.append(next(counting))
        except StopIteration as end:
            return found, str(end.value)


def with_rows(measurement: Measurement, query: str, rows: Rows | None) -> Measurement:
    """The measurement with what shows its rows."""
    from dataclasses import replace

    return replace(measurement, query=query, rows=rows)


def sample(case: Case, question: RowQuestion, about: Sequence[str]) -> Rows | None:
    """A few of the rows meant, as far as the privacy policy lets them be shown."""
    if isinstance(question, Selected):
        return None  # a query names its columns as it likes, and one of them may be a sensitive one
    policy = case.bench.privacy
    columns = privacy.shown(policy, case.dataset, about, [column.name for column in case.table.columns])
    if not columns:
        return None
    found = case.table.sample(question, columns, policy.rows)
    cells = tuple(tuple(_cell(value) for value in row) for row in found)
    return Rows(tuple(columns), cells, policy.samples is Samples.VALUES)


def _cell(value: Any) -> str:
    text = "" if value is None else line(str(value))
    return text if len(text) <= 60 else text[:59] + "…"


def _rows(answer: Answer) -> int:
    if isinstance(answer, Repeated):
        return answer.rows
    assert isinstance(answer, int)
    return answer


def _levels(
    written: Any, place: Callable[..., Location | None], key: str, severity: Level, at: Location | None
) -> list[tuple[Any, Level, Location | None]]:
    """Each bound with its level and its place; a plain one has the rule's own severity."""
    if written is None:
        return []
    here = place(key) or at
    if isinstance(written, dict):
        return [(bound, Level(level), here) for level, bound in written.items()]
    return [(written, severity, here)]
