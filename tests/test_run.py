from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlci.case import Case, Check, Inconclusive, Skip, error, note
from mlci.errors import LimitReached, MissingExtra, MlciError, PathRefused, SafetyRefused
from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location
from mlci.repo import WorkTree
from mlci.results import Limit, Measurement, Outcome, Result
from mlci.run import refused, run
from mlci.specs import CheckSpec
from mlci.testing import FakeBench, FakeWorld, model_from

MODEL = model_from(
    "version: 1\nname: churn\nartifact: m.onnx\nchecks:\n  - card: {path: CARD.md}\n    id: mine\n",
    "models/churn/model.yaml",
)
HERE = Location("models/churn/model.yaml", 5, 11)
ELSEWHERE = Location("data/contract.yaml", 7, 3)
Item = Finding | Measurement


def result_of(check: Check, clock: FakeWorld | None = None, **about: Any) -> Result:
    """What becomes of a check that stands at ``HERE``."""
    spec = CheckSpec(**{"check": "card", "id": "mine", "pointer": ("checks", 0, "card"), **about})
    world = clock or FakeWorld(Path())
    return run(Case(spec, MODEL, FakeBench(WorkTree(Path())), {}), check, world.monotonic)


def yielding(*items: Any, then: BaseException | None = None) -> Check:
    def check(_: Case) -> Iterator[Item]:
        yield from items
        if then is not None:
            raise then

    return check


def measured(value: float, *limits: Limit) -> Measurement:
    return Measurement(name="accuracy", value=value, limits=limits)


WARNING = Finding(Level.WARNING, "look here")


# How a check ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "outcome"),
    [
        ((), Outcome.PASSED),
        ((note("for your information"),), Outcome.PASSED),
        ((WARNING,), Outcome.PASSED),
        ((measured(0.5),), Outcome.PASSED),
        ((measured(0.5, Limit("min", 0.4)),), Outcome.PASSED),
        ((error("wrong"),), Outcome.FAILED),
        ((WARNING, error("wrong"), note("more")), Outcome.FAILED),
        ((measured(0.5, Limit("min", 0.6)),), Outcome.FAILED),
        ((measured(0.5, Limit("min", 0.6, Level.WARNING)),), Outcome.PASSED),
        ((measured(float("nan"), Limit("min", 0.0)),), Outcome.FAILED),
    ],
    ids=["nothing", "note", "warning", "number", "within", "error", "among others", "below", "below a warning", "nan"],
)
def test_a_check_ends_as_what_it_found_says(items: tuple[Item, ...], outcome: Outcome) -> None:
    assert result_of(yielding(*items)).outcome is outcome


@pytest.mark.parametrize(
    ("end", "outcome", "reason"),
    [
        (Skip("no target"), Outcome.SKIPPED, "no target"),
        (Inconclusive("too few rows"), Outcome.INCONCLUSIVE, "too few rows"),
    ],
)
def test_a_check_may_say_that_it_does_not_apply_or_does_not_decide(
    end: Exception, outcome: Outcome, reason: str
) -> None:
    result = result_of(yielding(note("seen"), then=end))
    assert (result.outcome, result.reason, result.cause) == (outcome, reason, "")
    assert [finding.message for finding in result.findings] == ["seen"]


@pytest.mark.parametrize("end", [Skip("no target"), Inconclusive("too few rows")], ids=["skip", "inconclusive"])
def test_an_error_that_was_found_before_fails_all_the_same(end: Exception) -> None:
    result = result_of(yielding(error("wrong"), then=end))
    assert (result.outcome, result.reason) == (Outcome.FAILED, str(end))


ENDS: dict[str, tuple[MlciError, str]] = {
    "limit": (LimitReached("no answer after 60 s", hint="raise it"), "limit"),
    "safety": (SafetyRefused("it holds os.system"), "unsafe"),
    "path": (PathRefused("`m.onnx` is not there"), "path"),
    "extra": (MissingExtra("onnx", "onnxruntime"), "missing-extra"),
    "any other": (MlciError("it broke"), "error"),
}


