"""What authors of checks and runtimes test with: one call, and fakes that behave as what they stand for."""

from __future__ import annotations

import inspect
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mlci import ports
from mlci.errors import UsageError
from mlci.findings import InvalidFile
from mlci.repo import WorkTree
from mlci.results import Level, Outcome
from mlci.testing import FakeBench, FakePredictor, FakeTable, FakeWorld, model_from, run_check
from mlci.world import World


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("port", "fake"),
    [
        (ports.Table, FakeTable({"x": [1]})),
        (ports.Predictor, FakePredictor({"out": np.array([1])})),
        (ports.Bench, FakeBench(WorkTree(Path()))),
    ],
    ids=["table", "predictor", "bench"],
)
def test_a_fake_has_all_of_its_port_with_the_same_parameters(port: type, fake: object) -> None:
    for name in public(port):
        declared, own = getattr(port, name), getattr(fake, name)
        if callable(declared):
            wanted = [parameter for parameter in inspect.signature(declared).parameters if parameter != "self"]
            assert list(inspect.signature(own).parameters) == wanted, name


def test_a_fake_table_holds_missing_values_as_a_real_one() -> None:
    table = FakeTable(
        {"n": [1, None], "x": [0.5, float("nan")], "s": ["a", None], "b": [True, None], "none": [None, None]}
    )
    assert [(c.name, c.type) for c in table.columns][:4] == [
        ("n", "int"),
        ("x", "float"),
        ("s", "string"),
        ("b", "bool"),
    ]
    assert table.rows() == 2
    assert table.nulls(["n", "x", "s", "b", "none"]) == {"n": 1, "x": 1, "s": 1, "b": 1, "none": 2}
    arrays = table.arrays(["n", "x", "s", "b"])
    assert {name: array.dtype.kind for name, array in arrays.items()} == {"n": "f", "x": "f", "s": "O", "b": "O"}
    assert arrays["s"].tolist() == ["a", None]
    assert np.isnan(arrays["n"][1])
    assert FakeTable({}).rows() == 0


def test_a_fake_says_that_it_was_closed() -> None:
    for fake in (FakeTable({"x": [1]}), FakePredictor({})):
        assert not fake.closed
        fake.close()
        assert fake.closed


def test_a_fake_predictor_says_its_outputs_and_classes() -> None:
    predictor = FakePredictor({"probabilities": np.ones((3, 2))}, classes=["a", "b"])
    assert predictor.signature.outputs[0].name == "probabilities"
    assert predictor.signature.outputs[0].shape == (3, 2)
    assert predictor.signature.classes == ("a", "b")
    assert predictor.predict(FakeTable({}), ())["probabilities"].shape == (3, 2)


def test_a_fake_bench_gives_what_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "m.html").write_text("<html>")
    table = FakeTable({"x": [1]})
    bench = FakeBench(WorkTree(tmp_path), {"test": table}, FakePredictor({"out": np.array([2])}))
    assert bench.content("m.html").kind == "html"
    assert bench.table("test") is table
    assert bench.outputs("test")[1]["out"].tolist() == [2]
    with pytest.raises(AssertionError, match="no predictor"):
        FakeBench(WorkTree(tmp_path), {"test": table}).outputs("test")


def test_the_clock_of_a_fake_world_moves_when_it_is_told_to(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path, {"CI": "true"})
    assert isinstance(world, World)
    assert (world.now(), world.monotonic()) == (datetime(2020, 1, 1, tzinfo=UTC), 0.0)
    world.advance(1.5)
    assert world.monotonic() == 1.5
    assert world.in_ci
    assert not FakeWorld(tmp_path).in_ci


@pytest.mark.parametrize("form", ["yaml", "data"])
def test_a_model_is_made_from_text_or_from_data(form: str) -> None:
    data = {"version": 1, "name": "m", "artifact": "a", "checks": ["artifact"]}
    text = "version: 1\nname: m\nartifact: a\nchecks: [artifact]\n"
    model = model_from(text if form == "yaml" else data, "models/m/model.yaml")
    assert (model.name, model.folder, model.path("a")) == ("m", "models/m", "models/m/a")


def test_a_model_that_is_wrong_is_refused() -> None:
    with pytest.raises(InvalidFile, match="unknown key `artefact`"):
        model_from({"version": 1, "name": "m", "artefact": "a", "checks": ["artifact"]})


