"""The worker protocol, and a model's process that prints, crashes, hangs, lies, or leaves something behind."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlci.errors import LimitReached, MissingExtra, MlciError, OutsideFailed, SafetyRefused
from mlci.runtimes import worker
from mlci.runtimes.client import Limits, ModelFailed, WorkerPredictor
from mlci.testing import FakeTable
from mlci.world import World

Array = np.ndarray[Any, np.dtype[Any]]
TABLE = FakeTable({"x": [1.0, 2.0], "y": [0, 1]})
MEMORY = 1 << 30


# Tensors --------------------------------------------------------------------------------------------------------


def travelled(array: Array, scratch: Path) -> Array:
    """The array after a journey through one line of JSON."""
    line = json.dumps(worker.encode("x", array, str(scratch)), allow_nan=False)
    assert "\n" not in line
    decoded: Array = worker.decode(json.loads(line), scratch)
    return decoded


numbers = st.sampled_from(
    [
        "bool",
        *(f"{kind}{size}" for kind in ("int", "uint") for size in (8, 16, 32, 64)),
        "float16",
        "float32",
        "float64",
    ]
)
shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(array=numbers.flatmap(lambda kind: hnp.arrays(np.dtype(kind), shapes)))
def test_numbers_of_every_type_arrive_as_they_left(tmp_path: Path, array: Array) -> None:
    arrived = travelled(array, tmp_path)
    assert arrived.dtype == array.dtype
    assert arrived.shape == array.shape
    np.testing.assert_array_equal(arrived, array)  # NaN to NaN, infinity to infinity


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(array=hnp.arrays(object, shapes, elements=st.one_of(st.none(), st.text(), st.integers(), st.booleans())))
def test_text_and_missing_values_arrive_as_they_left(tmp_path: Path, array: Array) -> None:
    arrived = travelled(array, tmp_path)
    assert arrived.dtype == object
    assert arrived.shape == array.shape
    assert arrived.tolist() == array.tolist()


@pytest.mark.parametrize(
    ("array", "arrived"),
    [
        (np.array(["a", "long"]), ["a", "long"]),
        (np.array([b"a", b"\xff"]), ["a", "\ufffd"]),
        (np.array([], dtype=str), []),
        (np.array(1.5), 1.5),
        (np.arange(6.0).reshape(2, 3).T, [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]),
        (np.array([1, 2], dtype=">i4"), [1, 2]),
    ],
    ids=["text of numpy", "bytes", "no text", "one number", "transposed", "the other byte order"],
)
def test_arrays_of_other_forms_arrive_as_well(tmp_path: Path, array: Array, arrived: Any) -> None:
    assert travelled(array, tmp_path).tolist() == arrived


@pytest.mark.parametrize("size", [worker.INLINE, worker.INLINE + 1, 300_000])
def test_a_large_array_travels_as_a_file(tmp_path: Path, size: int) -> None:
    array = np.random.default_rng(size).normal(size=size).astype(np.float32)
    np.testing.assert_array_equal(travelled(array, tmp_path), array)
    assert len(list(tmp_path.glob("*.npy"))) == (size > worker.INLINE)


def test_two_large_arrays_of_one_name_do_not_meet(tmp_path: Path) -> None:
    tensors = [worker.encode("same", np.full(20_000, fill), str(tmp_path)) for fill in (1.0, 2.0)]
    assert [worker.decode(tensor, str(tmp_path))[0] for tensor in tensors] == [1.0, 2.0]


def test_a_file_that_holds_a_pickle_is_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="does not hold what its header says"):
        worker.decode({"datatype": "BYTES", "shape": [1], "parameters": {"npy": "x.npy"}}, str(tmp_path))


def test_a_tensor_of_nan_is_null_in_the_protocol(tmp_path: Path) -> None:
    tensor = worker.encode("x", np.array([1.5, math.nan]), str(tmp_path))
    assert tensor == {"name": "x", "datatype": "FP64", "shape": [2], "data": [1.5, None]}


def test_the_worker_imports_the_standard_library_only() -> None:
    program = f"import runpy, sys; runpy.run_path({worker.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} <= {*sys.stdlib_module_names, "__main__"}


# One process of a model -------------------------------------------------------------------------------------------

RUNTIME = """
import json, os, signal, subprocess, sys, time
import numpy as np