@pytest.mark.parametrize(("end", "cause"), ENDS.values(), ids=ENDS)
def test_a_check_that_could_not_run_is_broken_and_says_why(end: MlciError, cause: str) -> None:
    result = result_of(yielding(note("seen"), measured(0.5), then=end))
    assert (result.outcome, result.cause, result.reason) == (Outcome.BROKEN, cause, end.message)
    assert result.findings[-1] == Finding(Level.ERROR, end.message, HERE, end.hint)
    assert [m.value for m in result.measurements] == [0.5]


def test_an_error_with_a_place_keeps_it() -> None:
    result = result_of(yielding(then=MlciError("wrong", at=ELSEWHERE)))
    assert result.findings[0].at == ELSEWHERE


def test_all_findings_of_a_file_that_is_wrong_are_kept() -> None:
    findings = [Finding(Level.ERROR, "one", ELSEWHERE), Finding(Level.ERROR, "two")]
    result = result_of(yielding(then=InvalidFile(findings)))
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "invalid")
    assert [(finding.message, finding.at) for finding in result.findings] == [("one", ELSEWHERE), ("two", HERE)]


def exits(_: Case) -> Iterator[Item]:
    sys.exit(0)
    yield


def no_generator(_: Case) -> Any:
    return None


def wants_more(_: Case, _more: int) -> Iterator[Item]:
    yield from ()


def recurses(case: Case) -> Iterator[Item]:
    yield from recurses(case)


BUGS: dict[str, tuple[Any, str]] = {
    "raises": (yielding(then=KeyError("column")), "KeyError: 'column'"),
    "exits": (exits, "SystemExit: 0"),
    "yields a text": (yielding("wrong"), "TypeError: a check yields findings and measurements, not str"),
    "yields nothing": (yielding(None), "not NoneType"),
    "is no generator": (no_generator, "TypeError"),
    "wants another argument": (wants_more, "TypeError"),
    "recurses": (recurses, "RecursionError"),
    "measures a text": (yielding(Measurement(name="x", value="1", limits=(Limit("min", 0),))), "TypeError"),  # type: ignore[arg-type]
    "runs out of memory": (yielding(then=MemoryError()), "MemoryError"),
    "asserts": (yielding(then=AssertionError("never")), "AssertionError: never"),
}


@pytest.mark.parametrize(("check", "said"), BUGS.values(), ids=BUGS)
def test_a_bug_of_a_check_is_its_own_trouble_and_never_a_pass(check: Check, said: str) -> None:
    result = result_of(check)
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "bug")
    assert said in result.reason
    assert result.findings[-1].at == HERE
    assert "--debug" in result.findings[-1].hint


def test_a_user_who_interrupts_is_heard() -> None:
    with pytest.raises(KeyboardInterrupt):
        result_of(yielding(then=KeyboardInterrupt()))


# What it carries ----------------------------------------------------------------------------------------------------


def test_a_broken_limit_becomes_a_finding_at_the_line_of_the_limit() -> None:
    limit = Limit("min", 0.9, at=ELSEWHERE)
    result = result_of(yielding(Measurement(name="roc_auc", value=0.871, n=4212, limits=(limit,))))
    assert result.findings == (Finding(Level.ERROR, "roc_auc is 0.871 (n = 4,212), below its minimum 0.9", ELSEWHERE),)


def test_a_number_within_its_limits_is_no_finding() -> None:
    result = result_of(yielding(measured(0.5, Limit("min", 0.5), Limit("max", 0.5))))
    assert (result.findings, len(result.measurements)) == ((), 1)


def test_of_two_broken_limits_the_heavier_is_told() -> None:
    result = result_of(yielding(measured(0.5, Limit("min", 0.9, Level.WARNING), Limit("min", 0.8, Level.ERROR))))
    assert [(finding.level, finding.message) for finding in result.findings] == [
        (Level.ERROR, "accuracy is 0.5, below its minimum 0.8")
    ]


def test_a_difference_that_rounding_would_hide_is_shown() -> None:
    result = result_of(yielding(measured(0.89999999, Limit("min", 0.9))))
    assert result.findings[0].message == "accuracy is 0.89999999, below its minimum 0.9"


def test_a_finding_without_a_place_stands_where_the_check_is_asked_for() -> None:
    result = result_of(yielding(error("here"), error("there", ELSEWHERE)))
    assert [finding.at for finding in result.findings] == [HERE, ELSEWHERE]


