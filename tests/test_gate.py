from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import ExitCode
from mlci.findings import Finding, Level
from mlci.gate import FAIL_ON, Decision, decide
from mlci.results import ModelReport, Outcome, Report, Result

ERROR, WARNING, NOTE = (Finding(level, "so it is") for level in Level)
OK, FAILED, INVALID, REFUSED, LIMIT = (
    ExitCode.OK, ExitCode.FAILED, ExitCode.INVALID, ExitCode.REFUSED, ExitCode.LIMIT,
)  # fmt: skip


def result(outcome: Outcome, **about: Any) -> Result:
    return Result(**{"check": "card", "id": "card", "outcome": outcome, "reason": "why", **about})


def broken(cause: str, check: str = "card") -> Result:
    return result(Outcome.BROKEN, cause=cause, check=check, id=check)


def report(*results: Result) -> Report:
    model = ModelReport(name="churn", path="models/churn/model.yaml", results=results)
    return Report(tool="mlci 0", started="2020-01-01T00:00:00+00:00", models=(model,))


def decision(fail_on: str, *results: Result) -> Decision:
    return decide(report(*results), fail_on)


# outcome, severity, required, what was found -> what blocks it: nothing, every policy but never, or warning alone
BLOCKS, LETS, WARNS = {"error", "warning"}, set[str](), {"warning"}
TABLE = [
    (Outcome.PASSED, "error", False, (), LETS),
    (Outcome.PASSED, "error", True, (), LETS),
    (Outcome.PASSED, "error", False, (NOTE,), LETS),
    (Outcome.PASSED, "error", False, (WARNING,), WARNS),
    (Outcome.PASSED, "error", True, (WARNING,), WARNS),
    (Outcome.PASSED, "warning", False, (WARNING,), WARNS),
    (Outcome.PASSED, "warning", False, (), LETS),
    (Outcome.FAILED, "error", False, (ERROR,), BLOCKS),
    (Outcome.FAILED, "error", True, (ERROR,), BLOCKS),
    (Outcome.FAILED, "error", False, (), BLOCKS),
    (Outcome.FAILED, "warning", False, (), BLOCKS),
    (Outcome.INCONCLUSIVE, "error", False, (), BLOCKS),
    (Outcome.INCONCLUSIVE, "error", True, (), BLOCKS),
    (Outcome.INCONCLUSIVE, "warning", False, (), WARNS),
    (Outcome.INCONCLUSIVE, "warning", False, (WARNING,), WARNS),
    (Outcome.SKIPPED, "error", False, (), LETS),
    (Outcome.SKIPPED, "error", True, (), BLOCKS),
    (Outcome.SKIPPED, "warning", True, (), BLOCKS),
    (Outcome.SKIPPED, "warning", False, (), LETS),
    (Outcome.SKIPPED, "error", False, (WARNING,), WARNS),
    (Outcome.BROKEN, "error", False, (ERROR,), BLOCKS),
    (Outcome.BROKEN, "error", True, (), BLOCKS),
    (Outcome.BROKEN, "warning", False, (), BLOCKS),
    (Outcome.BROKEN, "warning", True, (WARNING,), BLOCKS),
]


def name(value: object) -> str:
    if isinstance(value, tuple):
        return "+".join(finding.level.value for finding in value) or "nothing"
    if isinstance(value, set):
        return "blocks" if value == BLOCKS else "lets" if not value else "warns"
    return {True: "required", False: "free"}.get(value, str(value)) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("fail_on", FAIL_ON)
@pytest.mark.parametrize(("outcome", "severity", "required", "findings", "blocked_by"), TABLE, ids=name)
def test_a_result_blocks_or_lets_through(
    outcome: Outcome, severity: str, required: bool, findings: tuple[Finding, ...], blocked_by: set[str], fail_on: str
) -> None:
    one = result(outcome, severity=Level(severity), required=required, findings=findings)
    expected = fail_on not in blocked_by
    found = decision(fail_on, one)
    assert (found.allowed, found.exit_code) == (expected, OK if expected else FAILED)


def test_the_table_speaks_of_every_outcome() -> None:
    assert {row[0] for row in TABLE} == set(Outcome)


def test_nothing_measured_and_nothing_asked_lets_through() -> None:
    assert decide(Report(tool="mlci 0", started="")) == Decision(True, (), OK)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (result(Outcome.BROKEN), "churn: card: could not run: why"),
        (result(Outcome.FAILED), "churn: card: failed"),
        (result(Outcome.INCONCLUSIVE), "churn: card: inconclusive: why"),
        (result(Outcome.SKIPPED, required=True), "churn: card: required, and skipped: why"),
    ],
    ids=lambda value: value.outcome.value if isinstance(value, Result) else "",
)
def test_a_decision_says_which_check_blocks_and_why(one: Result, why: str) -> None:
    assert decision("error", result(Outcome.PASSED), one).reasons == (why,)


