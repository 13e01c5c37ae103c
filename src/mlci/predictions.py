"""What a model answered, made comparable with what is true: labels, probabilities or numbers beside the target."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlci.errors import MlciError
from mlci.metrics import METRICS, Metric
from mlci.places import Location
from mlci.ports import Bench, Signature
from mlci.specs import Dataset, Model

if TYPE_CHECKING:
    from mlci.ports import Array


_STRAY = 1e-5


class BadPredictions(MlciError):
    """The answers cannot be held against the target."""

    code = "predictions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The rows of a dataset, scored. ``y``, ``labels`` and ``numbers`` have one entry a row, ``matrix`` n x k."""

    y: Array
    labels: Array | None = None
    matrix: Array | None = None
    score: Array | None = None
    """The score of the positive class; a probability where the model gives one."""
    numbers: Array | None = None
    classes: tuple[Any, ...] = ()
    """The classes in the order of ``matrix``, or those of the target."""
    positive: Any = None

    @property
    def is_classification(self) -> bool:
        return self.numbers is None

    def measure(self, name: str) -> float:
        """The metric of that name. Raises BadPredictions when these answers cannot give it."""
        metric = METRICS[name]
        if (metric.needs == "numbers") == self.is_classification:
            kind = "regression" if metric.needs == "numbers" else "classification"
            predicted = "classes" if self.is_classification else "numbers"
            raise BadPredictions(
                f"{name} is a metric of {kind}, and this model predicts {predicted}",
                hint="name another metric, or say `task:` if the kind was told wrongly",
            )
        arguments = self._arguments(name, metric)
        value = metric.compute(*arguments)
        if not math.isfinite(value):
            why = "its target holds one value only" if (self.y == self.y[0]).all() else "its numbers are too large"
            raise BadPredictions(f"{name} is not defined on this dataset: {why}")
        return value

    def _arguments(self, name: str, metric: Metric) -> tuple[Array, Array]:
        if metric.needs == "numbers":
            assert self.numbers is not None
            return self.y, self.numbers
        if metric.needs == "labels":
            assert self.labels is not None
            return self.y, self.labels
        if metric.needs == "matrix":
            return self._indexes(), self._probabilities(name)
        if len(self.classes) != 2:
            raise BadPredictions(
                f"{name} is of two classes, and there are {len(self.classes)}",
                hint="f1_macro, balanced_accuracy and log_loss are of any number of classes",
            )
        if metric.needs == "positive":
            assert self.labels is not None
            return self.y == self.positive, self.labels == self.positive
        if self.score is None:
            raise BadPredictions(
                f"{name} needs probabilities, and the model gives labels only",
                hint="let the model give them, and say `output: {probabilities: NAME}` if they have another name",
            )
        score = _probability(name, self.score) if name == "brier" else self.score
        return self.y == self.positive, score

    def _probabilities(self, name: str) -> Array:
        if self.matrix is None:
            raise BadPredictions(f"{name} needs probabilities, and the model gives labels only")
        matrix = _probability(name, self.matrix)
        if (matrix.sum(axis=1) <= 0).any():
            raise BadPredictions(f"{name} needs probabilities, and those of a row sum to 0")
        return matrix

    def _indexes(self) -> Array:
        import numpy as np

        index = {value: number for number, value in enumerate(self.classes)}
        return np.array([index[value] for value in self.y.tolist()])


def _probability(name: str, values: Array) -> Array:
    """The values, kept within 0 and 1: sums of single-precision numbers stray beyond by a little."""
    if values.min() < -_STRAY or values.max() > 1 + _STRAY:
        raise BadPredictions(f"{name} needs probabilities from 0 to 1, and the scores go beyond")
    return values.clip(0, 1)


