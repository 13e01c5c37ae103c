"""Looking at a folder, and writing a small valid manifest for it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import git, write_files
from hypothesis import given
from hypothesis import strategies as st

from mlci import document, scaffold
from mlci.errors import UsageError
from mlci.scaffold import Answers, Candidate, Found

ONNX = b"\x08\x08\x12\x07skl2onnx\x3a\x00"
Cli = Callable[..., tuple[int, str, str]]


class Told:
    """Somebody who answers from a list, and notes what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def choose(self, question: str, option: str, likely: Sequence[str]) -> str:
        self.asked.append(option)
        return self.answers.pop(0)

    def maybe(self, question: str) -> str | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else None


def test_artifacts_are_found_by_content_whatever_they_are_called(tmp_path: Path) -> None:
    write_files(tmp_path, {"weights.bin": ONNX, "deep/er/old.dat": pickle.dumps({"a": 1}), "notes.txt": "words"})
    assert scaffold.look(tmp_path).artifacts == (
        Candidate("weights.bin", "onnx", "onnx"),
        Candidate("deep/er/old.dat", "pickle", None),
    )


def test_hidden_folders_and_installed_packages_are_passed_by(tmp_path: Path) -> None:
    write_files(tmp_path, {".cache/a.onnx": ONNX, "node_modules/b.onnx": ONNX, "venv/lib/c.onnx": ONNX, "d.onnx": ONNX})
    assert [item.path for item in scaffold.look(tmp_path).artifacts] == ["d.onnx"]


def test_a_link_is_no_candidate(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.onnx": ONNX})
    (tmp_path / "b.onnx").symlink_to("a.onnx")
    assert [item.path for item in scaffold.look(tmp_path).artifacts] == ["a.onnx"]


def test_the_card_and_the_interpreter_of_a_folder_are_seen(tmp_path: Path) -> None:
    write_files(tmp_path, {"MODEL_CARD.md": "# A card", ".venv/bin/python": "#!/bin/sh\n"})
    found = scaffold.look(tmp_path)
    assert (found.card, found.interpreter) == (True, ".venv/bin/python")


@pytest.mark.parametrize(
    ("tables", "likely"),
    [
        (("train.csv", "x_test.csv"), "x_test.csv"),
        (("a/holdout.parquet", "a/train.parquet"), "a/holdout.parquet"),
        (("only.csv",), "only.csv"),
        (("one.csv", "two.csv"), None),
        ((), None),
    ],
    ids=["test", "holdout", "the only one", "not clear", "none"],
)
def test_held_out_data_are_told_by_their_name(tables: tuple[str, ...], likely: str | None) -> None:
    assert Found(tables=tables).likely_data() == likely


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (np.array([0, 1, 1]), "binary"),
        (np.array(["a", "b", "c"], dtype=object), "multiclass"),
        (np.array([0.5, 1.0]), "regression"),
        (np.arange(100), "regression"),
        (np.array([True, False]), "binary"),
        (np.array([1.0, 2.0, 3.0]), "multiclass"),
    ],
    ids=["0 and 1", "words", "fractions", "many whole numbers", "booleans", "whole floats"],
)
def test_the_task_is_told_by_the_values_of_the_target(values: np.ndarray, task: str) -> None:
    assert scaffold.likely_task(values) == task


def test_the_target_is_told_by_its_name() -> None:
    assert scaffold.likely_target(["a", "Label", "b"]) == "Label"
    assert scaffold.likely_target(["a", "b"]) is None


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Churn Model", "churn-model"), ("---", "model"), ("Ünïcode", "n-code"), ("a" * 99, "a" * 64)],
    ids=["spaces", "nothing left", "letters beyond ASCII", "long"],
)
def test_a_name_is_made_of_the_folders_name(folder: str, name: str) -> None:
    assert scaffold.name_from(Path(folder)) == name


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn")), min_size=1))
def test_any_text_is_read_back_as_it_was_written(text: str) -> None:
    raw = f"x: {scaffold.scalar(text)}\n".encode()
    assert document.read(raw, "x.yaml").data == {"x": text}


