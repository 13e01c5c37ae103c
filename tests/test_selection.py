from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Files, write_files

from mlci.errors import PathRefused, UsageError
from mlci.findings import InvalidFile
from mlci.repo import WorkTree
from mlci.selection import Loaded, Selection, load
from mlci.workspace import Workspace
from mlci.world import World

MakeRepo = Callable[..., Path]


def manifest(name: str) -> str:
    return f"version: 1\nname: {name}\nartifact: m.onnx\nchecks: [artifact]\n"


FILES = {
    "models/churn/model.yaml": manifest("churn"),
    "models/churn/src/train.py": "",
    "models/fraud/model.yaml": manifest("fraud"),
    "models/fraud/data/test.csv": "",
    "models/price/model.yaml": manifest("price"),
    "models/notes/README.md": "",
    "README.md": "",
}


@pytest.fixture
def root(make_repo: MakeRepo) -> Path:
    return make_repo(FILES)


def at(root: Path) -> Workspace:
    return Workspace(World(root), root, WorkTree(root), has_git=True)


def names(root: Path, **selection: object) -> list[str]:
    return [item.name for item in load(at(root), Selection(**selection))]  # type: ignore[arg-type]


# All of it ----------------------------------------------------------------------------------------------------------


def test_nothing_selected_is_every_model_by_path(root: Path) -> None:
    assert names(root) == [item.name for item in load(at(root))] == ["churn", "fraud", "price"]


def test_a_repository_without_models_says_so(make_repo: MakeRepo) -> None:
    with pytest.raises(UsageError, match=r"no model\.yaml found"):
        names(make_repo({"README.md": ""}))


def test_a_wrong_configuration_is_the_trouble_of_all(root: Path) -> None:
    write_files(root, {"mlci.yaml": "version: 1\nmodel: x\n"})
    with pytest.raises(InvalidFile, match="unknown key `model`"):
        names(root)


BROKEN: Files = {
    "models/fraud/model.yaml": "version: 1\nname: fraud\n",
    "models/loud/model.yaml": "a: [",
    "models/binary/model.yaml": b"\xff\xfe\0",
}


def test_a_broken_manifest_is_among_the_others_with_its_error(root: Path) -> None:
    write_files(root, BROKEN)
    loaded = load(at(root))
    assert [item.name for item in loaded] == [
        "models/binary/model.yaml", "churn", "models/fraud/model.yaml", "models/loud/model.yaml", "price",
    ]  # fmt: skip
    assert [isinstance(item.error, InvalidFile) for item in loaded] == [True, False, True, True, False]
    assert [item.model is None for item in loaded] == [True, False, True, True, False]


def test_a_linked_manifest_is_among_the_others_with_its_error(root: Path) -> None:
    (root / "models/notes/model.yaml").symlink_to("../churn/model.yaml")
    (found,) = (item for item in load(at(root)) if item.path == "models/notes/model.yaml")
    assert isinstance(found.error, PathRefused)


def test_the_second_model_of_a_name_is_the_wrong_one(root: Path) -> None:
    write_files(root, {"models/price/model.yaml": manifest("churn")})
    loaded = {item.path: item for item in load(at(root))}
    assert loaded["models/churn/model.yaml"].error is None
    error = loaded["models/price/model.yaml"].error
    assert isinstance(error, InvalidFile)
    assert error.message == "the name `churn` is taken by models/churn/model.yaml"


def test_a_model_that_was_read_is_called_by_its_name_and_another_by_its_path() -> None:
    assert Loaded("models/x/model.yaml", None, UsageError("no")).name == "models/x/model.yaml"


# By name ------------------------------------------------------------------------------------------------------------


def test_models_are_selected_by_name(root: Path) -> None:
    assert names(root, models=("price", "churn")) == ["churn", "price"]


def test_a_name_given_twice_is_one_model(root: Path) -> None:
    assert names(root, models=("price", "price")) == ["price"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prise", "did you mean `price`?"),
        ("zzz", "`mlci list` shows the models"),
        ("a\nb", "`mlci list` shows the models"),
    ],
)
def test_a_name_that_no_model_has_is_refused(root: Path, name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=r"there is no model `(prise|zzz|a\\nb)` here") as caught:
        names(root, models=("churn", name))
    assert caught.value.hint == hint


def test_a_broken_manifest_can_be_selected_by_its_path(root: Path) -> None:
    write_files(root, BROKEN)
    assert names(root, models=("models/fraud/model.yaml",)) == ["models/fraud/model.yaml"]