class Adapter:
    def __init__(self, path, options):
        self.path = path
        self.options = options
        {load}

    def signature(self):
        {signature}
        return {{
            "inputs": [{{"name": "x", "datatype": "FP64", "shape": [-1]}}],
            "outputs": [{{"name": "out", "datatype": "FP64", "shape": [-1]}}],
        }}

    def predict(self, inputs):
        {predict}
        return {{"out": inputs["x"] * 2}}
"""

Starter = Callable[..., WorkerPredictor]
PATIENT = Limits(load_s=120, predict_s=120)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Starts a worker on a runtime with lines of its own in it, and closes it in the end."""
    started: list[WorkerPredictor] = []

    def start_(
        *,
        load: str = "",
        signature: str = "",
        predict: str = "",
        text: str = "",
        limits: Limits = PATIENT,
        env: dict[str, str] | None = None,
        **more: Any,
    ) -> WorkerPredictor:
        parts = {"load": load, "signature": signature, "predict": predict}
        indented = {
            key: textwrap.indent(textwrap.dedent(part), " " * 8).strip() or "pass" for key, part in parts.items()
        }
        runtime = tmp_path / "runtime.py"
        runtime.write_text(text or RUNTIME.format(**indented))
        world = World(tmp_path, {**os.environ, **(env or {})})
        started.append(
            WorkerPredictor(
                sys.executable,
                runtime,
                tmp_path / "m",
                world,
                limits=limits,
                extra="onnx",
                modules=("onnxruntime",),
                label="`m`",
                **more,
            )
        )
        return started[-1]

    yield start_
    for predictor in started:
        predictor.close()


def gone(pid: int) -> bool:
    """Whether a process has ended, waiting for the system to tell."""
    for _ in range(3000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def test_a_model_answers_for_every_row(start: Starter) -> None:
    predictor = start()
    assert predictor.signature.inputs[0].name == "x"
    assert predictor.predict(TABLE, ["y"])["out"].tolist() == [2.0, 4.0]
    assert predictor.predict(TABLE, ["y"])["out"].tolist() == [2.0, 4.0]


def test_a_large_table_and_a_large_answer_go_through(start: Starter) -> None:
    values = list(np.arange(50_000.0))
    answer = start().predict(FakeTable({"x": values}), [])["out"]
    np.testing.assert_array_equal(answer, np.arange(50_000.0) * 2)


def test_what_a_model_prints_is_no_answer(start: Starter) -> None:
    noise = """
    print("loading ...", flush=True)
    os.write(1, b'{"id": 1}' + bytes([10]))
    subprocess.run(["echo", "from a child"])
    """
    predictor = start(load=noise, predict=noise, text="")
    assert predictor.predict(TABLE, [])["out"].tolist() == [2.0, 4.0]


def test_a_model_that_writes_much_to_stderr_does_not_block(start: Starter) -> None:
    predictor = start(predict="sys.stderr.write('x' * 3_000_000)")
    assert predictor.predict(TABLE, [])["out"].tolist() == [2.0, 4.0]


def test_options_and_the_path_reach_the_runtime(start: Starter, tmp_path: Path) -> None:
    predictor = start(
        predict="return {'trust': np.array(self.options['trust']), 'path': np.array([self.path])}",
        options={"trust": ["a.B"]},
    )
    answers = predictor.predict(TABLE, [])
    assert answers["trust"].tolist() == ["a.B"]
    assert answers["path"].tolist() == [str(tmp_path / "m")]


def test_a_model_sees_no_token_and_none_of_the_home(start: Starter, tmp_path: Path) -> None:
    secret = {"GITHUB_TOKEN": "t0p", "AWS_SECRET_ACCESS_KEY": "s3cret", "HOME": "/home/someone", "LANG": "C.UTF-8"}
    predictor = start(predict="return {'env': np.array([f'{k}={v}' for k, v in os.environ.items()])}", env=secret)
    seen = dict(item.split("=", 1) for item in predictor.predict(TABLE, [])["env"].tolist())
    assert "LANG" in seen
    assert set(seen) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "HOME", "TMPDIR"} | {
        "PYTHONHASHSEED",
        "PYTHONUTF8",
    }
    assert not {"t0p", "s3cret", "/home/someone"} & set(seen.values())


