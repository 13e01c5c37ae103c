from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Files, git, write_files

from mlci.errors import UsageError
from mlci.findings import Finding, InvalidFile, Level
from mlci.git import Git
from mlci.repo import CommitTree, WorkTree
from mlci.validation import validate, validate_against
from mlci.workspace import Workspace
from mlci.world import World

MakeRepo = Callable[..., Path]


def manifest(name: str) -> str:
    return f"version: 1\nname: {name}\nartifact: m.onnx\nchecks: [artifact]\n"


def at(root: Path) -> Workspace:
    return Workspace(World(root), root, WorkTree(root), (root / ".git").exists())


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(str(finding.at), finding.message) for finding in findings]


GOOD: dict[str, str] = {"models/a/model.yaml": manifest("a"), "models/a/m.onnx": "1", "mlci.yaml": "version: 1\n"}


# The whole repository -----------------------------------------------------------------------------------------------


def test_a_repository_that_is_right_is_looked_at_whole(tmp_path: Path) -> None:
    write_files(tmp_path, GOOD)
    assert validate(at(tmp_path)) == (["mlci.yaml", "models/a/model.yaml"], [])


def test_without_a_configuration_the_models_are_looked_at(tmp_path: Path) -> None:
    write_files(tmp_path, {"model.yaml": manifest("a"), "m.onnx": "1"})
    assert validate(at(tmp_path)) == (["model.yaml"], [])


def test_a_repository_without_models_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no model\.yaml found"):
        validate(at(tmp_path))


def test_a_wrong_configuration_is_told_alone(tmp_path: Path) -> None:
    write_files(tmp_path, {**GOOD, "mlci.yaml": "version: 1\nmodells: [x]\n", "models/b/model.yaml": "bad"})
    looked_at, findings = validate(at(tmp_path))
    assert (looked_at, told(findings)) == (["mlci.yaml"], [("mlci.yaml:2:1", "unknown key `modells`")])


def test_what_is_wrong_with_one_model_does_not_hide_another(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            **GOOD,
            "models/b/model.yaml": "version: 1\nname: b\nartefact: x\n",
            "models/c/model.yaml": manifest("c"),
            "models/d/model.yaml": "a: [\n",
            "models/e/model.yaml": manifest("a"),
            "models/e/m.onnx": "1",
        },
    )
    findings = told(validate(at(tmp_path))[1])
    assert ("models/b/model.yaml:3:1", "unknown key `artefact`") in findings
    assert ("models/c/model.yaml:3:11", "`models/c/m.onnx` is not there") in findings
    assert ("models/e/model.yaml:2:7", "the name `a` is taken by models/a/model.yaml") in findings
    assert any(place.startswith("models/d/model.yaml:") for place, _ in findings)


def test_the_limits_of_the_repository_hold_for_its_artifacts(tmp_path: Path) -> None:
    write_files(tmp_path, {**GOOD, "mlci.yaml": "version: 1\nlimits: {artifact: 10B}\n", "models/a/m.onnx": "x" * 11})
    assert told(validate(at(tmp_path))[1]) == [
        ("models/a/model.yaml:3:11", "`m.onnx` has 11 B, over the limit of 10B on what is read")
    ]


# Some of it ---------------------------------------------------------------------------------------------------------


def test_the_files_that_are_named_are_looked_at_and_no_others(tmp_path: Path) -> None:
    write_files(tmp_path, {**GOOD, "models/b/model.yaml": "bad"})
    assert validate(at(tmp_path), ["models/a/model.yaml"]) == (["models/a/model.yaml"], [])


def test_a_configuration_can_be_named(tmp_path: Path) -> None:
    write_files(tmp_path, {**GOOD, "other/mlci.yaml": "version: 3\n"})
    assert told(validate(at(tmp_path), ["mlci.yaml", "other/mlci.yaml"])[1]) == [
        ("other/mlci.yaml:1:10", "`version` is 3; this mlci reads version 1")
    ]


def test_a_manifest_of_any_name_can_be_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"draft.yaml": "version: 1\nname: A B\nartifact: m.onnx\nchecks: [artifact]\n", "m.onnx": ""})
    assert [place for place, _ in told(validate(at(tmp_path), ["draft.yaml"])[1])] == ["draft.yaml:2:7"]


