"""What the outputs of a model mean: told from the manifest, names, shapes and values; and every refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.ports import Signature
from mlci.predictions import BadPredictions, Scored, assemble, scored
from mlci.repo import WorkTree
from mlci.specs import Model
from mlci.testing import FakeBench, FakePredictor, FakeTable, model_from

Array = np.ndarray[Any, np.dtype[Any]]


def model(**more: Any) -> Model:
    return model_from(
        {
            "version": 1,
            "name": "m",
            "artifact": "m.onnx",
            "datasets": {"test": {"path": "t.csv", "target": "y"}},
            "checks": ["artifact"],
            **more,
        }
    )


def put(y: Sequence[Any], outputs: Mapping[str, Any], classes: Sequence[Any] | None = None, **more: Any) -> Scored:
    """What is made of the outputs of a model whose own signature may name its classes."""
    arrays = {name: np.asarray(values) for name, values in outputs.items()}
    signature = Signature((), (), None if classes is None else tuple(classes))
    return assemble(model(**more), signature, arrays, np.asarray(y))


def refused(y: Sequence[Any], outputs: Mapping[str, Any], classes: Sequence[Any] | None = None, **more: Any) -> str:
    with pytest.raises(BadPredictions) as caught:
        put(y, outputs, classes, **more)
    assert caught.value.code == "predictions"
    return f"{caught.value.message} | {caught.value.hint}"


TWO = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]


# Which output is which ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outputs",
    [
        {"label": [0, 1, 0], "probabilities": TWO},
        {"output_label": [0, 1, 0], "output_probability": TWO},
        {"PREDICTED_CLASS": [0, 1, 0], "Probs": TWO, "embedding": [[1.0], [2.0], [3.0]]},
        {"prob": TWO, "anything": [0, 1, 0]},
        {"label": [[0], [1], [0]], "probabilities": TWO},
    ],
    ids=["usual", "skl2onnx", "in capitals", "the only other one", "a column of labels"],
)
def test_labels_and_probabilities_are_told_by_their_names(outputs: dict[str, Any]) -> None:
    rows = put([0, 1, 1], outputs)
    assert rows.labels is not None
    assert rows.labels.tolist() == [0, 1, 0]
    assert rows.matrix is not None
    assert rows.matrix.tolist() == TWO
    assert rows.measure("accuracy") == pytest.approx(2 / 3)


def test_the_manifest_says_which_output_is_which() -> None:
    outputs = {"prob_label": [0, 1, 1], "scores": TWO, "label": [1, 0, 0]}
    rows = put([0, 1, 1], outputs, output={"prediction": "prob_label", "probabilities": "scores"})
    assert rows.measure("accuracy") == 1
    assert rows.score is not None
    assert rows.score.tolist() == [0.1, 0.8, 0.6]


def test_an_output_that_the_manifest_calls_the_prediction_is_no_probability_whatever_its_name() -> None:
    rows = put([0, 1, 1], {"prob_label": [0, 1, 1]}, output={"prediction": "prob_label"})
    assert rows.measure("accuracy") == 1
    assert rows.matrix is None


def test_a_lone_output_is_the_prediction() -> None:
    assert put(["a", "b"], {"out": ["a", "b"]}).measure("accuracy") == 1


def test_probabilities_alone_are_decided_by_the_largest() -> None:
    rows = put([0, 2, 1], {"probabilities": [[0.5, 0.3, 0.2], [0, 0.4, 0.6], [0.1, 0.2, 0.7]]})
    assert rows.labels is not None
    assert rows.labels.tolist() == [0, 2, 2]
    assert rows.positive is None


def test_probabilities_that_are_named_leave_an_unnamed_output_alone() -> None:
    rows = put([0, 1, 1], {"p": TWO, "noise": [7, 8, 9]}, output={"probabilities": "p"})
    assert rows.measure("accuracy") == 1


@pytest.mark.parametrize("shape", [(3,), (3, 1)], ids=["flat", "column"])
def test_one_probability_a_row_is_that_of_the_positive_class(shape: tuple[int, ...]) -> None:
    rows = put([0, 1, 1], {"probabilities": np.array([0.1, 0.8, 0.4]).reshape(shape)})
    assert rows.score is not None
    assert rows.score.tolist() == [0.1, 0.8, 0.4]
    assert rows.labels is not None
    assert rows.labels.tolist() == [0, 1, 0]
    assert rows.measure("roc_auc") == 1


# Classes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        ([0, 1, 1], [0.0, 1.0, 1.0]),
        ([0, 1, 1], ["0", "1", "1"]),
        (["0", "1", "1"], [0, 1, 1]),
        (["0", "1", "1"], [0.0, 1.0, 1.0]),
        ([False, True, True], [0, 1, 1]),
        (["no", "yes", "yes"], [b"no", b"yes", b"yes"]),
        (np.array([0, 1, 1], dtype=np.uint8), np.array([0, 1, 1], dtype=np.int64)),
    ],
    ids=["float", "text of numbers", "numbers of text", "floats of text", "booleans", "bytes", "widths"],
)
def test_labels_of_one_meaning_and_two_types_are_equal(y: Any, labels: Any) -> None:
    assert put(y, {"label": labels}, task="binary").measure("accuracy") == 1


def test_the_larger_class_of_two_is_positive() -> None:
    assert put([0, 1], {"label": [0, 1]}).positive == 1
    assert put(["no", "yes"], {"label": ["no", "yes"]}).positive == "yes"


@pytest.mark.parametrize(("positive", "precision"), [(0, 1.0), (1, 0.5), ("0", 1.0)])
def test_the_manifest_says_which_class_is_positive(positive: Any, precision: float) -> None:
    rows = put([0, 0, 1], {"label": [0, 1, 1]}, output={"positive": positive})
    assert rows.measure("precision") == precision


def test_the_score_of_the_stated_positive_class_is_used() -> None:
    rows = put(["a", "b", "b"], {"probabilities": TWO}, output={"positive": "a"})
    assert rows.score is not None
    assert rows.score.tolist() == [0.9, 0.2, 0.4]


def test_classes_stand_in_the_order_that_the_manifest_names() -> None:
    rows = put(["b", "a", "a"], {"probabilities": TWO}, output={"classes": ["b", "a"]})
    assert rows.measure("accuracy") == 1
    assert rows.classes == ("b", "a")


def test_classes_of_the_model_come_before_those_of_the_data() -> None:
    rows = put([1, 0, 0], {"probabilities": TWO}, classes=[1, 0])
    assert rows.measure("accuracy") == 1


def test_classes_of_the_manifest_are_a_claim_that_the_model_can_refute() -> None:
    with pytest.raises(BadPredictions, match=r"`output\.classes` is x, y, and the model itself says a, b"):
        put(["x", "y", "y"], {"probabilities": TWO}, classes=["a", "b"], output={"classes": ["x", "y"]})


def test_classes_of_the_manifest_stand_in_where_the_model_knows_none() -> None:
    assert put(["x", "y", "y"], {"probabilities": TWO}, output={"classes": ["x", "y"]}).measure("accuracy") == 1


def test_probabilities_may_stray_beyond_one_by_what_single_precision_does() -> None:
    stray = np.array([[1.0000004, -3.6e-07], [0, 1]], dtype=np.float32)
    assert put([0, 1], {"probabilities": stray}).measure("log_loss") == pytest.approx(0, abs=1e-6)
    assert put([0, 1], {"probabilities": stray}).measure("brier") == 0


def test_a_class_that_is_not_in_the_data_may_be_predicted() -> None:
    rows = put([0, 1, 1], {"label": [0, 1, 2]})
    assert rows.classes == (0, 1, 2)
    assert rows.measure("accuracy") == pytest.approx(2 / 3)


def test_a_known_label_may_be_wrong_in_every_row() -> None:
    assert put([0, 0], {"label": [1, 1]}, classes=[0, 1]).measure("accuracy") == 0


@pytest.mark.parametrize(
    ("threshold", "labels"), [(0.5, [0, 1, 1]), (0.7, [0, 1, 0]), (0.6, [0, 1, 1]), (0.0, [1, 1, 1]), (1.0, [0, 0, 0])]
)
def test_a_threshold_decides_from_the_score_and_includes_itself(threshold: float, labels: list[int]) -> None:
    outputs = {"label": [0, 0, 1], "probabilities": TWO}
    rows = put([0, 1, 1], outputs, output={"threshold": threshold, "positive": 1})
    assert rows.labels is not None
    assert rows.labels.tolist() == labels


def test_a_threshold_is_of_the_positive_class() -> None:
    rows = put(["a", "b", "b"], {"probabilities": TWO}, output={"threshold": 0.3, "positive": "a"})
    assert rows.labels is not None
    assert rows.labels.tolist() == ["a", "b", "a"]


@given(st.lists(st.sampled_from(["no", "yes", "maybe"]), min_size=2, max_size=30), st.permutations([0, 1, 2]))
def test_probabilities_of_one_for_the_truth_are_right_in_any_order_of_classes(y: list[str], order: list[int]) -> None:
    classes = [["no", "yes", "maybe"][place] for place in order]
    matrix = [[float(value == name) for name in classes] for value in y]
    rows = put(y, {"probabilities": matrix}, classes=classes)
    assert rows.measure("accuracy") == 1
    assert rows.measure("log_loss") == pytest.approx(0, abs=1e-12)


# Regression or classification -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "predicted"),
    [([1.5, 2.0], [1.4, 2.1]), ([1, 2], [1.4, 2.1]), ([1.5, 2.0], [1.0, 2.0])],
    ids=["numbers", "counts, and numbers predicted", "numbers, and whole ones predicted"],
)
def test_a_float_answer_that_is_no_whole_number_is_a_regression(y: list[float], predicted: list[float]) -> None:
    rows = put(y, {"prediction": predicted})
    assert not rows.is_classification
    assert rows.measure("mae") == pytest.approx(np.mean(np.abs(np.subtract(y, predicted))))


@pytest.mark.parametrize(
    ("y", "outputs", "classes"),
    [
        ([1.0, 2.0], {"prediction": [1.0, 2.0]}, None),
        ([1.5, 2.5], {"prediction": [1, 2]}, [1.5, 2.5, 1, 2]),
        (["a", "b"], {"prediction": ["a", "b"]}, None),
        ([True, False], {"prediction": [1.0, 0.0]}, None),
        ([0, 1], {"probabilities": [0.25, 0.75]}, None),
    ],
    ids=["whole floats on both sides", "classes of the model", "text", "booleans", "probabilities"],
)
def test_anything_else_is_a_classification(y: Any, outputs: dict[str, Any], classes: list[Any] | None) -> None:
    assert put(y, outputs, classes).is_classification


def test_the_task_of_the_manifest_decides() -> None:
    assert not put([1, 2, 3], {"prediction": [1, 2, 4]}, task="regression").is_classification
    assert put([0.5, 1.5], {"prediction": [0.5, 1.5]}, task="multiclass").is_classification


def test_a_column_of_numbers_is_a_regression_as_well() -> None:
    assert put([1.0, 2.0], {"variable": [[1.5], [2.5]]}).measure("rmse") == 0.5


def test_a_regression_of_float32_is_measured() -> None:
    assert put([1.0, 2.0], {"variable": np.array([1.5, 2.5], np.float32)}).measure("mae") == 0.5


# Refusals: every message once -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("the model gave 2 answers in `label` for 3 rows", ([0, 1, 1], {"label": [0, 1]})),
        (
            "`output.prediction` is `labels`, and the model has the outputs label, p",
            ([0, 1], {"label": [0, 1], "p": [0, 1]}, None, {"output": {"prediction": "labels"}}),
        ),
        (
            "`output.probabilities` is `probs`, and the model has the outputs label",
            ([0, 1], {"label": [0, 1]}, None, {"output": {"probabilities": "probs"}}),
        ),
        (
            "the model has the outputs a, b; which one predicts? | say `output: {prediction: NAME}` with one of a, b",
            ([0, 1], {"a": [0, 1], "b": [0, 1]}),
        ),
        (
            "no output holds the predicted number | say `output: {prediction: NAME}` with one of probabilities",
            ([0.5, 1], {"probabilities": [0.5, 1]}, None, {"task": "regression"}),
        ),
        (
            "the target holds `c`, and the model's classes are a, b",
            (["a", "c"], {"label": ["a", "b"]}, ["a", "b"]),
        ),
        (
            "`probabilities` has 3 columns, and there are 2 classes | say `output: {classes: [...]}` in the order of",
            ([0, 1], {"probabilities": [[0.2, 0.3, 0.5]] * 2}),
        ),
        (
            "no predicted label occurs in the target: the model says `0`, the target `no` | say `output: {classes",
            (["no", "yes"], {"label": [0, 1]}),
        ),
        (
            "no predicted label occurs in the target: the model says `0`, the target `no`",
            (["no", "yes"], {"label": [0, 1]}, ["no", "yes"]),
        ),
        (
            "`output.positive` is `maybe`, and the classes are no, yes",
            (["no", "yes"], {"label": ["no", "yes"]}, None, {"output": {"positive": "maybe"}}),
        ),
        ("probabilities of shape (2, 1, 2) are not rows by classes", ([0, 1], {"probabilities": np.ones((2, 1, 2))})),
        ("`label` has the shape (2, 3), expected one value a row", ([0, 1], {"label": np.ones((2, 3), int)})),
        (
            "numbers are expected in `prediction`, and it holds text",
            ([0.5, 1], {"prediction": ["a", "b"]}, None, {"task": "regression"}),
        ),
        (
            "numbers are expected in the target, and it holds text",
            (["a", "b"], {"prediction": [0.5, 1]}, None, {"task": "regression"}),
        ),
        ("2 of 3 numbers in `prediction` are not finite", ([0.5, 1, 2], {"prediction": [0.5, np.nan, np.inf]})),
        ("1 of 2 numbers in the target are not finite", ([0.5, -np.inf], {"prediction": [0.5, 1.5]})),
        ("1 of 4 numbers in `probabilities` are not finite", ([0, 1], {"probabilities": [[0.1, np.nan], [0, 1]]})),
        ("`label` is missing in 1 of 2 rows", (["a", "b"], {"label": np.array(["a", None], object)})),
        ("`label` is missing in 1 of 3 rows", (["0", "1", "1"], {"label": [0.0, 1.0, np.nan]})),
        ("`label` is missing in 2 of 2 rows", ([1.5, 2], {"label": np.array([None, None], object)})),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_outputs_that_mean_nothing_are_refused(said: str, arguments: tuple[Any, ...]) -> None:
    y, outputs, classes, more = (*arguments, None, {})[:4] if len(arguments) < 4 else arguments
    assert said in refused(y, outputs, classes, **(more or {}))


@pytest.mark.parametrize(
    ("name", "said", "rows"),
    [
        ("rmse", "rmse is a metric of regression, and this model predicts classes", ([0, 1], {"label": [0, 1]})),
        ("f1", "f1 is a metric of classification, and this model predicts numbers", ([0.5, 1], {"value": [0.5, 1]})),
        ("f1", "f1 is of two classes, and there are 3", ([0, 1, 2], {"label": [0, 1, 2]})),
        ("roc_auc", "roc_auc is of two classes, and there are 3", ([0, 1, 2], {"label": [0, 1, 2]})),
        ("roc_auc", "roc_auc needs probabilities, and the model gives labels only", ([0, 1], {"label": [0, 1]})),
        ("log_loss", "log_loss needs probabilities, and the model gives labels only", ([0, 1], {"label": [0, 1]})),
        ("brier", "brier needs probabilities from 0 to 1, and the scores go", ([0, 1], {"probabilities": [-1, 2]})),
        ("log_loss", "log_loss needs probabilities from 0 to 1, and", ([0, 1], {"probabilities": [[3, -2], [0, 1]]})),
        ("log_loss", "log_loss needs probabilities, and those of a", ([0, 1], {"probabilities": [[0, 0], [0, 1]]})),
        (
            "roc_auc",
            "roc_auc is not defined on this dataset: its target holds one value only",
            ([1, 1], {"probabilities": TWO[:2]}, [0, 1]),
        ),
        ("r2", "r2 is not defined on this dataset: its target holds one value", ([0.1] * 3, {"value": [0.2, 0.5, 1]})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_metric_that_these_answers_cannot_give_is_refused(name: str, said: str, rows: tuple[Any, ...]) -> None:
    with pytest.raises(BadPredictions) as caught:
        put(*rows).measure(name)
    assert caught.value.message.startswith(said)


@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_too_large_for_a_square_are_not_called_a_constant_target() -> None:
    with pytest.raises(BadPredictions, match="rmse is not defined on this dataset: its numbers are too large"):
        put([1.5, 2.0], {"prediction": [1e300, 1.0]}).measure("rmse")


def test_scores_beyond_one_still_rank() -> None:
    assert put([0, 1, 1], {"probabilities": [-3.0, 2.0, 5.0]}).measure("roc_auc") == 1


# From the bench -------------------------------------------------------------------------------------------------


def bench(tmp_path: Path, data: Mapping[str, Sequence[Any]], label: Sequence[Any]) -> FakeBench:
    predictor = FakePredictor({"label": np.asarray(label)})
    return FakeBench(WorkTree(tmp_path), {"test": FakeTable(data)}, predictor)


def test_a_dataset_is_scored_against_its_target(tmp_path: Path) -> None:
    m = model()
    rows = scored(m, m.datasets["test"], bench(tmp_path, {"x": [1, 2], "y": ["a", "b"]}, ["a", "a"]))
    assert rows.measure("accuracy") == 0.5


@pytest.mark.parametrize(
    ("data", "said", "hint", "line"),
    [
        ({"y": ["a", None]}, "the target `y` is missing in 1 of 2 rows", "take these rows out", None),
        ({"y": [1, None]}, "the target `y` is missing in 1 of 2 rows", "take these rows out", None),
        ({"y": [0.5, float("nan")]}, "the target `y` is missing in 1 of 2 rows", "take these rows out", None),
        ({"y": []}, "the dataset has no rows", "", None),
        ({"Y": [1]}, "the target `y` is no column of the dataset `test`", "the dataset has Y", 8),
        ({"yy": [1]}, "the target `y` is no column of the dataset `test`", "did you mean `yy`?", 8),
    ],
    ids=["text", "whole numbers", "numbers", "no rows", "no such column", "near"],
)
def test_a_target_that_is_not_there_is_refused_before_the_model_runs(
    tmp_path: Path, data: dict[str, Any], said: str, hint: str, line: int | None
) -> None:
    head = "version: 1\nname: m\nartifact: m.onnx\nchecks: [artifact]\n"
    m = model_from(head + "datasets:\n  test:\n    path: t.csv\n    target: y\n")
    desk = FakeBench(WorkTree(tmp_path), {"test": FakeTable(data)}, predictor=None)
    with pytest.raises(BadPredictions) as caught:
        scored(m, m.datasets["test"], desk)
    assert caught.value.message == said
    assert hint in caught.value.hint
    assert caught.value.at is not None
    assert caught.value.at.path == "model.yaml"
    assert line is None or caught.value.at.line == line


def test_a_dataset_without_a_target_says_what_to_add(tmp_path: Path) -> None:
    m = model(datasets={"test": {"path": "t.csv"}})
    with pytest.raises(BadPredictions, match="the dataset `test` has no target") as caught:
        scored(m, m.datasets["test"], bench(tmp_path, {"y": [1]}, [1]))
    assert caught.value.hint == "add `target: COLUMN`"


def test_one_class_alone_does_not_contradict_two() -> None:
    assert put([1, 1], {"label": [1, 1]}, task="binary").measure("accuracy") == 1
