from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import registry
from mlci.conformance import problems
from mlci.document import Document
from mlci.errors import LimitReached
from mlci.findings import Finding, InvalidFile, Level, at_level, findings_of
from mlci.places import Location
from mlci.results import WORST_FIRST, Input, Limit, Measurement, ModelReport, Outcome, Report, Result

# Any report ---------------------------------------------------------------------------------------------------------

text = st.text(max_size=12)
number = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.integers(0, 10**7).map(lambda thousandths: thousandths / 1000)  # a report keeps milliseconds
levels = st.sampled_from(Level)
line = st.integers(1, 10**6)
places = st.none() | st.builds(Location, text, st.none() | line, st.none() | line)
digests = st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)
findings = st.builds(Finding, levels, text, places, text)
limits = st.builds(Limit, st.sampled_from(["min", "max"]), number, levels, places)
measurements = st.builds(
    Measurement,
    name=text,
    value=number,
    unit=st.sampled_from(["", "rows", "bytes", "s", "share"]),
    limits=st.lists(limits, max_size=3).map(tuple),
    low=st.none() | number,
    high=st.none() | number,
    n=st.none() | st.integers(0, 10**12),
    at=places,
)
results = st.builds(
    Result,
    check=text,
    id=text,
    outcome=st.sampled_from(Outcome),
    reason=text,
    cause=text,
    severity=levels,
    required=st.booleans(),
    findings=st.lists(findings, max_size=2).map(tuple),
    measurements=st.lists(measurements, max_size=2).map(tuple),
    seconds=seconds,
    at=places,
)
inputs = st.builds(Input, text, text, digests, st.integers(0, 2**60), text)
models = st.builds(
    ModelReport,
    name=text,
    path=text,
    bundle=digests,
    inputs=st.lists(inputs, max_size=2).map(tuple),
    results=st.lists(results, max_size=3).map(tuple),
)
reports = st.builds(
    Report,
    tool=text,
    started=text,
    seconds=seconds,
    commit=st.none() | text,
    dirty=st.booleans(),
    selection=text,
    models=st.lists(models, max_size=2).map(tuple),
)
VALIDATOR = jsonschema.Draft202012Validator(registry.packed("report"))


def through_json(report: Report) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    return data


@given(reports)
def test_a_report_is_read_back_as_it_was_written(report: Report) -> None:
    assert Report.from_dict(through_json(report)) == report


@given(reports)
def test_a_report_fits_its_schema(report: Report) -> None:
    data = through_json(report)
    VALIDATOR.validate(data)
    assert problems(Document("report.json", data), registry.packed("report")) == []


def with_value(value: float, **about: float) -> Report:
    measurement = Measurement(name="auc", value=value, limits=(Limit("min", 0.5),), **about)  # type: ignore[arg-type]
    result = Result(check="metric", id="auc", outcome=Outcome.FAILED, measurements=(measurement,), seconds=0.12345)
    model = ModelReport(name="churn", path="model.yaml", results=(result,))
    return Report(tool="mlci 0", started="2020-01-01T00:00:00+00:00", seconds=1.23456, models=(model,))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_is_read_back_as_not_finite(value: float) -> None:
    data = through_json(with_value(value, low=value, high=value))
    VALIDATOR.validate(data)
    back = Report.from_dict(data).models[0].results[0].measurements[0]
    assert math.isnan(back.value)
    assert (back.low, back.high) == (None, None)
    assert back.broken_limit() == Limit("min", 0.5)


def test_a_report_keeps_thousandths_of_a_second() -> None:
    data = with_value(0.5).to_dict()
    assert (data["seconds"], data["models"][0]["results"][0]["seconds"]) == (1.235, 0.123)


def test_numpy_numbers_are_no_trouble() -> None:
    import numpy as np

    assert through_json(with_value(np.float64(0.5), n=int(np.int64(3))))["models"]