def test_a_file_that_is_named_twice_does_not_take_its_own_name(tmp_path: Path) -> None:
    write_files(tmp_path, GOOD)
    path = "models/a/model.yaml"
    assert validate(at(tmp_path), [path, path]) == ([path], [])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("models/x/model.yaml", "`models/x/model.yaml` is not there"),
        ("models/a", "`models/a` is a folder, expected a file"),
        ("models/linked.yaml", "`models/linked.yaml` is refused: `models/linked.yaml` is a symbolic link"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding_at_its_name(tmp_path: Path, path: str, message: str) -> None:
    write_files(tmp_path, GOOD)
    (tmp_path / "models/linked.yaml").symlink_to("a/model.yaml")
    ((place, said),) = told(validate(at(tmp_path), [path])[1])
    assert place == path
    assert said.startswith(message)


def test_with_a_wrong_configuration_a_named_manifest_is_still_looked_at(tmp_path: Path) -> None:
    write_files(tmp_path, {**GOOD, "mlci.yaml": "version: 7\n"})
    assert validate(at(tmp_path), ["models/a/model.yaml"]) == (["models/a/model.yaml"], [])


def test_what_changed_is_looked_at_and_the_configuration(make_repo: MakeRepo) -> None:
    root = make_repo({**GOOD, "models/b/model.yaml": manifest("b"), "models/b/m.onnx": ""})
    write_files(root, {"models/b/m.onnx": "changed"})
    assert validate(at(root), changed_since="main") == (["mlci.yaml", "models/b/model.yaml"], [])


def test_nothing_changed_is_nothing_wrong(make_repo: MakeRepo) -> None:
    root = make_repo({"README.md": ""})
    assert validate(at(root), changed_since="main") == ([], [])


# Very much of it ----------------------------------------------------------------------------------------------------


def crowd() -> Files:
    """320 models: right, wrong in several ways, without their artifact, and two of a name in different parts."""
    files: dict[str, str] = {"mlci.yaml": "version: 1\nlimits: {artifact: 50B}\n"}
    for number in range(320):
        folder = f"models/m{number:03}"
        kinds = {
            0: f"version: 1\nname: m{number}\nartefact: m.onnx\n",
            1: manifest(f"m{number}").replace("checks: [artifact]", "checks: [artefact]"),
            2: "- no\n- mapping\n",
            3: "a: [1,\n",
            4: manifest("same"),
        }
        files[f"{folder}/model.yaml"] = kinds.get(number % 40, manifest(f"m{number}"))
        if number % 40 != 7:
            files[f"{folder}/m.onnx"] = "x" * (100 if number % 40 == 9 else 10)
    return files


def test_many_manifests_in_processes_are_told_as_one_after_another(make_repo: MakeRepo, tmp_path: Path) -> None:
    root = make_repo(crowd())
    looked_at, findings = validate(at(root))
    # a commit is read by one process
    tree = CommitTree(Git(root, World(root)), git(root, "rev-parse", "HEAD"), tmp_path / "scratch")
    serial = validate(Workspace(World(root), root, tree, has_git=True))
    assert (looked_at, findings) == serial
    assert len(looked_at) == 321


def test_of_many_manifests_every_kind_of_trouble_is_told(tmp_path: Path) -> None:
    write_files(tmp_path, crowd())
    findings = told(validate(at(tmp_path))[1])

    def count(words: str) -> int:
        return sum(1 for _, message in findings if words in message)

    assert count("unknown key `artefact`") == 8
    assert count("m.onnx` is not there") == 8
    assert count("over the limit of 50B") == 8
    assert count("the name `same` is taken by models/m004/model.yaml") == 7
    assert len({place.partition(":")[0] for place, _ in findings}) == 55


def test_many_named_files_are_told_in_the_order_they_were_named(tmp_path: Path) -> None:
    write_files(tmp_path, crowd())
    paths = [f"models/m{number:03}/model.yaml" for number in reversed(range(320))]
    looked_at, findings = validate(at(tmp_path), paths)
    assert looked_at == paths
    places = [finding.at.path for finding in findings if finding.at and "is taken by" not in finding.message]
    assert places == sorted(places, reverse=True)


# Somebody's own schema ----------------------------------------------------------------------------------------------

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"depth": {"type": "integer", "minimum": 1}, "name": {"$ref": "#/$defs/word"}},
    "required": ["depth"],
    "additionalProperties": False,
    "$defs": {"word": {"type": "string", "pattern": "^[a-z]+$"}},
}


def against(schema: object, **documents: str) -> list[tuple[str, str]]:
    raw = schema if isinstance(schema, str) else json.dumps(schema)
    named = [(f"{name}.yaml", text.encode()) for name, text in documents.items()]
    return told(validate_against(raw.encode(), "own.schema.json", named))


def test_documents_that_fit_are_no_finding() -> None:
    assert against(SCHEMA, a="depth: 3\n", b="{depth: 1, name: abc}") == []


def test_what_does_not_fit_is_told_with_its_place() -> None:
    findings = against(SCHEMA, a="depth: 0\nname: ABC\n", b="depth: 1\nnmae: x\n", c="{}")
    assert [place for place, _ in findings] == ["a.yaml:1:8", "a.yaml:2:7", "b.yaml:2:1", "c.yaml:1:1"]


def test_a_document_that_cannot_be_read_does_not_hide_another() -> None:
    places = [place for place, _ in against(SCHEMA, a="depth: [\n", b="depth: x\n")]
    assert places[0].startswith("a.yaml:")
    assert places[-1] == "b.yaml:1:8"


def test_a_document_with_two_readings_is_refused_under_any_schema() -> None:
    assert [message for _, message in against({}, a="answer: no\n")] != []


@pytest.mark.parametrize(
    "schema",
    [
        '{"type": ',
        "[1]",
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"type": 3},
    ],
    ids=["no json", "no schema", "remote", "a file", "a circle", "a slow pattern", "no such type"],
)
def test_a_schema_that_cannot_be_checked_in_bounded_time_is_refused(schema: object) -> None:
    with pytest.raises(InvalidFile) as caught:
        against(schema, a="a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n")
    assert caught.value.findings[0].at is not None
    assert caught.value.findings[0].at.path == "own.schema.json"
    assert caught.value.findings[0].level is Level.ERROR
