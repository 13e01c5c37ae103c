"""The bench of one model: what is costly is done once, shared between threads, and closed in the end."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from mlci.datasets import Terms
from mlci.errors import LimitReached, MlciError, PathRefused, UsageError
from mlci.git import Git
from mlci.repo import CommitTree, Repo, WorkTree
from mlci.testing import model_from
from mlci.workbench import Workbench
from mlci.world import Child, World


def doubled() -> bytes:
    """An ONNX model that answers twice the column `x`."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N"])]
    node = helper.make_node("Add", ["x", "x"], ["prediction"])
    opset = helper.make_opsetid("", 17)
    proto = helper.make_model(helper.make_graph([node], "g", inputs, outputs), opset_imports=[opset], ir_version=8)
    raw: bytes = proto.SerializeToString()
    return raw


class CountingWorld(World):
    """The real world, which remembers the programs that were started in it."""

    def __init__(self, cwd: Path) -> None:
        super().__init__(cwd)
        self.spawned: list[Child] = []

    def spawn(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Child:
        child = super().spawn(argv, cwd=cwd, env=env)
        self.spawned.append(child)
        return child


MODEL: dict[str, Any] = {
    "version": 1,
    "name": "m",
    "artifact": "m.onnx",
    "datasets": {"a": {"path": "a.csv", "target": "y"}, "b": {"path": "b.csv", "target": "y"}},
    "checks": ["artifact"],
}
FILES: dict[str, str | bytes] = {"m.onnx": doubled(), "a.csv": "x,y\n1.5,3\n2,4\n", "b.csv": "x,y\n4.5,9.5\n"}


def lay(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, body in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body if isinstance(body, bytes) else body.encode())


LAID: list[Workbench] = []


@pytest.fixture(autouse=True)
def closed_in_the_end() -> Iterator[None]:
    yield
    while LAID:
        LAID.pop().close()


def bench(
    root: Path,
    *,
    limits: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes] = FILES,
    world: World | None = None,
    repo: Repo | None = None,
    folder: str = "",
    trust: tuple[str, ...] = (),
    **more: Any,
) -> Workbench:
    lay(root, files)
    model = model_from({**MODEL, **more}, f"{folder}/model.yaml" if folder else "model.yaml")
    LAID.append(Workbench(model, repo or WorkTree(root), world or World(root), Terms(limits=limits or {}, trust=trust)))
    return LAID[-1]


@pytest.fixture
def world(tmp_path: Path) -> CountingWorld:
    return CountingWorld(tmp_path)


def test_a_model_is_started_once_for_all_of_its_datasets(tmp_path: Path, world: CountingWorld) -> None:
    desk = bench(tmp_path, world=world)
    answers = [desk.outputs(name)[1]["prediction"].tolist() for name in ("a", "b", "a")]
    assert answers == [[3.0, 4.0], [9.0], [3.0, 4.0]]
    assert len(world.spawned) == 1


def test_answers_and_tables_are_made_once(tmp_path: Path) -> None:
    desk = bench(tmp_path)
    assert desk.outputs("a")[1] is desk.outputs("a")[1]
    assert desk.table("a") is desk.table("a")
    assert desk.content("m.onnx") is desk.content("m.onnx")


def test_many_threads_share_one_model(tmp_path: Path, world: CountingWorld) -> None:
    desk = bench(tmp_path, world=world)
    together = threading.Barrier(8)

    def ask(number: int) -> list[float]:
        together.wait()
        answer: list[float] = desk.outputs("ab"[number % 2])[1]["prediction"].tolist()
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert answers == [[3.0, 4.0], [9.0]] * 4
    assert len(world.spawned) == 1


def test_an_error_is_found_once_and_told_to_everyone(tmp_path: Path, world: CountingWorld) -> None:
    desk = bench(tmp_path, world=world, files={**FILES, "m.onnx": doubled()[:20]})
    errors = []
    for name in ("a", "a", "b"):
        with pytest.raises(MlciError) as caught:
            desk.outputs(name)
        errors.append(caught.value.message)
    assert len(set(errors)) == 1
    assert len(world.spawned) == 1


@pytest.mark.parametrize("raw", [b"", b"x,y\n1\n2,3\n", b"\x80\x04K\x01."], ids=["empty", "ragged", "a pickle"])
def test_the_trouble_of_a_file_stands_at_its_path(tmp_path: Path, raw: bytes) -> None:
    desk = bench(tmp_path, files={**FILES, "a.csv": raw})
    with pytest.raises(MlciError) as caught:
        desk.table("a")
    assert caught.value.at == desk._model.at("datasets", "a", "path")


def test_a_folder_in_place_of_a_table_is_told_with_the_pattern_of_its_files(tmp_path: Path) -> None:
    desk = bench(tmp_path, files={**FILES, "year=2026/a.csv": FILES["a.csv"]}, datasets={"a": {"path": "year=2026"}})
    with pytest.raises(UsageError, match="`year=2026` is a folder, expected a table") as caught:
        desk.table("a")
    assert caught.value.hint.startswith("name its files, such as data/**/*.parquet")


def test_the_table_of_a_contract_is_none_of_a_file(tmp_path: Path) -> None:
    datasets = {"a": {"path": "a.csv", "contract": "c.yaml", "table": "loans"}, "b": {"path": "b.csv", "table": "b"}}
    desk = bench(tmp_path, datasets=datasets)
    assert desk.table("a").rows() == 2
    with pytest.raises(UsageError, match="names one table of a database"):
        desk.table("b")