def test_a_model_does_not_import_what_lies_beside_it(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("raise SystemExit(9)")
    assert start(load="import colorsys").signature.outputs[0].name == "out"


HANG = "while True: time.sleep(60)"
LIE = "something else than a reply"

# the descriptor of the replies, found as hostile code would find it
REPLY = """
def _reply(answer):
    import json, os, stat
    for fd in range(3, 16):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                os.write(fd, (answer if isinstance(answer, bytes) else json.dumps(answer).encode()) + bytes([10]))
        except OSError:
            pass
"""

# name -> (where, what the runtime does there, the error, what it says)
Trouble = tuple[str, str, type[MlciError], str]

LOAD_TROUBLE: dict[str, Trouble] = {
    "raises": ("load", "raise ValueError('no layer')", ModelFailed, "`m` failed to load: ValueError: no layer"),
    "raises on two lines": ("load", "raise ValueError('a' + chr(10) + 'b')", ModelFailed, r"ValueError: a\nb"),
    "raises late": ("signature", "raise OSError('x')", ModelFailed, "`m` failed to load: OSError: x"),
    "exits": (
        "load",
        "print('bye', file=sys.stderr); os._exit(3)",
        ModelFailed,
        "the process of `m` ended with status 3 while it should load; its last words: bye",
    ),
    "leaves": ("load", "sys.exit(7)", ModelFailed, "the process of `m` ended with status 7"),
    "is killed": ("load", "os.kill(os.getpid(), signal.SIGSEGV)", ModelFailed, "the process of `m` ended by signal 11"),
    "lacks its framework": (
        "load",
        "raise ModuleNotFoundError('no onnxruntime', name='onnxruntime')",
        MissingExtra,
        "onnxruntime is not installed; it comes with the extra `onnx`",
    ),
    "lacks a module of its own": (
        "load",
        "import no_such_module",
        ModelFailed,
        "`m` needs the module `no_such_module`, which is not installed",
    ),
    "lacks a part of one": ("load", "from json import no_part", ModelFailed, "`m` failed to load: ImportError: cannot"),
    "runs out of memory": ("load", "raise MemoryError", LimitReached, "`m` ran out of memory in load"),
    "is untrusted": (
        "load",
        "e = Exception('types'); e.kind, e.names = 'untrusted', ['a.B', 'c.D']; raise e",
        SafetyRefused,
        "`m` is not loaded: types",
    ),
    "has no signature": ("signature", "return None", ModelFailed, "`m` failed to load: TypeError"),
    "has an empty signature": ("signature", "return {}", ModelFailed, f"the process of `m` answered with {LIE}"),
    "has a wrong signature": ("signature", "return {'inputs': 3, 'outputs': []}", ModelFailed, LIE),
    "has a signature of words": ("signature", "return {'inputs': ['x'], 'outputs': []}", ModelFailed, LIE),
    "closes its pipes": ("load", "os.closerange(3, 64); time.sleep(600)", ModelFailed, "`m` ended by signal 9"),
    "writes garbage": ("load", "_reply(b'garbage')", ModelFailed, LIE),
    "writes bytes": ("load", "_reply(bytes(range(128, 256)))", ModelFailed, LIE),
    "writes a list": ("load", "_reply([1, 2])", ModelFailed, LIE),
    "writes deep JSON": ("load", "_reply(b'[' * 200_000)", ModelFailed, LIE),
    "answers another question": ("load", "_reply({'id': 9})", ModelFailed, "of `m` answered another question"),
    "answers with half an error": ("load", "_reply({'id': 1, 'error': 5})", ModelFailed, LIE),
    "answers with an odd error": ("load", "_reply({'id': 1, 'error': {'kind': 'error'}})", ModelFailed, LIE),
}
CODES = {ModelFailed: "runtime", LimitReached: "limit", MissingExtra: "missing-extra", SafetyRefused: "unsafe"}


def troubled(trouble: Trouble) -> str:
    """A runtime file that does what the trouble says."""
    where, code, *_ = trouble
    return REPLY + RUNTIME.format(**{"load": "pass", "signature": "pass", "predict": "pass", where: code})


def check_trouble(error: MlciError, trouble: Trouble) -> None:
    assert type(error) is trouble[2]
    assert trouble[3] in error.message
    assert error.code == CODES[trouble[2]]
    assert "\n" not in error.message


@pytest.mark.parametrize("case", LOAD_TROUBLE)
def test_a_model_that_does_not_load_is_one_clear_error(start: Starter, case: str) -> None:
    with pytest.raises(MlciError) as caught:
        start(text=troubled(LOAD_TROUBLE[case]))
    check_trouble(caught.value, LOAD_TROUBLE[case])


def test_a_refused_type_is_named_in_the_hint(start: Starter) -> None:
    with pytest.raises(SafetyRefused) as caught:
        start(text=troubled(LOAD_TROUBLE["is untrusted"]))
    assert caught.value.hint.endswith("mlci check --trust a.B --trust c.D")


def outputs(**tensor: Any) -> str:
    return f"_reply({ {'id': 2, 'outputs': [{'name': 'o', **tensor}]} })"


PREDICT_TROUBLE: dict[str, Trouble] = {
    "raises": ("predict", "raise KeyError('age')", ModelFailed, "`m` failed to predict: KeyError: 'age'"),
    "exits": ("predict", "os._exit(0)", ModelFailed, "`m` ended with status 0 while it should predict"),
    "answers nothing": ("predict", "return None", ModelFailed, "`m` failed to predict: AttributeError"),
    "answers a set": ("predict", "return {'out': [{1, 2}]}", ModelFailed, "`m` failed to predict: TypeError"),
    "has odd classes": ("predict", "self.classes = 5", ModelFailed, LIE),
    "answers without outputs": ("predict", "_reply({'id': 2})", ModelFailed, LIE),
    "lies about a shape": ("predict", outputs(datatype="FP64", shape=[9], data=[1]), ModelFailed, LIE),
    "lies about a type": ("predict", outputs(datatype="FP7", shape=[1], data=[1]), ModelFailed, LIE),
    "calls text numbers": ("predict", outputs(datatype="INT64", shape=[1], data=["a"]), ModelFailed, LIE),
    "names no file": ("predict", outputs(parameters={"npy": "/no/such"}), ModelFailed, LIE),
    "names a file of another kind": ("predict", outputs(parameters={"npy": __file__}), ModelFailed, LIE),
}


@pytest.mark.parametrize("case", PREDICT_TROUBLE)
def test_a_model_that_does_not_predict_is_one_clear_error(start: Starter, case: str) -> None:
    predictor = start(text=troubled(PREDICT_TROUBLE[case]))
    with pytest.raises(MlciError) as caught:
        predictor.predict(TABLE, [])
    check_trouble(caught.value, PREDICT_TROUBLE[case])


def test_a_model_that_raised_once_answers_the_next_time(start: Starter) -> None:
    predictor = start(
        predict="self.count = getattr(self, 'count', 0) + 1\nif self.count == 1: raise ValueError('once')"
    )
    with pytest.raises(ModelFailed, match="once"):
        predictor.predict(TABLE, [])
    assert predictor.predict(TABLE, [])["out"].tolist() == [2.0, 4.0]


def test_a_process_that_has_ended_is_told_so_again(start: Starter) -> None:
    predictor = start(predict="os._exit(5)")
    for _ in range(2):
        with pytest.raises(ModelFailed, match="ended with status 5 while it should predict"):
            predictor.predict(TABLE, [])


@pytest.mark.parametrize("where", ["load", "signature", "import"])
def test_a_model_that_hangs_while_it_loads_is_ended_at_its_limit(start: Starter, tmp_path: Path, where: str) -> None:
    mark = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    hang = f"{mark}; os.rename({str(tmp_path / 'pid')!r}, {str(tmp_path / 'ready')!r})\n{HANG}"
    text = {"text": f"import os, time\n{hang}"} if where == "import" else {where: hang}
    with pytest.raises(LimitReached) as caught:
        start(**text, limits=Limits(load_s=1))
    assert caught.value.message == "`m` did not load: no answer after 1 s"
    assert "raise `limits: {load: …}` in mlci.yaml" in caught.value.hint
    ready = tmp_path / "ready"
    assert not ready.exists() or gone(int(ready.read_text()))


def test_a_model_that_hangs_while_it_predicts_is_ended_at_its_limit(start: Starter) -> None:
    predictor = start(predict=HANG, limits=Limits(load_s=120, predict_s=1))
    with pytest.raises(LimitReached, match="`m` did not predict: no answer after 1 s") as caught:
        predictor.predict(TABLE, [])
    assert "limits: {predict: …}" in caught.value.hint


def test_a_model_that_ignores_the_end_of_its_input_is_ended(start: Starter) -> None:
    thread = "import threading; threading.Thread(target=lambda: time.sleep(600)).start()"
    predictor = start(load=thread, signature="signal.signal(signal.SIGTERM, signal.SIG_IGN)", predict=PID)
    pid = int(predictor.predict(TABLE, [])["pid"][0])
    predictor.close()
    assert gone(pid)


PID = "return {'pid': np.array([os.getpid()])}"
GRANDCHILD = "self.child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"


@pytest.mark.parametrize("end", ["close", "crash", "hang"])
def test_nothing_that_a_model_started_outlives_it(start: Starter, tmp_path: Path, end: str) -> None:
    note = tmp_path / "pid"
    note_it = f"open({str(note)!r}, 'w').write(str(self.child.pid))"
    last = {"close": "pass", "crash": "os._exit(1)", "hang": HANG}[end]
    predictor = start(load=f"{GRANDCHILD}; {note_it}", predict=last, limits=Limits(load_s=120, predict_s=1))
    if end != "close":
        with pytest.raises(MlciError):
            predictor.predict(TABLE, [])
    predictor.close()
    assert gone(int(note.read_text()))


def test_the_scratch_folder_goes_with_the_process(start: Starter) -> None:
    predictor = start(predict="return {'here': np.array([os.getcwd()])}")
    folder = Path(predictor.predict(TABLE, [])["here"][0])
    assert folder.is_dir()
    predictor.close()
    assert not folder.exists()


def test_a_failed_start_leaves_no_scratch_folder(start: Starter, tmp_path: Path) -> None:
    note = tmp_path / "where"
    with pytest.raises(ModelFailed):
        start(load=f"open({str(note)!r}, 'w').write(os.getcwd()); os._exit(1)")
    assert not Path(note.read_text()).exists()


def test_memory_beyond_the_limit_is_a_limit_reached(start: Starter) -> None:
    with pytest.raises(LimitReached, match="`m` ran out of memory in load") as caught:
        start(load="self.large = np.ones(10 ** 10, np.uint8)", limits=Limits(load_s=120, memory=MEMORY))
    assert caught.value.hint == "raise `limits: {memory: …}` in mlci.yaml"


def test_memory_below_the_limit_is_given(start: Starter) -> None:
    predictor = start(load="self.large = np.zeros(10 ** 7)", limits=Limits(load_s=120, memory=MEMORY))
    assert predictor.predict(TABLE, [])["out"].tolist() == [2.0, 4.0]


def test_an_interpreter_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match="cannot be started"):
        WorkerPredictor(str(tmp_path / "python"), Path(worker.__file__), tmp_path / "m", World(tmp_path, {}))