# run_check ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("least", "outcome"), [(2, Outcome.PASSED), (3, Outcome.FAILED)])
def test_one_call_runs_a_check_over_files(least: int, outcome: Outcome) -> None:
    result = run_check("rows", {"min": least}, dataset="test", files={"test.csv": "x\n1\n2\n"})
    assert result.outcome is outcome
    assert result.check == "rows"
    assert [m.value for m in result.measurements] == [2]


def test_a_check_that_needs_a_model_gets_predictions_from_a_file() -> None:
    files = {"model.csv": "label\n1\n0\n1\n", "data/test.csv": "y\n1\n0\n0\n"}
    result = run_check("metric", {"name": "accuracy", "min": 0.9, "data": "test"}, files=files)
    assert result.measurements[0].value == pytest.approx(2 / 3)
    assert [f.message for f in result.findings] == ["accuracy is 0.6667 (n = 3), below its minimum 0.9"]


def test_a_manifest_among_the_files_is_the_model() -> None:
    manifest = "version: 1\nname: own\nartifact: a.txt\nchecks: [artifact]\n"
    result = run_check("artifact", files={"model.yaml": manifest, "a.txt": b"text\n"})
    assert result.outcome is Outcome.PASSED


def test_a_bench_of_one_s_own_takes_the_place_of_the_real_one(tmp_path: Path) -> None:
    bench = FakeBench(WorkTree(tmp_path), {"test": FakeTable({"y": [1] * 7})})
    result = run_check("rows", {"max": 5}, dataset="test", files={"test.csv": ""}, bench=bench)
    assert [f.message for f in result.findings] == ["rows is 7, above its maximum 5"]


def module(body: str) -> ModuleType:
    """The module of a check that is not registered."""
    made = ModuleType("acme.checks.my_check")
    text = """
    from mlci import schema
    from mlci.case import Inconclusive, Skip, error, note
    from mlci.results import Measurement

    GROUP, SCOPE, OPTIONS = "files", schema.MODEL, schema.options()

    def check(case):
        yield from ()
    """
    exec(textwrap.dedent(text) + textwrap.indent(textwrap.dedent(body), "    "), made.__dict__)
    return made


@pytest.mark.parametrize(
    ("body", "outcome", "reason"),
    [
        ("", Outcome.PASSED, ""),
        ("yield error('bad')", Outcome.FAILED, ""),
        ("yield note('so')", Outcome.PASSED, ""),
        ("raise Skip('not here')", Outcome.SKIPPED, "not here"),
        ("raise Inconclusive('too few')", Outcome.INCONCLUSIVE, "too few"),
        ("yield Measurement(name='m', value=float('nan'), limits=case.limits())", Outcome.FAILED, ""),
        ("1 / 0", Outcome.BROKEN, "the check failed with ZeroDivisionError: division by zero"),
        ("case.dataset", Outcome.SKIPPED, "no dataset has a `target:`"),
        ("case.bench.content('none')", Outcome.BROKEN, "`none` is not there"),
    ],
)
def test_a_check_of_one_s_own_ends_as_it_would_in_a_run(body: str, outcome: Outcome, reason: str) -> None:
    result = run_check(module(body), {"min": 1}, files={"model.csv": "label\n"})
    assert (result.outcome, result.reason) == (outcome, reason)
    assert (result.check, result.id) == ("my-check", "my-check")
    assert all(finding.at for finding in result.findings)


def test_options_reach_the_check_and_its_limits() -> None:
    body = "yield Measurement(name='m', value=5, limits=case.limits('depth'))"
    options: dict[str, Any] = {"depth": {"max": {"warning": 3, "error": 9}}}
    result = run_check(module(body), options, files={})
    assert [(f.level, f.message) for f in result.findings] == [(Level.WARNING, "m is 5, above its maximum 3")]


def test_a_check_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="there is no check `row`") as caught:
        run_check("row", files={})
    assert caught.value.hint == "did you mean `rows`?"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run_check("metric", {"name": "f1"}, files={"model.csv": "label\n1\n0\n", "test.csv": "y\n1\n0\n"})
    assert list(tmp_path.iterdir()) == []
