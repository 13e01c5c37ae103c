from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conftest import Files, git, write_files

from mlci.errors import PathRefused, UsageError
from mlci.findings import InvalidFile, Level
from mlci.references import missing, names_taken
from mlci.repo import CommitTree, WorkTree
from mlci.specs import Config
from mlci.testing import FakeWorld, model_from
from mlci.workspace import Workspace, nearest, nothing_here, open_workspace, read_config
from mlci.world import World

MakeRepo = Callable[..., Path]
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


def manifest(name: str = "churn", **more: Any) -> str:
    """The text of a small manifest; what is given comes as flow style, which is JSON but for its spaces."""
    import json

    data = {"version": 1, "name": name, "artifact": "m.onnx", "checks": ["artifact"], **more}
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in data.items())


@pytest.fixture
def open_at() -> Iterator[Callable[..., Workspace]]:
    """Opens the repository around a folder, and closes it with the test."""
    with ExitStack() as stack:

        def opened(cwd: Path, folder: str | None = None, revision: str | None = None) -> Workspace:
            world = World(cwd)
            return stack.enter_context(open_workspace(world, Path(folder) if folder else None, revision))

        yield opened


OpenAt = Callable[..., Workspace]


# Where a repository begins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "models", "models/churn/src"])
def test_in_a_git_repository_the_root_is_its_root(make_repo: MakeRepo, open_at: OpenAt, below: str) -> None:
    root = make_repo({"models/churn/src/x.py": "", "models/mlci.yaml": "version: 1\n"})
    workspace = open_at(root / below)
    assert (workspace.root, workspace.has_git) == (root, True)


def test_without_git_the_root_is_the_nearest_folder_with_a_configuration(tmp_path: Path, open_at: OpenAt) -> None:
    write_files(tmp_path, {"a/mlci.yaml": "", "a/b/mlci.yaml": "", "a/b/c/d/x": ""})
    workspace = open_at(tmp_path / "a/b/c/d")
    assert (workspace.root, workspace.has_git, workspace.git) == (tmp_path / "a/b", False, None)


def test_without_git_and_configuration_the_root_is_the_folder_itself(tmp_path: Path, open_at: OpenAt) -> None:
    assert open_at(tmp_path).root == tmp_path


def test_another_folder_can_be_named(make_repo: MakeRepo, tmp_path: Path, open_at: OpenAt) -> None:
    root = make_repo({"models/churn/model.yaml": ""})
    assert open_at(tmp_path, "repo/models").root == root
    assert open_at(root / "models", "..").root == root


@pytest.mark.parametrize("folder", ["nothing", "file", "a\nb"])
def test_what_is_no_folder_is_refused(tmp_path: Path, open_at: OpenAt, folder: str) -> None:
    write_files(tmp_path, {"file": ""})
    with pytest.raises(UsageError, match=r"`(nothing|file|a\\nb)` is no folder"):
        open_at(tmp_path, folder)


def test_a_repository_is_opened_as_its_work_tree(make_repo: MakeRepo, open_at: OpenAt) -> None:
    assert isinstance(open_at(make_repo({})).repo, WorkTree)


def test_a_repository_is_opened_as_a_commit_holds_it(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({"model.yaml": manifest("old")})
    write_files(root, {"model.yaml": manifest("new"), "models/more/model.yaml": manifest("more")})
    workspace = open_at(root, revision="HEAD")
    assert isinstance(workspace.repo, CommitTree)
    assert workspace.manifests() == ["model.yaml"]
    assert workspace.model("model.yaml").name == "old"


def test_what_a_commit_was_copied_to_is_gone_afterwards(make_repo: MakeRepo) -> None:
    root = make_repo({"m.onnx": "x"})
    with open_workspace(World(root), revision="main") as workspace:
        local = workspace.repo.local("m.onnx")
        assert local.read_text() == "x"
    assert not local.exists()


def test_a_commit_needs_git(tmp_path: Path, open_at: OpenAt) -> None:
    with pytest.raises(UsageError, match="`--commit` needs a git repository"):
        open_at(tmp_path, revision="HEAD")


def test_a_commit_that_is_not_there_is_refused(make_repo: MakeRepo, open_at: OpenAt) -> None:
    with pytest.raises(UsageError, match="`nothing` is not a commit of this repository"):
        open_at(make_repo({}), revision="nothing")


# Paths of the command line ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cwd", "written", "found"),
    [
        ("", "models/churn", "models/churn"),
        ("", "models/churn/", "models/churn"),
        ("", ".", ""),
        ("", "./models/../models", "models"),
        ("models", "churn", "models/churn"),
        ("models", "..", ""),
        ("models/churn", "../fraud/model.yaml", "models/fraud/model.yaml"),
        ("", "not/there yet", "not/there yet"),
        ("", "../repo/models", "models"),
    ],
)
def test_a_path_of_the_command_line_is_seen_from_the_root(
    make_repo: MakeRepo, open_at: OpenAt, cwd: str, written: str, found: str
) -> None:
    root = make_repo({"models/churn/model.yaml": "", "models/fraud/model.yaml": ""})
    assert open_at(root / cwd).relative(written) == found


