"""One driver over golden models that the frameworks made themselves: mlci gets from each what the framework says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import skl2onnx
import skops.io
from onnx import TensorProto, helper
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlci import registry
from mlci.datasets import Terms
from mlci.errors import MlciError, SafetyRefused, UsageError
from mlci.predictions import scored
from mlci.repo import WorkTree
from mlci.runtimes.client import ModelFailed
from mlci.testing import model_from
from mlci.workbench import Workbench
from mlci.world import World

Array = np.ndarray[Any, np.dtype[Any]]
ROWS = 60


def data() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "id": np.arange(100, 100 + ROWS),
            "tenure": draw.integers(1, 60, ROWS),
            "charge": draw.normal(50, 20, ROWS).round(2),
            "plan": draw.choice(["basic", "pro", "team"], ROWS),
        }
    )
    risk = frame["charge"] / 50 - frame["tenure"] / 30 + (frame["plan"] == "basic")
    frame["churned"] = np.where(risk > 0.3, "yes", "no")
    frame["left"] = (risk > 0.3).astype(int)
    frame["size"] = np.digitize(frame["charge"], [40, 60])
    frame["price"] = 3 * frame["charge"] - frame["tenure"] + 0.25
    return frame


FRAME = data()
TARGETS = ("churned", "left", "size", "price")
NUMERIC = ["tenure", "charge"]


@dataclass(frozen=True)
class Golden:
    """A model as a file, and what its own framework predicts for the rows of ``FRAME``."""

    name: str
    raw: bytes
    target: str
    answers: Array
    probabilities: Array | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = tuple(NUMERIC)


def numeric() -> Array:
    matrix: Array = FRAME[NUMERIC].to_numpy(np.float32)
    return matrix


def converted(fitted: Any, types: list[tuple[str, Any]], **options: Any) -> bytes:
    proto = skl2onnx.to_onnx(fitted, initial_types=types, options={type(fitted): options} if options else None)
    raw: bytes = proto.SerializeToString()
    return raw


def onnx_models() -> list[Golden]:
    matrix = numeric()
    stacked = [("X", FloatTensorType([None, 2]))]
    made = []
    for target in ("churned", "left", "size"):
        fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(matrix, FRAME[target])
        for zipmap in (True, False):
            proto = skl2onnx.to_onnx(fitted, initial_types=stacked, options={"zipmap": zipmap})
            made.append(
                Golden(
                    f"{target}-{'zipmap' if zipmap else 'matrix'}.onnx",
                    proto.SerializeToString(),
                    target,
                    fitted.predict(matrix),
                    fitted.predict_proba(matrix),
                )
            )
    line = LinearRegression().fit(matrix, FRAME["price"])
    made.append(Golden("stacked-regression.onnx", converted(line, stacked), "price", line.predict(matrix)))
    whole = FRAME[["tenure", "charge", "plan"]]
    columns = ColumnTransformer([("n", StandardScaler(), NUMERIC), ("c", OneHotEncoder(), ["plan"])])
    pipe = make_pipeline(columns, LogisticRegression()).fit(whole, FRAME["churned"])
    types = [
        ("plan", StringTensorType([None, 1])),
        ("tenure", Int64TensorType([None, 1])),
        ("charge", FloatTensorType([None, 1])),
    ]
    ordered = [types[1], types[2], types[0]]
    proto = skl2onnx.to_onnx(pipe, initial_types=ordered)
    made.append(
        Golden(
            "by-column.onnx",
            proto.SerializeToString(),
            "churned",
            pipe.predict(whole),
            pipe.predict_proba(whole),
            features=("tenure", "charge", "plan"),
        )
    )
    return made


def sklearn_models() -> list[Golden]:
    whole, matrix = FRAME[["tenure", "charge", "plan"]], FRAME[NUMERIC].to_numpy(float)
    columns = ColumnTransformer([("n", StandardScaler(), NUMERIC), ("c", OneHotEncoder(), ["plan"])])
    pipe = make_pipeline(columns, LogisticRegression()).fit(whole, FRAME["churned"])
    plain = LogisticRegression().fit(matrix, FRAME["size"])
    line = LinearRegression().fit(FRAME[NUMERIC], FRAME["price"])
    return [
        Golden(
            "pipeline.skops",
            skops.io.dumps(pipe),
            "churned",
            pipe.predict(whole),
            pipe.predict_proba(whole),
            features=("tenure", "charge", "plan"),
        ),
        Golden("plain.skops", skops.io.dumps(plain), "size", plain.predict(matrix), plain.predict_proba(matrix)),
        Golden("regression.skops", skops.io.dumps(line), "price", line.predict(FRAME[NUMERIC])),
    ]


GOLDEN = {golden.name: golden for golden in [*onnx_models(), *sklearn_models()]}


def model_yaml(artifact: str, target: str | None, **more: Any) -> dict[str, Any]:
    test = {"path": "test.parquet", **({"target": target} if target else {}), **more.pop("test", {})}
    return {
        "version": 1,
        "name": "m",
        "artifact": artifact,
        "datasets": {"test": test},
        "checks": ["artifact"],
        **more,
    }


Put = Callable[..., Workbench]


@pytest.fixture
def put(tmp_path: Path) -> Any:
    """Lays out a model with the dataset ``test`` and gives its bench, which is closed in the end."""
    made: list[Workbench] = []

    def put_(
        artifact: str,
        raw: bytes,
        frame: pd.DataFrame = FRAME,
        target: str | None = None,
        trust: tuple[str, ...] = (),
        limits: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Workbench:
        (tmp_path / artifact).write_bytes(raw)
        frame.to_parquet(tmp_path / "test.parquet")
        model = model_from(model_yaml(artifact, target, **more))
        made.append(Workbench(model, WorkTree(tmp_path), World(tmp_path), Terms(limits=limits or {}, trust=trust)))
        return made[-1]

    yield put_
    for bench in made:
        bench.close()


def features_only(golden: Golden) -> pd.DataFrame:
    return FRAME[[*golden.features, golden.target]]


def measured(bench: Workbench) -> Any:
    model = bench._model
    return scored(model, model.datasets["test"], bench)


# Golden models --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOLDEN)
def test_a_model_answers_as_its_framework_does(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    rows = measured(put(name, golden.raw, features_only(golden), golden.target))
    if golden.probabilities is None:
        assert not rows.is_classification
        np.testing.assert_allclose(rows.numbers, golden.answers, rtol=1e-4)
    else:
        assert rows.matrix is not None
        np.testing.assert_allclose(rows.matrix, golden.probabilities, atol=1e-5)
        expected = [str(label) for label in golden.answers]
        assert [str(int(label)) if isinstance(label, float) else label for label in rows.labels.tolist()] == expected


@pytest.mark.parametrize("name", ["left-zipmap.onnx", "plain.skops"])
def test_content_tells_the_runtime_and_no_name_does(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    rows = measured(put("model.pkl", golden.raw, features_only(golden), golden.target))
    np.testing.assert_allclose(rows.matrix, golden.probabilities, atol=1e-5)


@pytest.mark.parametrize("name", ["by-column.onnx", "pipeline.skops", "regression.skops"])
def test_columns_are_mapped_by_name_in_any_order_among_any_others(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    columns = [*reversed(FRAME.columns)]
    rows = measured(put(name, golden.raw, FRAME[columns], golden.target))
    if golden.probabilities is None:
        np.testing.assert_allclose(rows.numbers, golden.answers, rtol=1e-4)
    else:
        np.testing.assert_allclose(rows.matrix, golden.probabilities, atol=1e-5)


@pytest.mark.parametrize("name", ["left-zipmap.onnx", "size-matrix.onnx", "stacked-regression.onnx", "plain.skops"])
def test_a_stacked_input_takes_the_columns_that_the_manifest_lists_in_their_order(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    listed: dict[str, Any] = {"tenure": {"type": "int"}, "charge": {"type": "float"}}
    bench = put(name, golden.raw, FRAME[[*reversed(FRAME.columns)]], golden.target, test={"columns": listed})
    rows = measured(bench)
    np.testing.assert_allclose(
        rows.numbers if golden.probabilities is None else rows.matrix,
        golden.answers if golden.probabilities is None else golden.probabilities,
        rtol=1e-3,
        atol=1e-5,
    )


def test_columns_that_two_datasets_list_alike_are_listed_once(put: Put) -> None:
    golden = GOLDEN["stacked-regression.onnx"]
    columns: dict[str, Any] = {"tenure": {"type": "int"}, "charge": {"type": "float"}}
    train = {"path": "test.parquet", "target": "price", "columns": columns}
    test = {"path": "test.parquet", "like": "train"}
    frame = FRAME[["charge", "tenure", "price"]]
    bench = put("m.onnx", golden.raw, frame, datasets={"train": train, "test": test})
    np.testing.assert_allclose(measured(bench).numbers, golden.answers, rtol=1e-4)


@pytest.mark.parametrize("name", ["left-zipmap.onnx", "plain.skops"])
def test_target_and_key_are_no_features(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    frame = FRAME[["id", "tenure", "charge", golden.target]]
    rows = measured(put(name, golden.raw, frame, golden.target, test={"key": ["id"]}))
    np.testing.assert_allclose(rows.matrix, golden.probabilities, atol=1e-5)


@pytest.mark.parametrize("name", ["by-column.onnx", "pipeline.skops"])
def test_a_column_that_is_not_there_is_named_with_the_nearest(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    with pytest.raises(ModelFailed, match="takes the column `tenure`, and the dataset has none") as caught:
        measured(put(name, golden.raw, FRAME.rename(columns={"tenure": "tenures"}), golden.target))
    assert caught.value.hint == "did you mean `tenures`?"


@pytest.mark.parametrize("name", ["left-zipmap.onnx", "plain.skops"])
def test_too_many_columns_without_names_are_not_guessed(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    with pytest.raises(ModelFailed, match="takes 2 columns without names, and the dataset has 7") as caught:
        measured(put(name, golden.raw, FRAME, golden.target))
    assert "under `columns:` of the dataset" in caught.value.hint


@pytest.mark.parametrize("name", ["left-zipmap.onnx", "plain.skops"])
def test_text_where_a_model_takes_numbers_is_its_failure(put: Put, name: str) -> None:
    golden = GOLDEN[name]
    with pytest.raises(ModelFailed, match=r"failed to predict: .*could not convert string"):
        measured(put(name, golden.raw, FRAME[["plan", "charge", golden.target]], golden.target))


def test_classes_of_a_zipmap_reach_the_signature(put: Put) -> None:
    golden = GOLDEN["churned-zipmap.onnx"]
    bench = put("m.onnx", golden.raw, features_only(golden), golden.target)
    signature, outputs = bench.outputs("test")
    assert signature.classes == ("no", "yes")
    assert outputs["output_probability"].shape == (ROWS, 2)


def test_a_target_of_other_words_than_the_model_s_is_refused(put: Put) -> None:
    golden = GOLDEN["churned-zipmap.onnx"]
    frame = features_only(golden).replace({"churned": {"yes": "Ja", "no": "Nein"}})
    with pytest.raises(MlciError, match="the target holds `Ja`, and the model's classes are no, yes"):
        measured(put("m.onnx", golden.raw, frame, golden.target))


# ONNX of other makers -------------------------------------------------------------------------------------------


def graph(inputs: list[Any], outputs: list[Any], nodes: list[Any]) -> bytes:
    proto = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.checker.check_model(proto)
    raw: bytes = proto.SerializeToString()
    return raw


def tensor(name: str, kind: int, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def summed(rows: int | str, kind: int = TensorProto.FLOAT) -> bytes:
    """A model that answers the sum of two columns."""
    axes = helper.make_node("Constant", [], ["axes"], value_ints=[1])
    total = helper.make_node("ReduceSum", ["X", "axes"], ["prediction"], keepdims=0)
    return graph([tensor("X", kind, rows, 2)], [tensor("prediction", kind, rows)], [axes, total])


NUMBERS = pd.DataFrame({"a": [1.0, 2.5, 4.0], "b": [0.5, 0.5, 1.0], "y": [1.5, 3.0, 5.0]})


@pytest.mark.parametrize("rows", ["N", 1], ids=["any number of rows", "one row at a time"])
def test_a_model_of_a_fixed_batch_of_one_is_asked_row_by_row(put: Put, rows: int | str) -> None:
    answer = measured(put("m.onnx", summed(rows), NUMBERS, "y")).numbers
    assert answer.tolist() == [1.5, 3.0, 5.0]


def test_whole_numbers_are_taken_and_anything_else_is_not_made_into_one(put: Put) -> None:
    raw = summed("N", TensorProto.INT64)
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6], "y": [5, 7, 9]})
    _, outputs = put("m.onnx", raw, frame, "y").outputs("test")
    assert outputs["prediction"].tolist() == [5, 7, 9]
    for broken in (1.5, None):
        frame = pd.DataFrame({"a": [1, 2, broken], "b": [4, 5, 6], "y": [5, 7, 9]})
        with pytest.raises(ModelFailed, match="the input X takes whole numbers"):
            put("m.onnx", raw, frame, "y").outputs("test")


def test_booleans_and_text_pass_through(put: Put) -> None:
    nodes = [helper.make_node("Identity", ["flag"], ["o1"]), helper.make_node("Identity", ["word"], ["o2"])]
    raw = graph(
        [tensor("flag", TensorProto.BOOL, "N"), tensor("word", TensorProto.STRING, "N", 1)],
        [tensor("o1", TensorProto.BOOL, "N"), tensor("o2", TensorProto.STRING, "N", 1)],
        nodes,
    )
    frame = pd.DataFrame({"word": ["a", "ü"], "flag": [True, False]})
    _, outputs = put("m.onnx", raw, frame).outputs("test")
    assert outputs["o1"].tolist() == [True, False]
    assert outputs["o2"].reshape(-1).tolist() == ["a", "ü"]


def test_a_broken_onnx_file_is_a_failure_of_the_model(put: Put) -> None:
    raw = GOLDEN["stacked-regression.onnx"].raw
    with pytest.raises(ModelFailed, match=r"`m\.onnx` failed to load: "):
        put("m.onnx", raw[: len(raw) // 2], NUMBERS, "y").outputs("test")


# skops ----------------------------------------------------------------------------------------------------------


def test_types_that_skops_does_not_trust_are_refused_by_name_and_loaded_when_trusted(put: Put) -> None:
    matrix = FRAME[NUMERIC].to_numpy(float)
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(matrix, FRAME["left"])
    raw = skops.io.dumps(forest)
    unknown = skops.io.get_untrusted_types(data=raw)
    assert unknown, "this model is of no use for the test: skops trusts all of it"
    frame = FRAME[[*NUMERIC, "left"]]
    with pytest.raises(SafetyRefused) as caught:
        measured(put("m.skops", raw, frame, "left"))
    assert caught.value.code == "unsafe"
    assert all(name in caught.value.message for name in unknown)
    assert caught.value.hint.endswith("mlci check " + " ".join(f"--trust {name}" for name in sorted(unknown)))
    rows = measured(put("m.skops", raw, frame, "left", trust=tuple(unknown)))
    np.testing.assert_allclose(rows.matrix, forest.predict_proba(matrix))


def test_a_classifier_without_probabilities_gives_labels(put: Put) -> None:
    dummy = DummyClassifier(strategy="constant", constant="no").fit(FRAME[NUMERIC], FRAME["churned"])
    bench = put("m.skops", skops.io.dumps(dummy), FRAME[[*NUMERIC, "churned"]], "churned")
    assert measured(bench).measure("accuracy") == pytest.approx((FRAME["churned"] == "no").mean())


def test_no_runtime_takes_a_pickle(put: Put) -> None:
    with pytest.raises(SafetyRefused, match=r"no runtime takes `m\.pkl`: it is a pickle, which can run code") as caught:
        put("m.pkl", b"\x80\x04N.", NUMBERS, "y").outputs("test")
    assert caught.value.hint == "save it as skops or ONNX"


# Runtimes by name -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runtime", "raw", "said"),
    [
        ("onnx", b"a,b\n1,2\n", "`m` is text, and the runtime onnx takes an ONNX model"),
        (
            "sklearn",
            GOLDEN["stacked-regression.onnx"].raw,
            "`m` is an ONNX model, and the runtime sklearn takes a skops",
        ),
        ("auto", b"a,b\n1,2\n", "no runtime takes `m`: it is text"),
        ("predictions", b"<html>", "`m` is an HTML page"),
    ],
)
def test_a_runtime_takes_its_own_content_only(put: Put, runtime: str, raw: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        put("m", raw, NUMBERS, "y", runtime=runtime).outputs("test")
    assert said in caught.value.message


def bare_python(folder: Path) -> str:
    """An interpreter that has the standard library and nothing else."""
    script = folder / "bare-python"
    script.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -I -S "$@"\n')
    script.chmod(0o755)
    return script.name


@pytest.mark.parametrize(("name", "extra"), [("stacked-regression.onnx", "onnx"), ("plain.skops", "sklearn")])
def test_a_framework_that_the_model_s_interpreter_lacks_is_told_to_be_missing_there(
    put: Put, tmp_path: Path, name: str, extra: str
) -> None:
    runtime = {"kind": extra, "python": bare_python(tmp_path)}
    golden = GOLDEN[name]
    with pytest.raises(MlciError) as caught:
        measured(put(name, golden.raw, features_only(golden), golden.target, runtime=runtime))
    library = {"onnx": "onnxruntime", "sklearn": "skops"}[extra]
    assert caught.value.message == f"{library} is not installed in the model's own interpreter"
    assert "install the model's requirements there" in caught.value.hint


def test_a_model_runs_in_the_interpreter_that_it_names(put: Put, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\necho ran >> "{tmp_path}/log"\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    golden = GOLDEN["stacked-regression.onnx"]
    bench = put("m", golden.raw, features_only(golden), "price", runtime={"kind": "auto", "python": "python"})
    assert len(measured(bench).y) == ROWS
    assert (tmp_path / "log").read_text() == "ran\n"


def test_an_interpreter_that_is_not_there_says_how_to_make_one(put: Put) -> None:
    golden = GOLDEN["stacked-regression.onnx"]
    runtime = {"kind": "onnx", "python": ".venv/bin/python"}
    with pytest.raises(UsageError, match=r"the interpreter `\.venv/bin/python` is not there") as caught:
        measured(put("m", golden.raw, features_only(golden), "price", runtime=runtime))
    assert "python -m venv .venv" in caught.value.hint


@pytest.mark.parametrize("name", sorted(registry.RUNTIMES))
def test_a_runtime_declares_what_the_bench_asks_of_it(name: str) -> None:
    module = registry.find("runtimes", name)
    assert isinstance(module.KINDS, tuple)
    assert hasattr(module, "open_predictor") != (hasattr(module, "Adapter") and hasattr(module, "EXTRA"))
    assert registry.summary(module)


# Recorded predictions -------------------------------------------------------------------------------------------

KEYED = pd.DataFrame({"id": [3, 1, 2], "day": ["b", "a", "a"], "y": ["n", "y", "n"]})
DATED = KEYED.assign(day=pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03"]).date)


def recorded(put: Put, text: str, frame: pd.DataFrame = KEYED, **test: Any) -> Any:
    return measured(put("p.csv", text.encode(), frame, "y", runtime="predictions", test=test))


@pytest.mark.parametrize(
    ("text", "key", "frame"),
    [
        ("label\nn\ny\nn\n", [], KEYED),
        ("id,label\n1,y\n2,n\n3,n\n", ["id"], KEYED),
        ("label,id,extra\nn,3,0\nn,2,0\ny,1,0\n", ["id"], KEYED),
        ("id,label\n1,y\n2,n\n3,n\n9,y\n", ["id"], KEYED),
        ("day,id,label\na,1,y\na,2,n\nb,3,n\n", ["id", "day"], KEYED),
        ("day,label\n2024-01-01,y\n2024-01-03,n\n2024-01-02,n\n", ["day"], DATED),
        ("day,label\n01/01/2024,y\n31/01/2024,n\n02/01/2024,n\n03/01/2024,n\n", ["day"], DATED),
    ],
    ids=[
        "order",
        "key",
        "columns anywhere",
        "more than asked",
        "two keys",
        "dates",
        "dates otherwise",
    ],
)
def test_predictions_are_matched_by_key_or_by_order_where_there_is_none(
    put: Put, text: str, key: list[str], frame: pd.DataFrame
) -> None:
    rows = recorded(put, text, frame, **({"key": key} if key else {}))
    assert rows.measure("accuracy") == 1


def test_a_key_that_the_dataset_has_not_matches_nothing(put: Put) -> None:
    train = {"path": "none.csv", "target": "y", "key": ["id"]}
    datasets = {"train": train, "test": {"path": "test.parquet", "target": "y"}}
    frame = KEYED[["day", "y"]]
    bench = put("p.csv", b"id,label\n3,n\n1,y\n2,n\n", frame, runtime="predictions", datasets=datasets)
    assert measured(bench).measure("accuracy") == 1


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("label\nn\ny\n", [], "the file holds 2 predictions for 3 rows"),
        ("label\n" + "n\n" * 1004, [], "the file holds 1,004 predictions for 3 rows"),
        ("id,label\n1,y\n2,n\n", ["id"], "no prediction has the key 3"),
        ("id,label\n1,y\n2,n\n3,n\n2,y\n", ["id"], "two predictions have the key 2"),
        ("day,id,label\na,1,y\nb,3,n\na,2,n\na,1,n\n", ["day", "id"], "two predictions have the key a, 1"),
        ("id,label\n1,y\n2,\n3,n\n", ["id"], "`label` is missing in 1 of 3 rows"),
        ("id\n1\n2\n3\n", ["id"], "the model has the outputs ; which one predicts?"),
    ],
    ids=["too few", "too many", "a row without", "a key twice", "two keys twice", "an empty answer", "keys only"],
)
def test_predictions_that_do_not_fit_are_refused(put: Put, text: str, key: list[str], said: str) -> None:
    with pytest.raises(MlciError) as caught:
        recorded(put, text, **({"key": key} if key else {}))
    assert said in caught.value.message
    assert caught.value.code == "predictions"


def test_predictions_without_the_key_of_the_dataset_are_not_taken_in_their_order(put: Put) -> None:
    with pytest.raises(MlciError, match="no column `id`, which is the key of the dataset"):
        recorded(put, "label\nn\ny\nn\n", KEYED, key=["id"])