WRONG: dict[str, Any] = {
    "of another version": {"version": 2},
    "without a version": {"version": None},
    "of a tool without a name": {"tool": None},
    "that took less than no time": {"seconds": -1},
    "dirty in words": {"dirty": "yes"},
    "with more than is known": {"extra": 1},
    "without a list of models": {"models": {}},
    "with a model that is none": {"models": [{}]},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_report_does_not_fit_the_schema(change: dict[str, Any]) -> None:
    data = {**through_json(with_value(0.5)), **change}
    assert problems(Document("report.json", data), registry.packed("report"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("outcome", "great"), ("severity", "fatal"), ("seconds", "long"), ("at", {"path": "x"}), ("findings", [{}])],
)
def test_a_result_that_is_none_does_not_fit_the_schema(key: str, value: object) -> None:
    data = through_json(with_value(0.5))
    data["models"][0]["results"][0][key] = value
    assert problems(Document("report.json", data), registry.packed("report"))


@pytest.mark.parametrize("key", ["outcome", "reason", "cause", "required", "measurements", "at"])
def test_a_result_is_written_whole(key: str) -> None:
    data = through_json(with_value(0.5))
    del data["models"][0]["results"][0][key]
    assert problems(Document("report.json", data), registry.packed("report"))


@pytest.mark.parametrize("digest", ["0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_a_digest_that_is_none_does_not_fit_the_schema(digest: str) -> None:
    data = through_json(with_value(0.5))
    data["models"][0]["bundle"] = digest
    assert problems(Document("report.json", data), registry.packed("report"))


# Limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "bound", "value", "broken"),
    [
        ("min", 0.9, 0.9, False),
        ("min", 0.9, 0.8999, True),
        ("min", 0.9, 1.0, False),
        ("max", 0.9, 0.9, False),
        ("max", 0.9, 0.9001, True),
        ("max", 0.9, 0.0, False),
        ("min", 0.0, -0.0, False),
    ],
)
def test_a_limit_is_broken_by_what_is_beyond_it(side: str, bound: float, value: float, broken: bool) -> None:
    assert Limit(side, bound).broken_by(value) is broken


@given(number, st.lists(limits, max_size=5))
def test_the_limit_that_is_told_is_the_heaviest_of_those_that_are_broken(value: float, every: list[Limit]) -> None:
    told = Measurement(name="x", value=value, limits=tuple(every)).broken_limit()
    broken = [limit for limit in every if limit.broken_by(value)]
    if told is None:
        assert broken == []
    else:
        order = list(Level)
        assert told in broken
        assert all(order.index(told.level) <= order.index(limit.level) for limit in broken)


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.lists(limits, min_size=1, max_size=5))
def test_a_number_that_is_not_finite_breaks_every_limit(value: float, every: list[Limit]) -> None:
    told = Measurement(name="x", value=value, limits=tuple(every)).broken_limit()
    assert told is not None
    assert list(Level).index(told.level) == min(list(Level).index(limit.level) for limit in every)


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_a_number_without_a_limit_breaks_none(value: float) -> None:
    assert Measurement(name="x", value=value).broken_limit() is None


# Words --------------------------------------------------------------------------------------------------------------


def model_of(*outcomes: Outcome) -> ModelReport:
    results = tuple(Result(check="c", id=str(number), outcome=outcome) for number, outcome in enumerate(outcomes))
    return ModelReport(name="m", path="m", results=results)


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        ((Outcome.PASSED,), Outcome.PASSED),
        ((Outcome.PASSED, Outcome.SKIPPED), Outcome.SKIPPED),
        ((Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.PASSED), Outcome.INCONCLUSIVE),
        ((Outcome.INCONCLUSIVE, Outcome.FAILED), Outcome.FAILED),
        ((Outcome.FAILED, Outcome.BROKEN, Outcome.PASSED), Outcome.BROKEN),
        ((), Outcome.BROKEN),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_model_is_as_its_worst_result_and_without_any_it_has_not_passed(
    outcomes: tuple[Outcome, ...], worst: Outcome
) -> None:
    assert model_of(*outcomes).worst() is worst


def test_every_outcome_has_its_rank() -> None:
    assert sorted(WORST_FIRST) == sorted(Outcome)


def test_findings_are_counted_by_level() -> None:
    every = tuple(Finding(Level(level), "x") for level in ("error", "note", "error"))
    result = Result(check="c", id="c", outcome=Outcome.FAILED, findings=every)
    assert [result.count(level) for level in Level] == [2, 0, 1]


def test_the_results_of_a_report_come_with_their_models() -> None:
    first, second = model_of(Outcome.PASSED, Outcome.FAILED), replace(model_of(Outcome.BROKEN), name="n")
    report = Report(tool="t", started="", models=(first, second))
    assert [(model.name, result.id) for model, result in report.results()] == [("m", "0"), ("m", "1"), ("n", "0")]


@pytest.mark.parametrize(
    ("place", "shown"),
    [(Location("a.yaml"), "a.yaml"), (Location("a.yaml", 3), "a.yaml:3"), (Location("a.yaml", 3, 9), "a.yaml:3:9")],
    ids=str,
)
def test_a_place_is_written_as_editors_read_it(place: Location, shown: str) -> None:
    assert str(place) == shown


HERE = Location("a.yaml", 3, 9)


def test_an_error_becomes_one_finding_with_its_cure() -> None:
    error = LimitReached("too long", hint="raise it", at=HERE)
    assert findings_of(error, "b.yaml") == (Finding(Level.ERROR, "too long", HERE, "raise it"),)


def test_an_error_without_a_place_stands_at_the_file() -> None:
    assert findings_of(LimitReached("too long"), "b.yaml")[0].at == Location("b.yaml")


def test_a_file_that_is_wrong_keeps_all_that_was_found() -> None:
    found = (Finding(Level.WARNING, "one", HERE), Finding(Level.ERROR, "two"))
    assert findings_of(InvalidFile(found), "b.yaml") == found


def test_a_finding_at_another_level_is_the_same_finding() -> None:
    finding = Finding(Level.ERROR, "so it is", HERE, "cure")
    assert at_level(finding, Level.NOTE) == replace(finding, level=Level.NOTE)