# Columns --------------------------------------------------------------------------------------------------------

NAMES = "return {'names': np.array(list(inputs))}"


def takes(*names: str, width: int | None = None, features: str = "None") -> str:
    shape = "[-1]" if width is None else f"[-1, {width}]"
    inputs = ", ".join(f"{{'name': '{name}', 'datatype': 'FP64', 'shape': {shape}}}" for name in names)
    return f"return {{'inputs': [{inputs}], 'outputs': [], 'features': {features}}}"


WIDE = FakeTable({"id": [1], "b": [1.0], "a": [2.0], "c": [3.0], "y": [0]})


@pytest.mark.parametrize(
    ("signature", "order", "names"),
    [
        (takes("a", "b"), [], ["a", "b"]),
        (takes("c"), [], ["c"]),
        (takes("X", width=2, features="['c', 'b']"), [], ["c", "b"]),
        (takes("X", width=3), [], ["b", "a", "c"]),
        (takes("X", width=-1), [], ["b", "a", "c"]),
        (takes("X", width=2), ["a", "id", "b", "y"], ["a", "b"]),
        (takes("X", width=-1), ["c", "a"], ["c", "a"]),
        (takes("X", width=3), ["a", "b"], ["b", "a", "c"]),
    ],
    ids=[
        "an input a column", "one input named as a column", "features by name", "all columns stacked", "any width",
        "declared order", "declared order, any width", "too few are declared",
    ],
)  # fmt: skip
def test_columns_reach_a_model_by_name_else_in_order(
    start: Starter, signature: str, order: list[str], names: list[str]
) -> None:
    predictor = start(signature=signature, predict=NAMES, order=order)
    assert predictor.predict(WIDE, ["id", "y"])["names"].tolist() == names