def test_an_absolute_path_is_seen_from_the_root(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({"models/churn/model.yaml": ""})
    assert open_at(root).relative(str(root / "models")) == "models"


@pytest.mark.parametrize("written", ["..", "../other", "/etc/passwd", "models/../../x"])
def test_a_path_of_the_command_line_outside_is_refused(make_repo: MakeRepo, open_at: OpenAt, written: str) -> None:
    with pytest.raises(UsageError, match="is outside the repository") as caught:
        open_at(make_repo({"models/x": ""})).relative(written)
    assert caught.value.hint == "name the other repository with `-C FOLDER`"


# Configuration ------------------------------------------------------------------------------------------------------


def test_without_a_configuration_the_defaults_hold(tmp_path: Path, open_at: OpenAt) -> None:
    assert open_at(tmp_path).config == Config()


def test_the_configuration_is_that_of_the_root(tmp_path: Path, open_at: OpenAt) -> None:
    text = "version: 1\nmodels: [ml/*, other]\nrequire: [card, card]\nlimits: {load: 20s}\ndefaults: {rows: {min: 5}}\n"
    write_files(tmp_path, {"mlci.yaml": text})
    config = open_at(tmp_path).config
    assert (config.models, config.require) == (("ml/*", "other"), ("card",))
    assert (config.limits, config.defaults) == ({"load": "20s"}, {"rows": {"min": 5}})


def test_the_configuration_is_read_once(tmp_path: Path, open_at: OpenAt) -> None:
    write_files(tmp_path, {"mlci.yaml": "version: 1\n"})
    workspace = open_at(tmp_path)
    first = workspace.config
    (tmp_path / "mlci.yaml").unlink()
    assert workspace.config is first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2\n", "`version` is 2"),
        ("version: 1\nmodel: [x]\n", "unknown key `model`"),
        ("version: 1\nmodels: [../*]\n", "leads outside the repository"),
        ("version: 1\nrequire: [cart]\n", "`require[0]` is `cart`"),
        ("version: 1\nlimits: {load: 20}\n", "`limits.load` is 20"),
        ("- a list\n", ""),
        ("", ""),
        ("version: 1\nrequire: {a: 1}\ndefaults: [1]\n", ""),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, open_at: OpenAt, text: str, said: str) -> None:
    write_files(tmp_path, {"mlci.yaml": text})
    with pytest.raises(InvalidFile) as caught:
        _ = open_at(tmp_path).config
    assert said in caught.value.message
    assert caught.value.findings[0].at is not None
    assert caught.value.findings[0].at.path == "mlci.yaml"


def test_a_linked_configuration_is_refused(tmp_path: Path, open_at: OpenAt) -> None:
    write_files(tmp_path, {"elsewhere.yaml": "version: 1\n"})
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/mlci.yaml").symlink_to("../elsewhere.yaml")
    with pytest.raises(PathRefused, match=r"`mlci.yaml` is refused"):
        _ = open_at(tmp_path / "repo").config


