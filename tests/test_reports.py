"""Reports from files: a stranger's file is refused in one line, and the parts of one run become one report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci import gate
from mlci.errors import ExitCode, MlciError, UsageError
from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location
from mlci.reports import merge, read_reports, render
from mlci.results import Limit, Measurement, ModelReport, Outcome, Report, Result

settings.register_profile("no clock", deadline=None)  # a busy machine is no failure
settings.load_profile("no clock")


def raw(report: Report) -> bytes:
    return json.dumps(report.to_dict()).encode()


def data() -> dict[str, Any]:
    return sample.report().to_dict()


def refusal(body: bytes | dict[str, Any]) -> Finding:
    with pytest.raises(InvalidFile) as caught:
        read_reports([("report.json", body if isinstance(body, bytes) else json.dumps(body).encode())])
    assert caught.value.exit_code is ExitCode.INVALID
    assert all(finding.at and finding.at.path == "report.json" for finding in caught.value.findings)
    return caught.value.findings[0]


# A round trip -----------------------------------------------------------------------------------------------------

PLACES = st.none() | st.builds(Location, st.text(max_size=8), st.none() | st.integers(1, 9), st.none())
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LIMITS = st.builds(Limit, st.sampled_from(["min", "max"]), FINITE, st.sampled_from(list(Level)), PLACES)
MEASURED = st.builds(
    Measurement,
    name=st.text(max_size=8),
    value=FINITE,
    unit=st.sampled_from(["", "rows", "bytes", "s", "share"]),
    limits=st.lists(LIMITS, max_size=2).map(tuple),
    low=st.none() | FINITE,
    high=st.none() | FINITE,
    n=st.none() | st.integers(0, 10**9),
    at=PLACES,
)
FINDINGS = st.builds(Finding, st.sampled_from(list(Level)), st.text(max_size=8), PLACES, st.text(max_size=8))
RESULTS = st.builds(
    Result,
    check=st.text(max_size=8),
    id=st.text(max_size=8),
    outcome=st.sampled_from(list(Outcome)),
    reason=st.text(max_size=8),
    required=st.booleans(),
    findings=st.lists(FINDINGS, max_size=2).map(tuple),
    measurements=st.lists(MEASURED, max_size=2).map(tuple),
    at=PLACES,
)


@given(st.lists(RESULTS, max_size=3))
def test_a_report_is_read_back_as_it_was(results: list[Result]) -> None:
    report = sample.report(ModelReport(name="churn", path=sample.GOOD, results=tuple(results)))
    assert read_reports([("report.json", render(report, "json").encode())]) == report


def test_the_sample_is_read_back_with_its_verdict() -> None:
    report = sample.report()
    again = read_reports([("report.json", raw(report))])
    assert gate.decide(again) == gate.decide(report)
    assert again.to_dict() == report.to_dict()


# Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="text"),
        pytest.param(b'{"version": 1', id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="not unicode"),
        pytest.param(b"\xc3\x28", id="not utf-8"),
        pytest.param(b"{}{}", id="two documents"),
        pytest.param(b"<html>sign in</html>", id="an error page"),
        pytest.param(b"version: 1\n", id="yaml"),
        pytest.param(b'{"version": 1, "seconds": NaN}', id="NaN"),
        pytest.param(b'{"version": 1, "seconds": Infinity}', id="Infinity"),
        pytest.param(b'{"version": 1, "seconds": 1e999}', id="a number beyond floats"),
        pytest.param(b'{"version": 1, "seconds": -1e999}', id="a negative number beyond floats"),
        pytest.param(b'{"version": 1, "seconds": 1%s}' % (b"0" * 400), id="a whole number beyond floats"),
        pytest.param(b'{"version": 1, "seconds": 1%s}' % (b"0" * 5000), id="more digits than Python reads"),
        pytest.param(b'{"version": 1, "version": 1}', id="a key twice"),
        pytest.param(b'{"models": [{"name": "a", "name": "b"}]}', id="a key twice below"),
        pytest.param(b"[" * 100_000, id="deeply nested lists"),
        pytest.param(b'{"a":' * 100_000, id="deeply nested objects"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deeply nested and whole"),
    ],
)
def test_a_file_that_is_no_json_of_ours_is_refused_in_one_line(body: bytes) -> None:
    finding = refusal(body)
    assert finding.message.startswith("this is not JSON: ")
    assert len(finding.message) < 300


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"null", "the file is empty", id="null"),
        pytest.param(b"[]", "the file is an empty list", id="a list"),
        pytest.param(b"{}", "`version` is missing", id="an empty object"),
        pytest.param(b'{"version": 2}', "`version` is 2; this mlci reads version 1", id="a newer version"),
        pytest.param(b'{"version": "1"}', "`version` is a text", id="a version that is text"),
        pytest.param(b'{"version": true}', "`version` is true", id="a version that is true"),
        pytest.param(b'{"version": 2, "new": {}}', "`version` is 2", id="what a newer version adds"),
        pytest.param(b'{"version": 1, "runs": []}', "unknown key `runs`", id="somebody else's report"),
        pytest.param(b'{"version": 1}', "is missing", id="nothing but a version"),
    ],
)
def test_json_that_is_no_report_is_told_what_it_is_not(body: bytes, said: str) -> None:
    assert said in refusal(body).message


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


RESULT = ("models", 0, "results", 1)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("tool",), 1, id="tool"),
        pytest.param(("dirty",), "no", id="dirty"),
        pytest.param(("seconds",), -1, id="seconds"),
        pytest.param(("commit",), 7, id="commit"),
        pytest.param(("models",), {}, id="models"),
        pytest.param(("models", 0), "churn", id="model"),
        pytest.param(("models", 0, "bundle"), "not a digest", id="bundle"),
        pytest.param(("models", 0, "inputs", 0, "sha256"), "AB", id="input digest"),
        pytest.param(("models", 0, "inputs", 0, "size"), -1, id="input size"),
        pytest.param((*RESULT, "outcome"), "great", id="outcome"),
        pytest.param((*RESULT, "severity"), "fatal", id="severity"),
        pytest.param((*RESULT, "required"), 1, id="required"),
        pytest.param((*RESULT, "at"), {"path": "x"}, id="place without a line"),
        pytest.param((*RESULT, "at", "line"), "14", id="line"),
        pytest.param((*RESULT, "findings", 0, "level"), "fatal", id="level"),
        pytest.param((*RESULT, "findings", 0, "message"), ["x"], id="message"),
        pytest.param((*RESULT, "measurements", 0, "value"), "0.9", id="value"),
        pytest.param((*RESULT, "measurements", 0, "limits", 0, "side"), "mid", id="side"),
        pytest.param((*RESULT, "measurements", 0, "limits", 0, "bound"), None, id="bound"),
        pytest.param((*RESULT, "measurements", 0, "n"), 1.5, id="rows"),
    ],
)
def test_a_field_of_another_type_or_range_is_refused_by_its_name(path: tuple[str | int, ...], value: object) -> None:
    body = data()
    at(body, path[:-1])[path[-1]] = value
    name = next(str(key) for key in reversed(path) if isinstance(key, str))
    assert f"{name}" in refusal(body).message


@pytest.mark.parametrize("path", [(), ("models", 0), RESULT, (*RESULT, "findings", 0)], ids=str)
def test_an_unknown_key_is_refused_wherever_it_stands(path: tuple[str | int, ...]) -> None:
    body = data()
    at(body, path)["hidden"] = 1
    assert refusal(body).message.startswith("unknown key `hidden`")


@pytest.mark.parametrize("key", sorted(sample.report().to_dict()))
def test_a_missing_key_is_refused(key: str) -> None:
    body = data()
    del body[key]
    assert f"`{key}` is missing" in refusal(body).message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
SPOTS = ["tool", "seconds", "commit", "models", "version", "selection"]


@given(st.sampled_from(SPOTS), JSON)
def test_any_value_anywhere_is_either_read_and_rendered_or_refused(key: str, value: Any) -> None:
    body = {**data(), key: value}
    try:
        report = read_reports([("report.json", json.dumps(body).encode())])
    except MlciError:
        return
    for name in ("terminal", "markdown", "json", "junit", "annotations"):
        render(report, name)


@given(st.sampled_from(["value", "low", "high", "n"]), st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_that_is_read_can_be_rendered(key: str, value: float) -> None:
    body = data()
    at(body, (*RESULT, "measurements", 0))[key] = value
    try:
        report = read_reports([("report.json", json.dumps(body).encode())])
    except MlciError:
        assert key == "n"
        return
    for name in ("terminal", "markdown", "json", "junit", "annotations"):
        render(report, name)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_without_a_traceback(body: bytes) -> None:
    with pytest.raises(InvalidFile):
        read_reports([("report.json", body)])


def test_the_second_of_two_files_is_refused_by_its_own_name() -> None:
    with pytest.raises(InvalidFile) as caught:
        read_reports([("r1.json", raw(sample.report())), ("r2.json", b"{}")])
    assert caught.value.at is not None
    assert caught.value.at.path == "r2.json"


# Together ---------------------------------------------------------------------------------------------------------


def test_one_report_stays_as_it_is() -> None:
    report = sample.report()
    assert merge([report]) == replace(report, models=tuple(sorted(report.models, key=lambda model: model.path)))


def test_the_shards_of_a_run_become_one_report_sorted_by_path() -> None:
    first = replace(sample.report(sample.passing("b"), sample.passing("d")), seconds=2.0, dirty=False)
    second = replace(
        sample.report(sample.failing("c"), sample.passing("a")), seconds=5.0, started="2024-02-29T12:00:00"
    )
    whole = read_reports([("r1.json", raw(first)), ("r2.json", raw(second))])
    assert [model.name for model in whole.models] == ["a", "b", "c", "d"]
    assert (whole.seconds, whole.started, whole.dirty) == (5.0, "2024-02-29T12:00:00", True)
    assert whole.selection == "2 reports"


@given(st.permutations([sample.passing("a"), sample.failing("b"), sample.passing("c"), sample.failing("d")]))
def test_the_order_of_the_shards_does_not_matter(models: list[ModelReport]) -> None:
    assert merge([sample.report(model) for model in models]) == merge(
        [sample.report(model) for model in sorted(models, key=lambda model: model.name)]
    )


def test_reports_of_different_commits_are_refused() -> None:
    first, second = sample.report(sample.passing("a")), sample.report(sample.passing("b"))
    with pytest.raises(UsageError, match=f"different commits, {'f' * 40} and None"):
        merge([replace(first, commit="f" * 40), replace(second, commit=None)])


@pytest.mark.parametrize("turned", [False, True], ids=["first", "last"])
def test_a_failure_is_not_lost_when_two_reports_speak_of_one_model(turned: bool) -> None:
    failed, passed = sample.failing("churn"), replace(sample.passing("churn"), bundle=sample.DIGEST)
    reports = [sample.report(failed), sample.report(passed)]
    whole = merge(reports[::-1] if turned else reports)
    assert len(whole.models) == 1
    assert {result.id for result in whole.models[0].results} == {"metric-1", "artifact"}
    assert gate.decide(whole).exit_code is ExitCode.FAILED


@pytest.mark.parametrize("turned", [False, True], ids=["first", "last"])
def test_the_worse_of_two_results_of_one_check_counts(turned: bool) -> None:
    failed = sample.failing("churn")
    passed = replace(failed, results=(replace(failed.results[0], outcome=Outcome.PASSED, findings=()),))
    reports = [sample.report(failed), sample.report(passed)]
    assert merge(reports[::-1] if turned else reports).models == (failed,)


def test_reports_of_other_bytes_of_one_model_are_refused() -> None:
    first = sample.passing("churn")
    with pytest.raises(UsageError, match="the model of models/churn"):
        merge([sample.report(first), sample.report(replace(first, bundle="0" * 64))])


# Rendered ---------------------------------------------------------------------------------------------------------


def test_a_reporter_that_is_misspelt_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        render(sample.report(), "markdwon")
    assert caught.value.hint == "did you mean `markdown`?"


@pytest.mark.parametrize(
    ("fail_on", "verdict"), [("error", "passed"), ("warning", "refused"), ("never", "passed")], ids=str
)
def test_what_blocks_is_what_fail_on_says(fail_on: str, verdict: str) -> None:
    assert f"\n{verdict}: 1 model, " in render(sample.report(sample.churn()), "terminal", fail_on)


def test_a_part_of_a_sharded_run_that_is_missing_is_no_pass() -> None:
    parts = [Report(tool="mlci", started="2020-01-01T00:00:00+00:00", selection=f"--shard {n}/3") for n in (1, 2, 3)]
    assert merge(parts).selection == "3 reports"
    for some in (parts[:2], parts[:1], [parts[0], replace(parts[1], selection="--only data --shard 3/3")]):
        with pytest.raises(UsageError, match="of 3 is missing among the reports"):
            merge(some)