# By path ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("",), ["churn", "fraud", "price"]),
        (("models",), ["churn", "fraud", "price"]),
        (("models/churn",), ["churn"]),
        (("models/churn/model.yaml",), ["churn"]),
        (("models/churn/src",), ["churn"]),
        (("models/churn/src/train.py",), ["churn"]),
        (("models/fraud/data/test.csv", "models/churn"), ["churn", "fraud"]),
        (("models/churn", "models/churn/src/train.py"), ["churn"]),
        (("models/notes",), []),
        (("README.md",), []),
    ],
    ids=str,
)
def test_models_are_selected_by_what_is_in_or_around_a_path(
    root: Path, paths: tuple[str, ...], expected: list[str]
) -> None:
    assert names(root, paths=paths) == expected


def test_a_folder_whose_name_only_begins_alike_is_not_meant(root: Path) -> None:
    write_files(root, {"models/churn-2/model.yaml": manifest("churn-2")})
    assert names(root, paths=("models/churn",)) == ["churn"]


def test_a_file_belongs_to_the_nearest_model_only(root: Path) -> None:
    write_files(root, {"model.yaml": manifest("root")})
    assert names(root, paths=("models/churn/src/train.py",)) == ["churn"]
    assert names(root, paths=("README.md",)) == ["root"]


def test_a_path_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="`models/chrun` is not there"):
        names(root, paths=("models/chrun",))


# By what changed ----------------------------------------------------------------------------------------------------


def test_models_are_selected_by_what_changed(root: Path) -> None:
    write_files(root, {"models/fraud/data/test.csv": "y\n", "README.md": "changed"})
    assert names(root, changed_since="main") == ["fraud"]


def test_nothing_changed_selects_nothing(root: Path) -> None:
    assert names(root, changed_since="main") == []


def test_a_revision_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="`nowhere` is not a commit"):
        names(root, changed_since="nowhere")


# In parts -----------------------------------------------------------------------------------------------------------


def test_together_the_shards_are_every_model_once(root: Path) -> None:
    parts = [names(root, shard=f"{index}/2") for index in (1, 2)]
    assert parts == [["churn", "price"], ["fraud"]]


def test_a_shard_without_a_model_is_empty(root: Path) -> None:
    assert names(root, shard="5/5") == []


def test_a_shard_that_is_none_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="expected i/n"):
        names(root, shard="3/2")


# Together -----------------------------------------------------------------------------------------------------------


def test_the_shards_of_named_models_are_those_models(root: Path) -> None:
    parts = [names(root, models=("fraud", "price"), shard=f"{index}/3") for index in (1, 2, 3)]
    assert parts == [["fraud"], ["price"], []]


def test_a_model_that_did_not_change_is_known_though_it_is_left_out(root: Path) -> None:
    write_files(root, {"models/fraud/x": ""})
    assert names(root, models=("churn",), changed_since="main") == []
    assert names(root, models=("churn", "fraud"), changed_since="main") == ["fraud"]


def test_a_name_that_no_model_has_is_refused_though_nothing_changed(root: Path) -> None:
    with pytest.raises(UsageError, match="there is no model `zzz` here"):
        names(root, models=("zzz",), changed_since="main")


def test_a_path_and_a_change_select_what_both_mean(root: Path) -> None:
    write_files(root, {"models/fraud/x": "", "models/price/x": ""})
    assert names(root, paths=("models/fraud", "models/churn"), changed_since="main") == ["fraud"]


def test_a_path_of_an_unchanged_model_does_not_stand_for_the_one_above_it(root: Path) -> None:
    write_files(root, {"model.yaml": manifest("root")})
    assert names(root, paths=("models/churn/src/train.py",), changed_since="main") == []


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(), ""),
        (Selection(models=("a", "b")), "--model a --model b"),
        (Selection(paths=("x", "y")), "x y"),
        (Selection(paths=tuple("abcdefg")), "a b c d e and 2 more"),
        (Selection(changed_since="main"), "--changed-since main"),
        (Selection(only=("data",), shard="1/2"), "--only data --shard 1/2"),
        (
            Selection(models=("a",), paths=("x",), changed_since="main", only=("data",), shard="1/2"),
            "--model a x --changed-since main --only data --shard 1/2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_selection_says_in_words_what_was_asked_for(selection: Selection, words: str) -> None:
    assert selection.words() == words
