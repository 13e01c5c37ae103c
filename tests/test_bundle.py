from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Files, git, write_files
from hypothesis import given
from hypothesis import strategies as st

from mlci import bundle
from mlci.errors import LimitReached, PathRefused
from mlci.git import Git
from mlci.repo import CommitTree, Repo, WorkTree
from mlci.results import Input
from mlci.testing import model_from
from mlci.world import World

MANIFEST = """\
version: 1
name: churn
artifact: model/churn.onnx
datasets:
  test: {path: "data/*.csv", target: y}
  train: {path: data/b.csv}
checks: [artifact]
train: {needs: [src, ../../params.yaml]}
"""
FOLDER = "models/churn"
FILES: dict[str, bytes] = {
    "models/churn/model.yaml": MANIFEST.encode(),
    "models/churn/model/churn.onnx": b"\x08\x0a weights",
    "models/churn/data/a.csv": b"y\n1\n",
    "models/churn/data/b.csv": b"y\n0\n",
    "models/churn/src/train.py": b"print()\n",
    "models/churn/src/lib/features.py": b"",
    "params.yaml": b"depth: 3\n",
}
# role and path of everything that the verdict rests on, beside the manifest
ROLES = [
    ("artifact", "models/churn/model/churn.onnx"),
    ("code", "models/churn/src/lib/features.py"),
    ("code", "models/churn/src/train.py"),
    ("code", "params.yaml"),
    ("data", "models/churn/data/a.csv"),
    ("data", "models/churn/data/b.csv"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_files(tmp_path, FILES)
    return tmp_path


def inputs(repo: Repo) -> tuple[Input, ...]:
    path = f"{FOLDER}/model.yaml"
    return bundle.inputs(model_from(repo.read(path, 10_000).decode(), path), repo)


def digest(root: Path) -> str | None:
    return bundle.digest(inputs(WorkTree(root)))


def plain_json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# The digest ---------------------------------------------------------------------------------------------------------


def test_the_digest_is_the_sha256_of_the_list_of_roles_paths_and_digests(root: Path) -> None:
    config = {
        "version": 1,
        "name": "churn",
        "artifact": "model/churn.onnx",
        "datasets": {"test": {"path": "data/*.csv", "target": "y"}, "train": {"path": "data/b.csv"}},
        "checks": ["artifact"],
        "train": {"needs": ["src", "../../params.yaml"]},
    }
    rows = [["config", "models/churn/model.yaml", hashlib.sha256(plain_json(config)).hexdigest()]]
    rows += [[role, path, hashlib.sha256(FILES[path]).hexdigest()] for role, path in ROLES]
    assert digest(root) == hashlib.sha256(plain_json(sorted(rows))).hexdigest()


def test_the_digest_of_an_empty_list_is_that_of_two_brackets() -> None:
    assert bundle.digest([]) == hashlib.sha256(b"[]").hexdigest()


@pytest.mark.parametrize("path", [path for _, path in ROLES])
def test_one_byte_of_any_input_changes_the_digest(root: Path, path: str) -> None:
    before = digest(root)
    write_files(root, {path: FILES[path] + b" "})
    assert digest(root) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: churn", "name: chern"),
        ("target: y", "target: z"),
        ("checks: [artifact]", "checks: [artifact, card]"),
        ("version: 1\n", "version: 1\ndescription: more\n"),
    ],
)
def test_what_the_manifest_says_is_part_of_the_digest(root: Path, old: str, new: str) -> None:
    before = digest(root)
    assert old in MANIFEST
    write_files(root, {f"{FOLDER}/model.yaml": MANIFEST.replace(old, new)})
    assert digest(root) != before