def test_a_check_that_nobody_wrote_down_stands_at_the_manifest() -> None:
    result = result_of(yielding(error("here")), pointer=None)
    assert result.at == result.findings[0].at == Location("models/churn/model.yaml", 1, 1)


@pytest.mark.parametrize(
    ("items", "outcome", "levels"),
    [
        ((error("wrong"),), Outcome.PASSED, [Level.WARNING]),
        ((measured(0.5, Limit("min", 0.6)),), Outcome.PASSED, [Level.WARNING]),
        ((note("seen"), WARNING), Outcome.PASSED, [Level.NOTE, Level.WARNING]),
    ],
    ids=["error", "limit", "lighter ones"],
)
def test_a_check_of_lesser_severity_only_warns(items: tuple[Item, ...], outcome: Outcome, levels: list[Level]) -> None:
    result = result_of(yielding(*items), severity=Level.WARNING)
    assert (result.outcome, [finding.level for finding in result.findings]) == (outcome, levels)


def test_a_check_of_lesser_severity_that_could_not_run_is_still_an_error() -> None:
    result = result_of(yielding(error("wrong"), then=LimitReached("too slow")), severity=Level.WARNING)
    assert result.outcome is Outcome.BROKEN
    assert {finding.level for finding in result.findings} == {Level.ERROR}


def test_a_result_says_which_check_it_was() -> None:
    result = result_of(yielding(), required=True, severity=Level.WARNING)
    assert (result.check, result.id, result.required, result.severity) == ("card", "mine", True, Level.WARNING)
    assert result.at == HERE


@pytest.mark.parametrize("then", [None, Skip("x"), MlciError("x"), ValueError("x")], ids=str)
def test_a_result_says_how_long_it_took(then: Exception | None) -> None:
    world = FakeWorld(Path())

    def check(_: Case) -> Iterator[Item]:
        world.advance(1.5)
        yield note("after a while")
        world.advance(0.25)
        if then:
            raise then

    assert result_of(check, world).seconds == 1.75


# A model without a case ---------------------------------------------------------------------------------------------


def test_a_manifest_that_cannot_be_read_is_a_broken_result_of_its_own() -> None:
    findings = (
        Finding(Level.ERROR, "unknown key `x`", ELSEWHERE, "did you mean `y`?"),
        Finding(Level.ERROR, "more", HERE),
    )
    result = refused(InvalidFile(findings), "models/a/model.yaml")
    assert (result.check, result.outcome, result.cause) == ("manifest", Outcome.BROKEN, "invalid")
    assert (result.reason, result.at, result.findings) == ("unknown key `x`", ELSEWHERE, findings)


def test_a_refused_manifest_without_a_place_stands_at_its_path() -> None:
    result = refused(PathRefused("it is a symbolic link", hint="commit the file"), "models/a/model.yaml")
    assert (result.at, result.cause) == (Location("models/a/model.yaml"), "path")
    assert result.findings == (
        Finding(Level.ERROR, "it is a symbolic link", Location("models/a/model.yaml"), "commit the file"),
    )


def test_a_required_check_without_its_options_is_broken_and_says_which(tmp_path: Path) -> None:
    model = model_from({"version": 1, "name": "m", "artifact": "m.csv", "checks": ["artifact"]})
    spec = CheckSpec(check="metric", id="metric", required=True)
    case = Case(spec, model, FakeBench(WorkTree(tmp_path)), {"name": "f1"})
    result = run(case, lambda _: iter(()), lambda: 0.0, ("data", "name"))
    assert result.outcome is Outcome.BROKEN
    assert result.reason == "the repository requires `metric`, and nobody says its `data`"


def test_a_check_that_the_manifest_asks_for_by_name_alone_is_not_told_as_required(tmp_path: Path) -> None:
    model = model_from({"version": 1, "name": "m", "artifact": "m.csv", "checks": ["artifact"]})
    case = Case(CheckSpec(check="unique", id="unique-d"), model, FakeBench(WorkTree(tmp_path)), {})
    result = run(case, lambda _: iter(()), lambda: 0.0, ("columns",))
    assert result.reason == "the manifest asks for `unique`, and nobody says its `columns`"
