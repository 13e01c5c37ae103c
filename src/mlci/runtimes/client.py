"""The engine's end of a worker: starts it, asks it, and tells in one line why it did not answer."""

from __future__ import annotations

import difflib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from mlci.errors import LimitReached, MissingExtra, MlciError, SafetyRefused
from mlci.escape import line
from mlci.ports import Array, Signature, Table, Tensor
from mlci.runtimes import worker
from mlci.world import World, this_python

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how large a model's process may be; ``memory`` in bytes, None is unbounded."""

    load_s: float = 60.0
    predict_s: float = 300.0
    memory: int | None = None


# one implementation for both ends of the pipe; the worker's file is run by old interpreters and has no types
_encode: Callable[[str, Array, str], dict[str, Any]] = worker.encode
_decode: Callable[[Mapping[str, Any], str], Array] = worker.decode


class ModelFailed(MlciError):
    """The model, or its process, gave no answer."""

    code = "runtime"


class WorkerPredictor:
    """A model in a worker process. Not for use by two threads at once."""

    def __init__(
        self,
        python: str,
        runtime: Path,
        artifact: Path,
        world: World,
        *,
        limits: Limits = Limits(),
        extra: str = "",
        modules: Sequence[str] = (),
        label: str = "the model",
        options: Mapping[str, Any] | None = None,
        order: Sequence[str] = (),
    ) -> None:
        """Start a worker for the runtime in the file ``runtime`` and load ``artifact``.

        ``extra`` is what brings the ``modules`` that the runtime imports.
        ``order`` names columns in the order in which a single input is stacked from them.
        """
        self._limits = limits
        self._extra = extra
        self._modules = (*modules, "numpy")
        self._python = python
        self._label = label
        self._order = tuple(order)
        self._asked = 0
        self._scratch = tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True)
        home = Path(self._scratch.name)
        try:
            # copies: whatever the interpreter turns out to be, it is not handed mlci's own files
            own = [shutil.copy(path, home) for path in (worker.__file__, runtime)]
            argv = [python, "-I", *map(str, own)]
            self._child = world.spawn(argv, cwd=home, env=world.child_env(home))
        except MlciError:
            self._scratch.cleanup()
            raise
        try:
            request = {
                "op": "load",
                "path": str(artifact),
                "scratch": self._scratch.name,
                "options": dict(options or {}),
                "memory": limits.memory,
            }
            self.signature = self._read(_signature, self._ask(request, limits.load_s, "load"))
        except BaseException:
            self.close()
            raise

    def predict(self, table: Table, without: Sequence[str]) -> dict[str, Array]:
        names = self._columns(table, without)
        inputs = [_encode(name, values, self._scratch.name) for name, values in table.arrays(names).items()]
        reply = self._ask({"op": "infer", "inputs": inputs}, self._limits.predict_s, "predict")
        if reply.get("classes") is not None:
            self.signature = replace(self.signature, classes=self._read(tuple, reply["classes"]))
        return self._read(lambda answer: _arrays(answer, self._scratch.name), reply)

    def _columns(self, table: Table, without: Sequence[str]) -> list[str]:
        """The columns that the model takes, by name; in a declared order where it knows no names."""
        present = [column.name for column in table.columns]
        if not self.signature.inputs:
            raise ModelFailed(f"{self._label} says that it takes no input")
        named = list(self.signature.features or ())
        inputs = [tensor.name for tensor in self.signature.inputs]
        if not named and (len(inputs) > 1 or inputs[0] in present):
            named = inputs
        for name in named:
            if name not in present:
                close = difflib.get_close_matches(name, present, n=1)
                hint = (
                    f"did you mean `{line(close[0])}`?"
                    if close
                    else f"the dataset has {', '.join(map(line, present[:12]))}"
                )
                raise ModelFailed(
                    f"{self._label} takes the column `{line(name)}`, and the dataset has none of that name", hint=hint
                )
        if named:
            return named
        shape = self.signature.inputs[0].shape
        width = shape[-1] if len(shape) == 2 else -1
        features = [name for name in present if name not in without]
        declared = [name for name in self._order if name in features]
        for names in (declared, features):
            if (names and len(names) == width) or (names and width == -1):
                return names
        raise ModelFailed(
            f"{self._label} takes {width} columns without names, and the dataset has {len(features)}"
            " besides target and key",
            hint="list the columns that the model takes, in its order, under `columns:` of the dataset",
        )

    def _ask(self, request: dict[str, Any], timeout_s: float, doing: str) -> dict[str, Any]:
        self._asked += 1
        text = json.dumps({"id": self._asked, **request}, allow_nan=False)
        try:
            raw = self._child.ask(text.encode(), timeout_s=timeout_s)
        except LimitReached as error:
            hint = f"raise `limits: {{{doing}: …}}` in mlci.yaml if it may take that long"
            raise LimitReached(f"{self._label} did not {doing}: {error.message}", hint=hint) from None
        if raw is None:
            raise ModelFailed(
                f"the process of {self._label} ended {_how(self._child.status)} while it should {doing}{self._said()}"
            )
        try:
            reply = json.loads(raw)
            answered = reply["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ModelFailed(f"the process of {self._label} answered with something else than a reply") from None
        if answered != self._asked:
            raise ModelFailed(f"the process of {self._label} answered another question")
        if "error" in reply:
            raise self._read(lambda error: self._error(error, doing), reply["error"])
        return dict(reply)

    def _read(self, read: Callable[[Any], T], reply: Any) -> T:
        """What ``read`` makes of a reply; the model's process is free to answer anything."""
        try:
            return read(reply)
        except (ValueError, KeyError, TypeError, AttributeError, OSError, MemoryError):
            raise ModelFailed(f"the process of {self._label} answered with something else than a reply") from None

    def _error(self, error: Mapping[str, Any], doing: str) -> MlciError:
        message = line(str(error["message"]))[:500]
        if error["kind"] == "missing":
            return self._missing(line(error["module"] or message))
        if error["kind"] == "untrusted":
            names = [line(str(name)) for name in error["names"]]
            hint = "look at the types; if you trust them: mlci check " + " ".join(
                f"--trust {name}" for name in names[:5]
            )
            return SafetyRefused(f"{self._label} is not loaded: {message}", hint=hint)
        short_of_memory = self._limits.memory and error["type"] in ("ImportError", "OSError", "SystemError")
        if error["kind"] == "memory" or short_of_memory:
            return LimitReached(
                f"{self._label} ran out of memory in {doing}", hint="raise `limits: {memory: …}` in mlci.yaml"
            )
        return ModelFailed(f"{self._label} failed to {doing}: {line(error['type'])}: {message}")

    def _missing(self, module: str) -> MlciError:
        if self._python != this_python():
            hint = "install the model's requirements there, numpy and its framework among them"
            return ModelFailed(f"{module} is not installed in the model's own interpreter", hint=hint)
        if module.partition(".")[0] in self._modules:
            return MissingExtra(self._extra, module)
        hint = "install it beside mlci, or name the model's own interpreter: `runtime: {kind:, python:}`"
        return ModelFailed(f"{self._label} needs the module `{module}`, which is not installed", hint=hint)

    def _said(self) -> str:
        last = self._child.said().splitlines()[-1:]
        return f"; its last words: {line(last[0])[:300]}" if last else ""

    def close(self) -> None:
        self._child.close()
        self._scratch.cleanup()


def _how(status: int | None) -> str:
    if status is None:
        return "without a status"
    return f"by signal {-status}" if status < 0 else f"with status {status}"


def _arrays(reply: Mapping[str, Any], scratch: str) -> dict[str, Array]:
    return {str(tensor["name"]): _decode(tensor, scratch) for tensor in reply["outputs"]}


def _signature(reply: Mapping[str, Any]) -> Signature:
    def tensors(items: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
        return tuple(Tensor(item["name"], item["datatype"], tuple(item["shape"])) for item in items)

    classes, features = reply.get("classes"), reply.get("features")
    return Signature(
        tensors(reply["inputs"]),
        tensors(reply["outputs"]),
        None if classes is None else tuple(classes),
        None if features is None else tuple(features),
    )