REWRITTEN = {
    "comments": "# why\n" + MANIFEST.replace("checks:", "# more\n\nchecks:  # all of them\n "),
    "order of keys": "checks: [artifact]\n" + MANIFEST.replace("checks: [artifact]\n", ""),
    "style": json.dumps(
        {
            "train": {"needs": ["src", "../../params.yaml"]},
            "checks": ["artifact"],
            "datasets": {"train": {"path": "data/b.csv"}, "test": {"target": "y", "path": "data/*.csv"}},
            "artifact": "model/churn.onnx",
            "name": "churn",
            "version": 1,
        },
        indent=4,
    ),
    "line ends": MANIFEST.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", REWRITTEN.values(), ids=REWRITTEN)
def test_how_the_manifest_is_written_is_no_part_of_the_digest(root: Path, text: str) -> None:
    before = digest(root)
    write_files(root, {f"{FOLDER}/model.yaml": text})
    assert text != MANIFEST
    assert digest(root) == before


def test_the_order_in_a_list_is_part_of_the_digest(root: Path) -> None:
    before = digest(root)
    text = MANIFEST.replace("[src, ../../params.yaml]", "[../../params.yaml, src]")
    write_files(root, {f"{FOLDER}/model.yaml": text})
    assert digest(root) != before


def test_a_file_more_that_a_pattern_or_a_folder_names_changes_the_digest(root: Path) -> None:
    found = [digest(root)]
    for path in ("data/c.csv", "src/deep/er/more.py"):
        write_files(root, {f"{FOLDER}/{path}": ""})
        found.append(digest(root))
    assert len(set(found)) == 3


def test_a_file_that_nobody_names_changes_nothing(root: Path) -> None:
    before = digest(root)
    write_files(root, {f"{FOLDER}/README.md": "", f"{FOLDER}/data/notes.txt": "", "other.py": ""})
    assert digest(root) == before


def test_a_renamed_file_changes_the_digest_though_no_byte_changed(root: Path) -> None:
    before = digest(root)
    (root / FOLDER / "src/train.py").rename(root / FOLDER / "src/fit.py")
    assert digest(root) != before


def test_the_same_files_elsewhere_have_the_same_digest(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    write_files(other, dict(reversed(FILES.items())))
    os.utime(other / "params.yaml", (1, 1))
    (other / "params.yaml").chmod(0o700)
    assert digest(other) == digest(root)


def test_a_commit_and_its_checkout_have_the_same_digest(make_repo: Callable[[Files], Path], tmp_path: Path) -> None:
    root = make_repo(FILES)
    tree = CommitTree(Git(root, World(root)), git(root, "rev-parse", "HEAD"), tmp_path / "scratch")
    assert inputs(tree) == inputs(WorkTree(root))
    assert bundle.digest(inputs(tree)) is not None


# What is not here ---------------------------------------------------------------------------------------------------

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


def input_of(root: Path, path: str) -> Input:
    (found,) = (part for part in inputs(WorkTree(root)) if part.path == path)
    return found


@pytest.mark.parametrize("path", ["models/churn/model/churn.onnx", "params.yaml"])
def test_without_one_of_its_inputs_there_is_no_digest(root: Path, path: str) -> None:
    (root / path).unlink()
    assert input_of(root, path) == Input(dict(map(reversed, ROLES))[path], path, None, 0, "missing")  # type: ignore[arg-type]
    assert digest(root) is None


def test_a_pointer_of_git_lfs_is_not_the_content(root: Path) -> None:
    path = "models/churn/model/churn.onnx"
    write_files(root, {path: LFS})
    assert input_of(root, path) == Input("artifact", path, None, len(LFS), "lfs-pointer")
    assert digest(root) is None


def test_a_large_file_that_begins_like_a_pointer_is_content(root: Path) -> None:
    write_files(root, {"models/churn/model/churn.onnx": LFS + bytes(1024)})
    assert digest(root) is not None


def test_a_pointer_of_dvc_is_not_the_content(root: Path) -> None:
    path = "models/churn/model/churn.onnx"
    (root / path).rename(root / f"{path}.dvc")
    assert input_of(root, path) == Input("artifact", path, None, 0, "dvc-pointer")
    assert digest(root) is None


def test_a_link_is_not_the_content(root: Path) -> None:
    path = "models/churn/model/churn.onnx"
    (root / path).unlink()
    (root / path).symlink_to("/etc/hostname")
    assert input_of(root, path) == Input("artifact", path, None, 0, "symlink")
    assert digest(root) is None


def test_a_pattern_without_a_match_stays_as_it_was_written(root: Path) -> None:
    for name in ("a", "b"):
        (root / FOLDER / f"data/{name}.csv").rename(root / FOLDER / f"data/{name}.txt")
    assert input_of(root, "models/churn/data/*.csv").kind == "missing"
    assert digest(root) is None


def test_a_folder_that_holds_a_link_is_refused_by_name(root: Path) -> None:
    (root / FOLDER / "src/link").symlink_to("/etc/hostname")
    with pytest.raises(PathRefused, match=r"`models/churn/src/link`"):
        inputs(WorkTree(root))


# Which files --------------------------------------------------------------------------------------------------------


def test_every_input_has_its_role_and_is_listed_once(root: Path) -> None:
    found = inputs(WorkTree(root))
    assert (found[0].role, found[0].path) == ("config", "models/churn/model.yaml")
    assert [(part.role, part.path) for part in found[1:]] == ROLES


def test_every_input_has_its_size_and_its_sha256(root: Path) -> None:
    for part in inputs(WorkTree(root))[1:]:
        body = FILES[part.path]
        assert (part.size, part.sha256, part.kind) == (len(body), hashlib.sha256(body).hexdigest(), "file")


def test_one_file_in_two_roles_is_listed_in_both(root: Path) -> None:
    text = MANIFEST.replace("needs: [src", "needs: [data/a.csv")
    write_files(root, {f"{FOLDER}/model.yaml": text})
    roles = [part.role for part in inputs(WorkTree(root)) if part.path.endswith("data/a.csv")]
    assert sorted(roles) == ["code", "data"]


@pytest.mark.parametrize("name", ["größe\n数据 🦊.bin", os.fsdecode(b"\xff\xfe.bin"), "a[1]*.bin", "'\".bin"])
def test_a_file_of_any_name_has_its_place_in_the_digest(root: Path, name: str) -> None:
    before = digest(root)
    write_files(root, {f"{FOLDER}/src/{name}": "x"})
    after = digest(root)
    write_files(root, {f"{FOLDER}/src/{name}": "y"})
    assert None not in (before, after)
    assert len({before, after, digest(root)}) == 3


# The list itself ----------------------------------------------------------------------------------------------------

parts = st.builds(
    Input,
    st.sampled_from(["artifact", "data", "code", "config"]),
    st.text(max_size=5),
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 100),
)


@given(st.lists(parts, max_size=5), st.randoms())
def test_the_order_of_the_list_is_no_part_of_the_digest(every: list[Input], random: Any) -> None:
    shuffled = list(every)
    random.shuffle(shuffled)
    assert bundle.digest(shuffled) == bundle.digest(every)


@given(st.lists(parts, max_size=5), st.lists(parts, max_size=5))
def test_two_lists_have_one_digest_only_if_they_are_the_same(one: list[Input], other: list[Input]) -> None:
    def rows(every: list[Input]) -> list[tuple[str, str, str | None]]:
        return sorted((part.role, part.path, part.sha256) for part in every)

    assert (bundle.digest(one) == bundle.digest(other)) == (rows(one) == rows(other))


@given(st.lists(parts, max_size=3))
def test_one_missing_part_leaves_no_digest(every: list[Input]) -> None:
    assert bundle.digest([*every, Input("data", "x", None, 0, "missing")]) is None


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(plain)
def test_the_canonical_text_is_json_that_means_the_same(data: Any) -> None:
    assert json.loads(bundle.canonical(data)) == data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"b": 1, "a": [True, None, 0.5]}, b'{"a":[true,null,0.5],"b":1}'),
        ({"größe": "数据\n"}, '{"größe":"数据\\n"}'.encode()),
        ([], b"[]"),
    ],
)
def test_the_canonical_text_is(data: Any, text: bytes) -> None:
    assert bundle.canonical(data) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_hold_has_no_canonical_text(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        bundle.canonical([value])


def external_onnx(location: str) -> bytes:
    """An ONNX model whose one weight is kept in a file of its own."""
    import onnx
    from onnx import TensorProto, helper

    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    made: bytes = onnx.helper.make_model(graph).SerializeToString()
    return made


ONNX_MANIFEST = "version: 1\nname: m\nartifact: m.onnx\nchecks: [artifact]\n"


def test_the_weights_beside_an_onnx_model_belong_to_its_bundle(make_repo: Callable[..., Path]) -> None:
    files = {"model.yaml": ONNX_MANIFEST, "m.onnx": external_onnx("weights/m.data"), "weights/m.data": b"\0\0\0\0"}
    root = make_repo(files)
    repo = WorkTree(root)
    before = bundle.inputs(model_from(ONNX_MANIFEST), repo)
    assert ("artifact", "weights/m.data") in [(part.role, part.path) for part in before]
    (root / "weights/m.data").write_bytes(b"\0\0\x80?")
    assert bundle.digest(bundle.inputs(model_from(ONNX_MANIFEST), repo)) != bundle.digest(before)


@pytest.mark.parametrize("location", ["../outside.data", "/etc/passwd"])
def test_weights_outside_the_folder_of_the_model_are_refused(make_repo: Callable[..., Path], location: str) -> None:
    root = make_repo({"model.yaml": ONNX_MANIFEST, "m.onnx": external_onnx(location)})
    with pytest.raises(PathRefused, match="keeps weights in"):
        bundle.inputs(model_from(ONNX_MANIFEST), WorkTree(root))


def test_an_artifact_over_the_limit_is_refused_before_it_is_read(make_repo: Callable[..., Path]) -> None:
    root = make_repo({"model.yaml": ONNX_MANIFEST})
    with (root / "m.onnx").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(LimitReached, match=r"`m\.onnx` is over the limit"):
        bundle.inputs(model_from(ONNX_MANIFEST), WorkTree(root), 1 << 30)