def test_a_broken_table_does_not_spoil_another(tmp_path: Path) -> None:
    desk = bench(tmp_path, files={**FILES, "a.csv": "x,y\n1\n2,3\n"})
    with pytest.raises(MlciError, match="cannot be read"):
        desk.outputs("a")
    assert desk.outputs("b")[1]["prediction"].tolist() == [9.0]


def test_the_model_s_process_ends_with_the_bench(tmp_path: Path, world: CountingWorld) -> None:
    desk = bench(tmp_path, world=world)
    desk.outputs("a")
    assert world.spawned[0].status is None
    desk.close()
    assert world.spawned[0].status is not None


def test_a_bench_that_was_never_used_or_is_closed_twice_is_closed(tmp_path: Path) -> None:
    bench(tmp_path).close()
    desk = bench(tmp_path)
    desk.outputs("a")
    desk.close()
    desk.close()


def test_every_file_of_a_pattern_is_one_table(tmp_path: Path) -> None:
    files = {**FILES, "d/1.csv": "x,y\n1.5,3\n", "d/2.csv": "x,y\n2,4\n", "d/readme.txt": "no data"}
    desk = bench(tmp_path, files=files, datasets={"a": {"path": "d/*.csv", "target": "y"}})
    assert desk.table("a").rows() == 2
    assert desk.outputs("a")[1]["prediction"].tolist() == [3.0, 4.0]


def test_paths_are_those_of_the_manifest_s_folder(tmp_path: Path) -> None:
    files = {f"models/m/{name}": body for name, body in FILES.items()}
    desk = bench(tmp_path, files=files, folder="models/m")
    assert desk.table("b").rows() == 1
    assert desk.outputs("b")[1]["prediction"].tolist() == [9.0]


# Content --------------------------------------------------------------------------------------------------------


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as held:
        for name in names:
            held.writestr(name, "{}")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (doubled(), "onnx"),
        (archive("schema.json"), "skops"),
        (archive("archive/data.pkl"), "torch"),
        (archive("a.npy", "b.npy"), "npz"),
        (archive("readme"), "zip"),
        (b"PK\x03\x04 and no archive", "unknown"),
        (b"a,b\n", "text"),
        (b"", "empty"),
    ],
)
def test_content_is_told_from_bytes(tmp_path: Path, raw: bytes, kind: str) -> None:
    assert bench(tmp_path, files={"m.bin": raw}).content("m.bin").kind == kind


def test_a_folder_is_told_with_its_files(tmp_path: Path) -> None:
    content = bench(tmp_path, files={"m/b": "", "m/a/c": ""}).content("m")
    assert (content.kind, content.members) == ("folder", ("m/a/c", "m/b"))


def test_content_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match=r"`m\.bin` is not there"):
        bench(tmp_path).content("m.bin")


# Limits ---------------------------------------------------------------------------------------------------------


def script(root: Path, body: str) -> dict[str, str]:
    path = root / "interpreter"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return {"kind": "onnx", "python": "interpreter"}


def test_a_model_over_the_size_limit_is_not_loaded(tmp_path: Path, world: CountingWorld) -> None:
    desk = bench(tmp_path, world=world, limits={"artifact": "10B"})
    with pytest.raises(LimitReached, match=r"`m\.onnx` is over the limit of 10B on what is read"):
        desk.outputs("a")
    assert world.spawned == []


def test_the_load_limit_of_the_repository_ends_a_model(tmp_path: Path) -> None:
    desk = bench(tmp_path, limits={"load": "100ms"}, runtime=script(tmp_path, "exec sleep 600"))
    with pytest.raises(LimitReached, match=r"`m\.onnx` did not load: no answer after 0\.1 s"):
        desk.outputs("a")


def test_the_memory_limit_of_the_repository_reaches_the_model(tmp_path: Path) -> None:
    answer = f'read line; echo "$line" > "{tmp_path}/asked"; exit 1'
    desk = bench(tmp_path, limits={"memory": "3GiB"}, runtime=script(tmp_path, answer))
    with pytest.raises(MlciError, match="ended with status 1 while it should load"):
        desk.outputs("a")
    assert f'"memory": {3 << 30}' in (tmp_path / "asked").read_text()


def test_trust_reaches_the_model_and_nothing_else_does(tmp_path: Path) -> None:
    answer = f'read line; echo "$line" > "{tmp_path}/asked"; exit 1'
    desk = bench(tmp_path, trust=("a.B", "c.D"), runtime=script(tmp_path, answer))
    with pytest.raises(MlciError):
        desk.outputs("a")
    assert '"options": {"trust": ["a.B", "c.D"]}' in (tmp_path / "asked").read_text()


# A commit -------------------------------------------------------------------------------------------------------


def tree(root: Path, scratch: Path) -> CommitTree:
    scratch.mkdir()
    git = Git(root, World(root))
    return CommitTree(git, git.commit("HEAD"), scratch)


def test_a_model_of_a_commit_runs_as_the_commit_holds_it(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    root = make_repo(FILES)
    repo = tree(root, tmp_path / "scratch")
    desk = bench(root, files={"a.csv": "x,y\n100,1\n", "m.onnx": "gone"}, repo=repo)
    assert desk.outputs("a")[1]["prediction"].tolist() == [3.0, 4.0]


def test_an_interpreter_in_the_repository_needs_a_work_tree(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    root = make_repo(FILES)
    runtime = {"kind": "onnx", "python": ".venv/bin/python"}
    desk = bench(root, files={}, repo=tree(root, tmp_path / "scratch"), runtime=runtime)
    with pytest.raises(UsageError, match="needs a work tree"):
        desk.outputs("a")