@pytest.mark.parametrize(
    ("signature", "said", "hint"),
    [
        (takes("a", "bb"), "`m` takes the column `bb`, and the dataset has none of that name", "did you mean `b`?"),
        (takes("a", "tenure"), "`m` takes the column `tenure`", "the dataset has id, b, a, c, y"),
        (takes("X", width=2, features="['aa', 'b']"), "`m` takes the column `aa`", "did you mean `a`?"),
        (takes("X", width=5), "`m` takes 5 columns without names, and the dataset has 3 besides", "list the columns"),
    ],
)
def test_columns_that_a_model_lacks_are_named(start: Starter, signature: str, said: str, hint: str) -> None:
    predictor = start(signature=signature, predict=NAMES)
    with pytest.raises(ModelFailed) as caught:
        predictor.predict(WIDE, ["id", "y"])
    assert caught.value.message.startswith(said)
    assert hint in caught.value.hint


# What the other side names --------------------------------------------------------------------------------------


def named(name: str) -> dict[str, Any]:
    return {"name": "x", "datatype": "FP64", "shape": [1], "parameters": {"npy": name}}


@pytest.mark.parametrize("name", ["../secret.npy", "/etc/passwd", "a/b.npy", ".", ".."])
def test_an_array_is_read_from_the_scratch_folder_alone(tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "secret.npy", np.ones(1))
    (tmp_path / "scratch").mkdir()
    with pytest.raises((ValueError, OSError)):
        worker.decode(named(name), str(tmp_path / "scratch"))


