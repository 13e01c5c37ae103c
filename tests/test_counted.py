"""Failing rows against what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlci.case import Case
from mlci.counted import judge
from mlci.findings import Finding, Level
from mlci.findings import Rows as Shown
from mlci.privacy import Privacy, Samples
from mlci.questions import Answer, Count, Missing, Question, Repeated, Repeats, RowQuestion, Rows
from mlci.repo import WorkTree
from mlci.results import Measurement
from mlci.specs import CheckSpec, Model
from mlci.testing import FakeBench, FakeTable, model_from

QUESTION = Count(Missing("x"))


class Counted(FakeTable):
    """A table that answers with counts given in advance."""

    def __init__(self, answers: Mapping[Question, Answer], rows: int, scanned: int | None = None) -> None:
        super().__init__({"id": [1, 2], "x": [None, 5], "secret": ["s", "t"]})
        self.given = {Count(): rows, **answers}
        self.total = rows
        self.scanned = scanned
        self.shown: list[RowQuestion] = []

    def rows(self) -> int:
        return self.total

    def answer(self, questions: Any) -> dict[Question, Answer]:
        return {question: self.given[question] for question in questions}

    def sample(self, question: RowQuestion, columns: Any, limit: int) -> list[tuple[Any, ...]]:
        self.shown.append(question)
        return super().sample(question, columns, limit)


def model() -> Model:
    return model_from(
        {
            "version": 1,
            "name": "m",
            "artifact": "m.csv",
            "datasets": {"d": {"path": "d.csv", "key": ["id"], "columns": {"secret": {"sensitive": True}}}},
        }
    )


def judged(
    how: dict[str, Any], fails: int, n: int = 100, *, scanned: int | None = None, total: int | None = None, **more: Any
) -> tuple[list[Finding | Measurement], str, Counted]:
    table = Counted({QUESTION: fails, Count(): n}, total or n, scanned)
    bench = FakeBench(WorkTree(Path()), {"d": table}, privacy=more.pop("privacy", Privacy()))
    case = Case(CheckSpec(check="c", id="c", dataset="d"), model(), bench, how)
    found: list[Finding | Measurement] = []
    counting = judge(case, "x missing", QUESTION, about=["x"], **more)
    while True:
        try:
            found.append(next(counting))
        except StopIteration as end:
            return found, end.value, table


def broken(items: list[Finding | Measurement]) -> list[Level]:
    limits = [item.broken_limit() for item in items if isinstance(item, Measurement)]
    return [limit.level for limit in limits if limit]


@pytest.mark.parametrize(
    ("how", "fails", "levels"),
    [
        ({}, 0, []),
        ({}, 1, [Level.ERROR]),
        ({"mostly": "90%"}, 10, []),
        ({"mostly": 0.9}, 11, [Level.ERROR]),
        ({"mostly": 0.7}, 30, []),
        ({"max": 3}, 3, []),
        ({"max": 3}, 4, [Level.ERROR]),
        ({"mostly": "90%", "max": 3}, 4, [Level.ERROR]),
        ({"mostly": "99%", "max": 3}, 4, [Level.ERROR, Level.ERROR]),
        ({"mostly": {"warning": "99%", "error": "90%"}}, 5, [Level.WARNING]),
        ({"mostly": {"warning": "99%", "error": "90%"}}, 11, [Level.ERROR]),
        ({"max": {"warning": 0, "error": 10}}, 1, [Level.WARNING]),
    ],
    ids=str,
)
def test_it_holds_up_to_what_is_allowed_and_no_further(how: dict[str, Any], fails: int, levels: list[Level]) -> None:
    assert broken(judged(how, fails)[0]) == levels


def test_a_rule_of_lower_severity_only_warns() -> None:
    assert broken(judged({}, 1, severity=Level.WARNING)[0]) == [Level.WARNING]


def test_no_row_to_look_at_is_an_error() -> None:
    ((finding,), _, _) = judged({}, 0, 0)
    assert isinstance(finding, Finding)
    assert (finding.level, finding.message) == (Level.ERROR, "x missing: no row was looked at")


def test_all_rows_of_a_repeat_count() -> None:
    question = Repeats(("x",))
    table = Counted({question: Repeated(4, 2), Rows(): 10}, 10)
    case = Case(CheckSpec(check="c", id="c", dataset="d"), model(), FakeBench(WorkTree(Path()), {"d": table}), {})
    (measured,) = judge(case, "x repeated", question)
    assert isinstance(measured, Measurement)
    assert (measured.value, measured.n) == (4, 10)


def test_rows_are_shown_of_what_fails_only() -> None:
    privacy = Privacy(Samples.VALUES)
    assert judged({}, 0, privacy=privacy)[2].shown == []
    assert judged({"mostly": "99%", "max": 3}, 4, privacy=privacy)[2].shown == [QUESTION]  # once for both limits


@pytest.mark.parametrize(
    ("samples", "rows"),
    [
        (Samples.NONE, None),
        (Samples.KEYS, Shown(("id", "x"), (("1", ""), ("2", "5")))),
        (Samples.VALUES, Shown(("id", "x"), (("1", ""), ("2", "5")), values=True)),
    ],
)
def test_a_sensitive_column_is_never_shown(samples: Samples, rows: Shown | None) -> None:
    ((measured,), _, _) = judged({}, 1, privacy=Privacy(samples))
    assert isinstance(measured, Measurement)
    assert measured.rows == rows
    assert measured.query


def test_what_breaks_no_limit_shows_no_query() -> None:
    ((measured,), _, _) = judged({}, 0)
    assert isinstance(measured, Measurement)
    assert measured.query == ""


# of 1,000 sampled rows, Clopper and Pearson 1934 (scipy 1.17, binomtest(k, 1000).proportion_ci())
@pytest.mark.parametrize(
    ("how", "fails", "levels", "decides"),
    [
        ({"mostly": "99%"}, 0, [], True),  # 0 to 0.37 %
        ({"mostly": "99%"}, 10, [], False),  # 0.48 % to 1.83 %
        ({"mostly": "99%"}, 30, [Level.ERROR], True),  # 2.03 % to 4.26 %
        ({"max": 5_000}, 0, [], True),  # at most 0.37 % of 1,000,000
        ({"max": 1_000}, 0, [], False),
        ({}, 0, [], False),  # a sample cannot tell that there is none
        ({}, 1, [Level.ERROR], True),  # and one is one
    ],
    ids=str,
)
def test_a_sample_passes_fails_or_does_not_decide(
    how: dict[str, Any], fails: int, levels: list[Level], decides: bool
) -> None:
    items, undecided, _ = judged(how, fails, 1_000, scanned=1_000, total=1_000_000)
    assert broken(items) == levels
    assert (undecided == "") is decides
    (measured,) = items
    assert isinstance(measured, Measurement)
    assert measured.low is not None
    assert measured.high is not None
    assert measured.low <= fails / 1_000 <= measured.high