# Models -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", [None, "HEAD"], ids=["work tree", "commit"])
def test_models_are_found_at_the_root_and_where_the_configuration_says(
    make_repo: MakeRepo, open_at: OpenAt, revision: str | None
) -> None:
    root = make_repo(
        {
            "mlci.yaml": "version: 1\nmodels: [ml/*/prod, extra]\n",
            "model.yaml": "", "models/a/model.yaml": "", "ml/b/prod/model.yaml": "", "ml/c/dev/model.yaml": "",
            "extra/model.yaml": "",
        }
    )  # fmt: skip
    found = open_at(root, revision=revision).manifests()
    assert found == ["extra/model.yaml", "ml/b/prod/model.yaml", "model.yaml"]


def test_without_a_configuration_models_are_found_in_the_folder_of_models(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({"models/a/model.yaml": "", "models/b/deep/model.yaml": "", "models/c/model.yml": ""})
    assert open_at(root).manifests() == ["models/a/model.yaml"]


def test_a_model_is_read_with_its_folder(make_repo: MakeRepo, open_at: OpenAt) -> None:
    model = open_at(make_repo({"models/a/model.yaml": manifest("a")})).model("models/a/model.yaml")
    assert (model.name, model.folder, model.path("m.onnx")) == ("a", "models/a", "models/a/m.onnx")


def test_a_wrong_manifest_is_refused_with_line_and_column(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({"models/a/model.yaml": "version: 1\nname: a\nartefact: m.onnx\nchecks: [artifact]\n"})
    with pytest.raises(InvalidFile) as caught:
        open_at(root).model("models/a/model.yaml")
    assert str(caught.value.at) == "models/a/model.yaml:3:1"
    assert caught.value.hint == "did you mean `artifact`?"


def test_a_runtime_that_nobody_has_is_refused_at_its_place(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({"model.yaml": manifest() + "runtime: onxx\n"})
    with pytest.raises(InvalidFile, match="there is no runtime `onxx`") as caught:
        open_at(root).model("model.yaml")
    assert (str(caught.value.at), caught.value.hint) == ("model.yaml:5:10", "did you mean `onnx`?")


def test_a_huge_manifest_is_refused_unread(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({"model.yaml": "# " + "x" * (1 << 20)})
    with pytest.raises(InvalidFile, match="more than 1,048,576 bytes"):
        open_at(root).model("model.yaml")


def test_a_repository_without_a_model_says_what_to_do(tmp_path: Path, open_at: OpenAt) -> None:
    error = nothing_here(open_at(tmp_path))
    assert error.message == f"no model.yaml found in `{tmp_path.name}`"
    assert error.hint.startswith("mlci init")


@pytest.mark.parametrize("stray", ["model.yml", "churn/model.yml", "models/churn/model.yml"])
def test_a_manifest_of_the_wrong_suffix_is_named(tmp_path: Path, open_at: OpenAt, stray: str) -> None:
    write_files(tmp_path, {stray: ""})
    assert nothing_here(open_at(tmp_path)).hint == f"rename {stray} to model.yaml"


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("models/a/model.yaml", "models/a/model.yaml"),
        ("models/a/data/deep/x.csv", "models/a/model.yaml"),
        ("models/a-b/x.csv", "model.yaml"),
        ("models/b/x.csv", "model.yaml"),
        ("README.md", "model.yaml"),
    ],
)
def test_a_file_belongs_to_the_nearest_manifest_above_it(path: str, owner: str) -> None:
    assert nearest(path, {"model.yaml", "models/a/model.yaml"}) == owner


def test_a_file_outside_every_folder_of_a_model_belongs_to_none() -> None:
    assert nearest("README.md", {"models/a/model.yaml"}) is None


# What a change touches ----------------------------------------------------------------------------------------------

MANY: dict[str, str] = {
    "models/own/model.yaml": manifest(
        "own",
        artifact="saved",
        datasets={"test": {"path": "data/*.csv", "target": "y"}},
        train={"needs": ["train.py"]},
        checks=[{"card": {"path": "docs/CARD.md"}}],
    ),
    "models/own/saved/weights.bin": "1",
    "models/own/data/a.csv": "y\n1\n",
    "models/own/train.py": "",
    "models/own/docs/CARD.md": "",
    "models/artifact/model.yaml": manifest("artifact", artifact="../../shared/m.onnx"),
    "models/folder/model.yaml": manifest("folder", artifact="../../shared/saved"),
    "models/data/model.yaml": manifest("data", datasets={"test": {"path": "../../shared/test.csv"}}),
    "models/glob/model.yaml": manifest("glob", datasets={"test": {"path": "../../shared/parts/*.csv"}}),
    "models/deep/model.yaml": manifest("deep", datasets={"test": {"path": "../../shared/**/*.parquet"}}),
    "models/needs/model.yaml": manifest("needs", train={"needs": ["../../shared/*.py"]}),
    "models/card/model.yaml": manifest("card", checks=[{"card": {"path": "../../shared/CARD.md"}}]),
    "models/dvc/model.yaml": manifest("dvc", artifact="../../shared/big/m.onnx"),
    "models/comment/model.yaml": "# yaml-language-server: $schema=../../shared/m.onnx\n" + manifest("comment"),
    "models/escaped/model.yaml": manifest("escaped").replace("m.onnx", "\\u002e./../shared/escaped.onnx"),
    "models/broken/model.yaml": "version: 1\nartifact: ../../shared/x\n",
    "models/brokenhere/model.yaml": "version: 1\n",
    "shared/m.onnx": "1",
    "shared/escaped.onnx": "1",
    "shared/saved/deep/weights.bin": "1",
    "shared/test.csv": "",
    "shared/parts/a.csv": "",
    "shared/parts/b.csv": "",
    "shared/parts/deep/x.parquet": "",
    "shared/features.py": "",
    "shared/CARD.md": "",
    "shared/unnamed.txt": "",
    "shared/big/m.onnx.dvc": "outs: []",
    "mlci.yaml": "version: 1\n",
    "README.md": "",
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository with a model of every kind, for tests that undo what they change."""
    root = tmp_path_factory.mktemp("many")
    git(root, "init", "-q", "-b", "main")
    write_files(root, MANY)
    git(root, "add", "-A")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "first")
    return root


@pytest.fixture
def touched(many: Path) -> Iterator[Callable[..., list[str]]]:
    """Changes files (None deletes) and tells the names of the models that this touches."""

    def change(files: dict[str, str | None]) -> list[str]:
        write_files(many, {path: text for path, text in files.items() if text is not None})
        for path in (path for path, text in files.items() if text is None):
            (many / path).unlink()
        with open_workspace(World(many)) as workspace:
            found = workspace.changed_manifests("main", workspace.manifests())
        return [path.split("/")[1] for path in found]

    yield change
    git(many, "checkout", "-q", "--", ".")
    git(many, "clean", "-qfd")


def test_nothing_changed_touches_nothing(touched: Callable[..., list[str]]) -> None:
    assert touched({}) == []


@pytest.mark.parametrize(
    "path",
    [
        "models/own/model.yaml", "models/own/saved/weights.bin", "models/own/data/a.csv", "models/own/train.py",
        "models/own/docs/CARD.md", "models/own/nobody-names-it.txt", "models/own/data/new.csv",
    ],
)  # fmt: skip
def test_a_file_in_the_folder_of_a_model_touches_it(touched: Callable[..., list[str]], path: str) -> None:
    assert touched({path: "changed"}) == ["own"]


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("shared/m.onnx", ["artifact"]),
        ("shared/saved/deep/weights.bin", ["folder"]),
        ("shared/saved/new.bin", ["folder"]),
        ("shared/test.csv", ["data"]),
        ("shared/parts/a.csv", ["glob"]),
        ("shared/parts/new.csv", ["glob"]),
        ("shared/parts/deep/x.parquet", ["deep"]),
        ("shared/new.parquet", ["deep"]),
        ("shared/features.py", ["needs"]),
        ("shared/CARD.md", ["card"]),
        ("shared/escaped.onnx", ["escaped"]),
        ("shared/big/m.onnx.dvc", ["dvc"]),
        ("shared/big.dvc", ["dvc"]),
        ("shared/unnamed.txt", []),
        ("shared/saved-too/weights.bin", []),
        ("README.md", []),
        ("models/README.md", []),
        ("models/new/README.md", []),
    ],
)
def test_a_shared_file_touches_the_models_that_name_it(
    touched: Callable[..., list[str]], path: str, models: list[str]
) -> None:
    assert touched({path: "changed"}) == sorted(models)


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("shared/m.onnx", ["artifact"]),
        ("shared/parts/a.csv", ["glob"]),
        ("shared/parts/deep/x.parquet", ["deep"]),
        ("shared/features.py", ["needs"]),
        ("shared/saved/deep/weights.bin", ["folder"]),
        ("models/own/data/a.csv", ["own"]),
    ],
)
def test_a_deleted_file_touches_the_models_that_named_it(
    touched: Callable[..., list[str]], path: str, models: list[str]
) -> None:
    assert touched({path: None}) == sorted(models)


def test_a_new_model_is_touched(touched: Callable[..., list[str]]) -> None:
    assert "new" in touched({"models/new/model.yaml": manifest("new")})


def test_a_model_that_is_gone_is_not_touched(touched: Callable[..., list[str]]) -> None:
    assert touched({"models/own/model.yaml": None}) == []


def test_the_configuration_touches_every_model(touched: Callable[..., list[str]]) -> None:
    every = sorted(path.split("/")[1] for path in MANY if path.endswith("model.yaml"))
    assert touched({"mlci.yaml": "version: 1\nrequire: [card]\n"}) == every


def test_a_manifest_that_was_broken_before_is_the_trouble_of_its_own_model(
    touched: Callable[..., list[str]], many: Path
) -> None:
    (many / "models/linked").mkdir()
    (many / "models/linked/model.yaml").symlink_to("../own/model.yaml")
    git(many, "add", "models/linked")
    git(many, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "linked")
    try:
        assert touched({"README.md": "changed"}) == []
    finally:
        git(many, "reset", "-q", "--hard", "HEAD~1")


def test_changes_are_counted_from_where_the_branches_parted(make_repo: MakeRepo, open_at: OpenAt) -> None:
    root = make_repo({f"models/{name}/model.yaml": manifest(name) for name in "abc"})
    git(root, "checkout", "-q", "-b", "feature")
    write_files(root, {"models/a/x": ""})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "feature")
    git(root, "checkout", "-q", "main")
    write_files(root, {"models/b/x": ""})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "main")
    git(root, "checkout", "-q", "feature")
    workspace = open_at(root)
    assert workspace.changed_manifests("main", workspace.manifests()) == ["models/a/model.yaml"]


ROOT_AND_BELOW = {
    "model.yaml": manifest("root", artifact="models/a/m.onnx", datasets={"test": {"path": "data/*.csv"}}),
    "models/a/model.yaml": manifest("a"),
    "models/a/m.onnx": "",
    "models/a/other.txt": "",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("models/a/m.onnx", ["model.yaml", "models/a/model.yaml"]),
        ("models/a/other.txt", ["models/a/model.yaml"]),
        ("data/a.csv", ["model.yaml"]),
        ("README.md", []),
        ("tests/golden.csv", ["model.yaml"]),
        ("MODEL_CARD.md", ["model.yaml"]),
    ],
)
def test_a_manifest_further_up_is_touched_where_it_names_the_file(
    make_repo: MakeRepo, open_at: OpenAt, path: str, expected: list[str]
) -> None:
    root = make_repo(ROOT_AND_BELOW)
    write_files(root, {path: "changed"})
    workspace = open_at(root)
    assert workspace.changed_manifests("main", workspace.manifests()) == expected


def test_changes_need_git(tmp_path: Path, open_at: OpenAt) -> None:
    with pytest.raises(UsageError, match="`--changed-since` needs a git repository"):
        open_at(tmp_path).changed_manifests("main", [])


def test_only_manifests_that_reach_out_are_read(make_repo: MakeRepo) -> None:
    root = make_repo({f"models/m{number}/model.yaml": manifest(f"m{number}") for number in range(5)})
    write_files(root, {"models/m3/x": ""})

    class Counting(Workspace):
        models = 0

        def model(self, path: str) -> Any:
            Counting.models += 1
            return super().model(path)

    workspace = Counting(World(root), root, WorkTree(root), has_git=True)
    assert workspace.changed_manifests("main", workspace.manifests()) == ["models/m3/model.yaml"]
    assert Counting.models == 0


# Files that a manifest names ----------------------------------------------------------------------------------------


def said(root: Path, text: str, files: Files, limits: dict[str, str] | None = None) -> list[tuple[str, str, str]]:
    """Level, place and message of every finding."""
    write_files(
        root, {"models/churn/model.yaml": text, **{f"models/churn/{path}": body for path, body in files.items()}}
    )
    model = model_from(text, "models/churn/model.yaml")
    found = missing(model, WorkTree(root), limits or {})
    return [(finding.level.value, str(finding.at), finding.message) for finding in found]


REFERS = """\
version: 1
name: churn
artifact: m.onnx
checks: [artifact]
datasets:
  test: {path: "data/*.csv"}
train: {needs: [train.py, src]}
"""
THERE: dict[str, str] = {"m.onnx": "1", "data/a.csv": "", "data/b.csv": "", "train.py": "", "src/x.py": ""}


def without(*names: str) -> dict[str, str]:
    return {path: body for path, body in THERE.items() if path not in names}


def test_files_that_are_there_are_no_finding(tmp_path: Path) -> None:
    assert said(tmp_path, REFERS, THERE) == []


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        (without("m.onnx"), "3:11", "`models/churn/m.onnx` is not there"),
        (without("data/a.csv", "data/b.csv"), "6:16", "no file matches `data/*.csv`"),
        (without("train.py"), "7:17", "`models/churn/train.py` is not there"),
        (without("src/x.py"), "7:27", "`models/churn/src` is not there"),
    ],
    ids=["artifact", "pattern", "file of training", "folder of training"],
)
def test_a_file_that_is_not_there_is_an_error_at_its_name(
    tmp_path: Path, files: Files, place: str, message: str
) -> None:
    assert said(tmp_path, REFERS, files) == [("error", f"models/churn/model.yaml:{place}", message)]


def test_everything_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    assert len(said(tmp_path, REFERS, {})) == 4


def test_a_pointer_of_git_lfs_is_noted(tmp_path: Path) -> None:
    found = said(tmp_path, REFERS, {**THERE, "m.onnx": LFS})
    assert found == [("note", "models/churn/model.yaml:3:11", "`m.onnx` is a Git LFS pointer, not the file itself")]


def test_a_pointer_of_dvc_is_noted(tmp_path: Path) -> None:
    ((level, _, message),) = said(tmp_path, REFERS, {**without("m.onnx"), "m.onnx.dvc": ""})
    assert level == "note"
    assert "is tracked by DVC" in message


def test_a_link_is_an_error(tmp_path: Path) -> None:
    write_files(tmp_path, {"models/churn/real.onnx": ""})
    (tmp_path / "models/churn/m.onnx").symlink_to("real.onnx")
    ((level, _, message),) = said(tmp_path, REFERS, without("m.onnx"))
    assert level == "error"
    assert "`models/churn/m.onnx` is refused" in message


def test_an_artifact_may_be_a_folder(tmp_path: Path) -> None:
    assert said(tmp_path, REFERS.replace("m.onnx", "saved"), {**THERE, "saved/a": "", "saved/b/c": ""}) == []


def test_an_empty_folder_is_no_artifact(tmp_path: Path) -> None:
    (tmp_path / "models/churn/saved").mkdir(parents=True)
    ((_, _, message),) = said(tmp_path, REFERS.replace("m.onnx", "saved"), THERE)
    assert message == "the folder `saved` holds no file"


def test_a_folder_with_a_link_in_it_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "models/churn/saved").mkdir(parents=True)
    (tmp_path / "models/churn/saved/link").symlink_to("/etc/hostname")
    ((level, _, message),) = said(tmp_path, REFERS.replace("m.onnx", "saved"), THERE)
    assert (level, "`models/churn/saved/link` is refused" in message) == ("error", True)


def test_a_dataset_that_is_a_folder_is_told_how_to_name_its_files(tmp_path: Path) -> None:
    write_files(tmp_path, {"models/churn/data/a.csv": ""})
    model = model_from(REFERS.replace('"data/*.csv"', "data/"), "models/churn/model.yaml")
    write_files(tmp_path, {f"models/churn/{path}": body for path, body in THERE.items()})
    (finding,) = missing(model, WorkTree(tmp_path), {})
    assert (finding.message, finding.hint) == ("`data/` is a folder, expected a file", "name its files: data/*.parquet")


@pytest.mark.parametrize(("limit", "found"), [(None, 0), ("100B", 0), ("99B", 1), ("0.0990kB", 1)])
def test_an_artifact_over_the_limit_is_an_error(tmp_path: Path, limit: str | None, found: int) -> None:
    files = {**THERE, "m.onnx": "x" * 100}
    findings = said(tmp_path, REFERS, files, {"artifact": limit} if limit else {})
    assert len(findings) == found
    assert all(f"`m.onnx` has 100 B, over the limit of {limit}" in message for _, _, message in findings)


def test_an_artifact_over_the_usual_limit_is_an_error_and_is_not_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"models/churn/m.onnx": ""})
    with (tmp_path / "models/churn/m.onnx").open("wb") as stream:
        stream.truncate(1 << 40)
    ((level, place, message),) = said(tmp_path, REFERS, without("m.onnx"))
    assert (level, place) == ("error", "models/churn/model.yaml:3:11")
    assert message == "`m.onnx` has 1 TiB, over the limit of 20GiB on what is read"


# Names --------------------------------------------------------------------------------------------------------------


def named(*names: str) -> Sequence[Any]:
    models = [model_from(manifest(name), f"models/m{number}/model.yaml") for number, name in enumerate(names)]
    return [(model.name, model.at("name")) for model in models]


def test_models_of_different_names_are_no_finding() -> None:
    assert names_taken(named("a", "b", "c")) == []


def test_every_further_model_of_a_name_is_a_finding_that_names_the_first() -> None:
    found = names_taken(named("a", "b", "a", "a"))
    assert [(str(finding.at), finding.level, finding.message) for finding in found] == [
        (f"models/m{number}/model.yaml:2:7", Level.ERROR, "the name `a` is taken by models/m0/model.yaml")
        for number in (2, 3)
    ]


# Documents of any shape ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[]", "3", "null", "text", "checks: 3", "checks: [[1]]", "datasets: []", "datasets: {a: 1}",
        "datasets: {a: {checks: 3}}", "checks: [{1: 2}]", "datasets: {a: {checks: [[]]}}", "checks: [{id: x}]",
    ],
)  # fmt: skip
def test_a_manifest_of_any_shape_is_refused_and_never_a_bug(text: str) -> None:
    with pytest.raises(InvalidFile):
        model_from(f"version: 1\nname: a\nartifact: m\n{text}\n" if ":" in text else text)


@pytest.mark.parametrize("text", ["[]", "3", "{}", "require: 3", "require: [[]]", "defaults: 3", "defaults: {1: 2}"])
def test_a_configuration_of_any_shape_is_refused_and_never_a_bug(text: str) -> None:
    from mlci.document import read

    with pytest.raises(InvalidFile):
        read_config(read(text.encode(), "mlci.yaml"))


def test_a_workspace_without_git_never_starts_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"models/a/model.yaml": manifest("a")})
    with open_workspace(FakeWorld(tmp_path)) as workspace:
        assert (workspace.git, workspace.manifests()) == (None, ["models/a/model.yaml"])


def test_a_commit_is_compared_with_a_revision_whatever_the_work_tree_holds(make_repo: MakeRepo) -> None:
    root = make_repo({"models/a/model.yaml": manifest("a"), "models/b/model.yaml": manifest("b")})
    write_files(root, {"models/a/notes.txt": "committed"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "second")
    write_files(root, {"models/b/notes.txt": "not committed"})
    with open_workspace(World(root), None, "HEAD") as workspace:
        assert workspace.changed_manifests("HEAD~1", workspace.manifests()) == ["models/a/model.yaml"]


def test_a_path_of_the_defaults_touches_the_models_that_share_it(make_repo: MakeRepo) -> None:
    config = "version: 1\ndefaults:\n  card: {path: ../CARD.md}\n"
    root = make_repo({"mlci.yaml": config, "models/a/model.yaml": manifest("a"), "models/CARD.md": "# x\n"})
    write_files(root, {"models/CARD.md": "# y\n"})
    with open_workspace(World(root)) as workspace:
        assert workspace.changed_manifests("HEAD", workspace.manifests()) == ["models/a/model.yaml"]