def test_a_link_a_pipe_and_a_folder_are_no_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", np.ones(1))
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "folder.npy").mkdir()
    for name in ("link.npy", "pipe.npy", "folder.npy"):
        with pytest.raises((ValueError, OSError)):
            worker.decode(named(name), str(tmp_path))


def test_an_array_that_promises_more_than_its_file_holds_is_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones(3))
    raw = (tmp_path / "x.npy").read_bytes().replace(b"(3,)", b"(9,)")
    (tmp_path / "x.npy").write_bytes(raw)
    with pytest.raises(ValueError, match="does not hold what its header says"):
        worker.decode(named("x.npy"), str(tmp_path))


def test_a_reply_that_names_a_file_elsewhere_is_no_reply(start: Starter, tmp_path: Path) -> None:
    np.save(tmp_path / "secret.npy", np.ones(2))
    reply = outputs(datatype="FP64", shape=[2], parameters={"npy": str(tmp_path / "secret.npy")})
    with pytest.raises(ModelFailed, match="answered with something else than a reply"):
        start(text=troubled(("predict", reply, ModelFailed, ""))).predict(FakeTable({"a": [1.0, 2.0]}), ())


def test_the_interpreter_is_never_handed_mlcis_own_files(start: Starter, tmp_path: Path) -> None:
    script = tmp_path / "remove"
    script.write_text('#!/bin/sh\nrm -f "$2" "$3"\n')
    script.chmod(0o755)
    own = [Path(worker.__file__), Path(worker.__file__).with_name("onnx.py")]
    with pytest.raises(ModelFailed):
        WorkerPredictor(str(script), own[1], tmp_path / "m", World(tmp_path))
    assert all(path.exists() for path in own)