@pytest.mark.parametrize("word", ["no", "1.5", "null", "2024-01-01", "a: b", "- x", "#x", "it's", "", " x", "x "])
def test_a_word_with_a_second_reading_is_quoted(word: str) -> None:
    assert scaffold.scalar(word).startswith('"')


def test_what_was_given_is_never_asked(tmp_path: Path) -> None:
    write_files(tmp_path, {"m.onnx": ONNX, "t.csv": "x,price\n1,2.5\n2,3.5\n"})
    told = Told()
    given_ = Answers(name="n", artifact="m.onnx", data="t.csv", target="price")
    answers = scaffold.complete(tmp_path, scaffold.look(tmp_path), given_, told)
    assert (told.asked, answers.task, answers.metric) == ([], "regression", "rmse")


def test_what_is_not_clear_is_asked(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.onnx": ONNX, "b.onnx": ONNX, "one.csv": "x,z\n1,2\n", "two.csv": "x,z\n1,2\n"})
    told = Told("b.onnx", "two.csv", "z")
    answers = scaffold.complete(tmp_path, scaffold.look(tmp_path), Answers(), told)
    assert (answers.artifact, answers.data, answers.target) == ("b.onnx", "two.csv", "z")
    assert told.asked[0] == "--artifact"
    assert told.asked[-1] == "--target"


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (Answers(artifact="m.onnx", data="t.csv", target="q"), "has no column `q`"),
        (Answers(artifact="m.onnx", data="none.csv"), "is not there"),
        (Answers(artifact="m.onnx", data="m.onnx"), "expected a CSV or parquet file"),
        (Answers(artifact="m.onnx", metric="rsme"), "no metric `rsme`"),
    ],
    ids=["target", "data", "no table", "metric"],
)
def test_a_wrong_answer_is_named(tmp_path: Path, given_: Answers, said: str) -> None:
    from mlci.errors import MlciError

    write_files(tmp_path, {"m.onnx": ONNX, "t.csv": "x,y\n1,2\n"})
    with pytest.raises(MlciError, match=said):
        scaffold.complete(tmp_path, scaffold.look(tmp_path), given_, Told())


def test_a_manifest_is_written_once_and_is_valid(tmp_path: Path) -> None:
    write_files(tmp_path, {"m.onnx": ONNX, "t.csv": "x,y\n1,0\n2,1\n", "MODEL_CARD.md": "# x"})
    found = scaffold.look(tmp_path)
    answers = scaffold.complete(tmp_path, found, Answers(name="a", limits={"min": 0.9}), Told())
    text = scaffold.write(tmp_path, answers)
    assert text == (tmp_path / "model.yaml").read_text()
    assert "metric: {data: test, name: accuracy, min: 0.9}" in text
    assert "  - card\n" in text
    assert scaffold.problems(text, tmp_path) == []
    with pytest.raises(UsageError, match="is there already"):
        scaffold.write(tmp_path, answers)


def test_an_answer_that_would_make_the_manifest_invalid_writes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"m.onnx": ONNX, "t.csv": "x,y\n1,0\n2,1\n"})
    answers = scaffold.complete(tmp_path, scaffold.look(tmp_path), Answers(name="Not A Name"), Told())
    with pytest.raises(UsageError, match="no manifest was written"):
        scaffold.write(tmp_path, answers)
    assert not (tmp_path / "model.yaml").exists()


def test_the_models_own_interpreter_is_named_in_the_manifest(tmp_path: Path) -> None:
    write_files(tmp_path, {"m.onnx": ONNX, ".venv/bin/python": "#!/bin/sh\n"})
    answers = scaffold.complete(tmp_path, scaffold.look(tmp_path), Answers(), Told())
    assert "runtime: {kind: onnx, python: .venv/bin/python}" in scaffold.manifest_text(answers)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    write_files(tmp_path, {"m.pkl": pickle.dumps([1])})
    found = scaffold.look(tmp_path)
    said = " ".join(scaffold.missing(found, scaffold.complete(tmp_path, found, Answers(), Told()), tmp_path))
    for word in ("held-out data", "a runtime", "a model card"):
        assert word in said