def test_a_warning_that_blocks_says_so() -> None:
    assert decision("warning", result(Outcome.PASSED, findings=(WARNING,))).reasons == ("churn: card: has warnings",)


def test_every_reason_is_given_in_the_order_of_the_report() -> None:
    first, second = (
        ModelReport(name=name, path=name, results=(result(Outcome.FAILED, id="a"), result(Outcome.BROKEN, id="b")))
        for name in ("churn", "fraud")
    )
    found = decide(Report(tool="mlci 0", started="", models=(first, second)))
    assert [why.rpartition(":")[0][:8] for why in found.reasons] == ["churn: a", "churn: b", "fraud: a", "fraud: b"]


def test_with_never_there_is_no_reason_left() -> None:
    assert decision("never", result(Outcome.FAILED), broken("unsafe")) == Decision(True, (), OK)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([result(Outcome.FAILED)], FAILED),
        ([broken("bug")], FAILED),
        ([broken("error")], FAILED),
        ([broken("runtime")], FAILED),
        ([broken("outside")], FAILED),
        ([broken("path")], FAILED),
        ([broken("missing-extra")], FAILED),
        ([broken("unsafe")], REFUSED),
        ([broken("limit")], LIMIT),
        ([broken("limit"), broken("limit")], LIMIT),
        ([broken("limit"), result(Outcome.FAILED)], FAILED),
        ([broken("limit"), result(Outcome.PASSED)], LIMIT),
        ([broken("unsafe"), result(Outcome.FAILED), broken("limit")], REFUSED),
        ([broken("invalid", "manifest")], INVALID),
        ([broken("path", "manifest")], INVALID),
        ([broken("usage", "manifest")], INVALID),
        ([broken("missing-extra", "manifest")], INVALID),
        ([broken("limit", "manifest")], LIMIT),
        ([broken("unsafe"), broken("invalid", "manifest"), result(Outcome.FAILED)], INVALID),
        ([result(Outcome.SKIPPED), result(Outcome.PASSED)], OK),
    ],
    ids=lambda value: (
        "+".join(f"{one.check}:{one.cause or one.outcome}" for one in value) if isinstance(value, list) else ""
    ),
)
def test_the_exit_code_says_what_kind_of_trouble_it_is(results: list[Result], code: ExitCode) -> None:
    assert decision("error", *results).exit_code is code


def test_what_only_warns_does_not_choose_the_exit_code() -> None:
    unsafe_once = result(Outcome.INCONCLUSIVE, severity=Level.WARNING, cause="unsafe")
    assert decision("error", unsafe_once, result(Outcome.FAILED)).exit_code is FAILED


results = st.builds(
    result,
    st.sampled_from(Outcome),
    severity=st.sampled_from([Level.ERROR, Level.WARNING]),
    required=st.booleans(),
    cause=st.sampled_from(["", "limit", "unsafe", "bug", "invalid"]),
    check=st.sampled_from(["card", "manifest"]),
    findings=st.lists(st.sampled_from([ERROR, WARNING, NOTE]), max_size=3).map(tuple),
)


@given(st.lists(results, max_size=6), st.sampled_from(FAIL_ON))
def test_it_is_allowed_exactly_where_there_is_no_reason_and_it_ends_with_zero(
    every: list[Result], fail_on: str
) -> None:
    found = decision(fail_on, *every)
    assert found.allowed == (not found.reasons) == (found.exit_code is OK)


@given(st.lists(results, max_size=6), results)
def test_one_result_more_never_opens_the_gate(every: list[Result], more: Result) -> None:
    for fail_on in FAIL_ON:
        before, after = decision(fail_on, *every), decision(fail_on, *every, more)
        assert before.allowed or not after.allowed


@given(st.lists(results, max_size=6))
def test_a_stricter_policy_never_opens_the_gate(every: list[Result]) -> None:
    allowed = [decision(fail_on, *every).allowed for fail_on in ("warning", "error", "never")]
    assert all(not stricter or laxer for stricter, laxer in itertools.pairwise(allowed))


@given(st.lists(results, min_size=1, max_size=6))
def test_what_is_broken_or_failed_is_never_let_through(every: list[Result]) -> None:
    if any(one.outcome in (Outcome.BROKEN, Outcome.FAILED) for one in every):
        assert not decision("error", *every).allowed