def scored(model: Model, dataset: Dataset, bench: Bench) -> Scored:
    """Predict a dataset and hold the answers against its target.

    Raises BadPredictions when rows are missing, numbers are not finite, or classes do not match.
    """
    at = model.at("datasets", dataset.name)
    if dataset.target is None:
        raise BadPredictions(f"the dataset `{dataset.name}` has no target", hint="add `target: COLUMN`", at=at)
    table = bench.table(dataset.name)
    present = [column.name for column in table.columns]
    if dataset.target not in present:
        close = difflib.get_close_matches(dataset.target, present, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"the dataset has {', '.join(present[:12])}"
        raise BadPredictions(
            f"the target `{dataset.target}` is no column of the dataset `{dataset.name}`",
            hint=hint,
            at=model.at("datasets", dataset.name, "target"),
        )
    # before the model runs: it would answer in vain
    y = _target(table.arrays([dataset.target])[dataset.target], dataset.target, at)
    signature, outputs = bench.outputs(dataset.name)
    return assemble(model, signature, outputs, y)


def assemble(model: Model, signature: Signature, outputs: dict[str, Array], y: Array) -> Scored:
    """Give every output of the model its meaning: as the manifest says, else by its name and shape."""
    for name, values in outputs.items():
        if len(values) != len(y):
            raise BadPredictions(f"the model gave {len(values):,} answers in `{name}` for {len(y):,} rows")
    # where the manifest says nothing of outputs, the artifact is what is spoken of
    at = model.at("output") if "output" in model.document.data else model.at("artifact")
    prediction, probabilities = _roles(model, outputs, at)
    if _is_regression(model, signature, y, outputs.get(prediction or ""), probabilities):
        if prediction is None:
            raise BadPredictions("no output holds the predicted number", hint=_say(outputs), at=at)
        return Scored(
            y=_finite(_flat(y, "the target"), "the target"),
            numbers=_finite(_flat(outputs[prediction], prediction), f"`{prediction}`"),
        )
    return _classification(model, signature, outputs, y, prediction, probabilities, at)


def _classification(
    model: Model,
    signature: Signature,
    outputs: dict[str, Array],
    y: Array,
    prediction: str | None,
    probabilities: str | None,
    at: Location,
) -> Scored:
    import numpy as np

    raw = _flat(outputs[prediction], prediction) if prediction else None
    lacking = 0 if raw is None else int(_missing(raw).sum())
    if lacking:
        raise BadPredictions(f"`{prediction}` is missing in {lacking:,} of {len(y):,} rows", at=at)
    matrix = None if probabilities is None else _matrix(_finite(outputs[probabilities], f"`{probabilities}`"))
    stated = model.output.classes or signature.classes
    if model.output.classes and signature.classes:
        said, own = ([str(_word(value)) for value in some] for some in (model.output.classes, signature.classes))
        if said != own:
            raise BadPredictions(
                f"`output.classes` is {', '.join(said[:10])}, and the model itself says {', '.join(own[:10])}",
                hint="take `classes:` off `output:`",
                at=model.at("output", "classes"),
            )
    as_text = any(_is_text(values) for values in (y, raw, np.array(stated) if stated else None) if values is not None)
    y = _plain(y, as_text=as_text)
    labels = None if raw is None else _plain(raw, as_text=as_text)
    if stated:
        classes = tuple(_plain(np.array(stated, dtype=object), as_text=as_text).tolist())
    else:
        seen = y if labels is None else np.concatenate([y, labels])
        classes = tuple(np.unique(seen).tolist())
    unknown = sorted(set(y.tolist()) - set(classes))
    if unknown:
        known = ", ".join(str(value) for value in classes[:10])
        raise BadPredictions(f"the target holds `{unknown[0]}`, and the model's classes are {known}", at=at)
    if matrix is not None and matrix.shape[1] != len(classes):
        raise BadPredictions(
            f"`{probabilities}` has {matrix.shape[1]} columns, and there are {len(classes)} classes",
            hint="say `output: {classes: [...]}` in the order of the columns",
            at=at,
        )
    # labels that the model is known to give may all be wrong; others are of another kind than the target's
    foreign = labels is not None and not (stated and set(labels.tolist()) <= set(classes))
    if labels is not None and foreign and not set(labels.tolist()) & set(y.tolist()):
        raise BadPredictions(
            f"no predicted label occurs in the target: the model says `{labels[0]}`, the target `{y[0]}`",
            hint="say `output: {classes: [...]}`, or let the model give the labels of the data",
            at=at,
        )
    # of one class alone, labels can still be right or wrong
    if model.task == "binary" and len(classes) > 2:
        known = ", ".join(str(value) for value in classes[:10])
        raise BadPredictions(
            f"`task` is binary, and there are {len(classes)} classes: {known}",
            hint="write `task: multiclass`, or correct the target",
            at=model.at("task"),
        )
    positive = _positive(model, classes, at, as_text=as_text)
    score = None if matrix is None or positive is None else matrix[:, classes.index(positive)]
    if matrix is not None and (labels is None or (model.output.threshold is not None and positive is not None)):
        labels = _decide(matrix, score, classes, positive, model.output.threshold)
    if labels is None:
        raise BadPredictions("no output holds labels or probabilities", hint=_say(outputs), at=at)
    return Scored(y=y, labels=labels, matrix=matrix, score=score, classes=classes, positive=positive)


def _roles(model: Model, outputs: dict[str, Array], at: Location) -> tuple[str | None, str | None]:
    wanted = {"prediction": model.output.prediction, "probabilities": model.output.probabilities}
    for role, name in wanted.items():
        if name is not None and name not in outputs:
            raise BadPredictions(
                f"`output.{role}` is `{name}`, and the model has the outputs {', '.join(outputs)}",
                at=model.at("output", role),
            )
    likely = [name for name in outputs if "prob" in name.lower() and name != wanted["prediction"]]
    probabilities = wanted["probabilities"] or next(iter(likely), None)
    rest = [name for name in outputs if name != probabilities]
    likely = [name for name in rest if any(word in name.lower() for word in ("label", "predict", "variable", "class"))]
    prediction = wanted["prediction"]
    if prediction is None and not (wanted["probabilities"] and not likely):
        prediction = likely[0] if likely else rest[0] if len(rest) == 1 else None
    if prediction is None and probabilities is None:
        raise BadPredictions(
            f"the model has the outputs {', '.join(outputs)}; which one predicts?", hint=_say(outputs), at=at
        )
    return prediction, probabilities


def _say(outputs: dict[str, Array]) -> str:
    return f"say `output: {{prediction: NAME}}` with one of {', '.join(outputs)}"


def _is_regression(
    model: Model, signature: Signature, y: Array, predicted: Array | None, probabilities: str | None
) -> bool:
    if model.task in ("binary", "multiclass", "regression"):
        return model.task == "regression"
    if probabilities or signature.classes or model.output.classes or _is_text(y) or y.dtype.kind == "b":
        return False
    if predicted is None or predicted.dtype.kind != "f":
        return False
    # a float answer to a number: classes would be whole numbers on both sides
    return bool((predicted != predicted.round()).any() or (y.dtype.kind == "f" and (y != y.round()).any()))


def _target(values: Array, name: str, at: Location) -> Array:
    missing = _missing(values)
    if missing.any():
        raise BadPredictions(
            f"the target `{name}` is missing in {int(missing.sum()):,} of {len(values):,} rows",
            hint="take these rows out of the dataset",
            at=at,
        )
    if not len(values):
        raise BadPredictions("the dataset has no rows", at=at)
    return values


def _positive(model: Model, classes: Sequence[Any], at: Location, *, as_text: bool) -> Any:
    import numpy as np

    stated = model.output.positive
    if stated is None:
        # the larger of two, as scikit-learn has it: 1 of 0 and 1, True of False and True
        return classes[1] if len(classes) == 2 else None
    value = _plain(np.array([stated], dtype=object), as_text=as_text)[0]
    if value not in classes:
        known = ", ".join(str(item) for item in classes[:10])
        raise BadPredictions(f"`output.positive` is `{stated}`, and the classes are {known}", at=at)
    return value


def _decide(
    matrix: Array, score: Array | None, classes: Sequence[Any], positive: Any, threshold: float | None
) -> Array:
    import numpy as np

    if score is not None and threshold is not None and len(classes) == 2:
        other = classes[1 - list(classes).index(positive)]
        return np.where(score >= threshold, np.array(positive), np.array(other))
    decided: Array = np.asarray(classes)[matrix.argmax(axis=1)]
    return decided


def _matrix(values: Array) -> Array:
    import numpy as np

    values = np.asarray(values, dtype=np.float32 if values.dtype == np.float32 else np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise BadPredictions(f"probabilities of shape {values.shape} are not rows by classes")
    # one column is the probability of the positive class of two
    return np.hstack([1 - values, values]) if values.shape[1] == 1 else values


def _flat(values: Array, name: str) -> Array:
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        raise BadPredictions(f"`{name}` has the shape {values.shape}, expected one value a row")
    return values


def _missing(values: Array) -> Array:
    import numpy as np

    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    return np.array([value is None or value != value for value in values.tolist()], dtype=bool)


def _finite(values: Array, name: str) -> Array:
    import numpy as np

    try:
        values = values.astype(np.float64) if values.dtype.kind != "f" else values
    except (TypeError, ValueError):
        raise BadPredictions(f"numbers are expected in {name}, and it holds text") from None
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise BadPredictions(f"{bad:,} of {values.size:,} numbers in {name} are not finite")
    return values


def _is_text(values: Array) -> bool:
    if values.dtype.kind in "US":
        return True
    return values.dtype.kind == "O" and any(isinstance(value, str) for value in values)


def _plain(values: Array, *, as_text: bool) -> Array:
    """Classes in one comparable form: text if any side is text, else numbers."""
    import numpy as np

    if not as_text:
        return values.astype(np.float64)
    return np.array([_word(value) for value in values.tolist()])


def _word(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