def test_init_describes_the_model_of_a_folder_and_check_measures_it(tmp_path: Path, mlci: Cli) -> None:
    write_files(tmp_path, {"p.csv": "prediction\n1\n0\n1\n", "data/test.csv": "x,y\n1,1\n2,0\n3,1\n"})
    words = ("--artifact", "p.csv", "--name", "coin", "--min", "0.9", "--yes")
    code, out, _ = mlci("init", *words, cwd=tmp_path)
    assert code == 0
    assert "wrote model.yaml" in out
    assert "a model card" in out
    code, out, _ = mlci("check", "--output", "-", cwd=tmp_path)
    assert code == 0
    assert "min 0.9" in out


def test_init_into_a_folder_of_its_own_names_paths_from_there(tmp_path: Path, mlci: Cli) -> None:
    write_files(tmp_path, {"models/a/m.onnx": ONNX})
    assert mlci("init", "models/a", "--yes", cwd=tmp_path)[0] == 0
    assert "artifact: m.onnx" in (tmp_path / "models/a/model.yaml").read_text()


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        ({}, (), "the artifact (the model file or folder) was not found"),
        ({"a.onnx": ONNX, "b.onnx": ONNX}, (), "is not clear"),
        ({"model.yaml": "version: 1\n"}, (), "is there already"),
        ({}, ("nowhere",), "is no folder"),
        ({"a.onnx": ONNX}, ("--artifact", "c.onnx"), "`c.onnx` is not there"),
    ],
    ids=["empty folder", "two models", "manifest there", "no folder", "wrong artifact"],
)
def test_init_says_in_one_line_why_it_cannot(
    tmp_path: Path, mlci: Cli, files: dict[str, bytes], words: tuple[str, ...], said: str
) -> None:
    write_files(tmp_path, files)
    code, _, err = mlci("init", "--yes", *words, cwd=tmp_path)
    assert code == 2
    assert said in err
    assert "hint: " in err


def test_init_takes_data_that_two_models_share(tmp_path: Path, mlci: Cli) -> None:
    write_files(
        tmp_path,
        {"data/shared.csv": "x,y\n1,0\n2,1\n", "models/a/p.csv": "prediction\n0\n1\n", "mlci.yaml": "version: 1\n"},
    )
    words = ("init", "models/a", "--yes", "--artifact", "p.csv", "--data", "../../data/shared.csv")
    assert mlci(*words, cwd=tmp_path)[0] == 0
    assert mlci("check", "--output", "-", cwd=tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--metric", "rmse"), "rmse is no metric of binary models"), (("--task", "regression"), "holds no numbers")],
)
def test_init_refuses_what_cannot_work(tmp_path: Path, mlci: Cli, words: tuple[str, ...], said: str) -> None:
    write_files(tmp_path, {"m.onnx": ONNX, "t.csv": "x,label\n1,no\n2,yes\n"})
    code, _, err = mlci("init", "--yes", *words, cwd=tmp_path)
    assert code == 2
    assert said in err


def test_the_only_text_column_behind_the_features_is_the_target(tmp_path: Path, mlci: Cli) -> None:
    write_files(tmp_path, {"m.onnx": ONNX, "t.csv": "length,width,species\n1,2,setosa\n2,3,virginica\n"})
    assert mlci("init", "--yes", cwd=tmp_path)[0] == 0
    assert "target: species" in (tmp_path / "model.yaml").read_text()


def test_init_below_the_root_says_where_models_are_looked_for(tmp_path: Path, mlci: Cli) -> None:
    git(tmp_path, "init", "-q")
    write_files(tmp_path, {"ml/m.onnx": ONNX})
    code, out, _ = mlci("init", "--yes", cwd=tmp_path / "ml")
    assert code == 0
    assert "write `models: [ml]` into mlci.yaml" in out
