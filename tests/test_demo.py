"""The demo: the good model passes, the worse one is refused, and the README shows what it really prints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import git

from mlci.demo.road import new_folder, require_libraries
from mlci.errors import MissingExtra, UsageError

ROOT = Path(__file__).resolve().parents[1]
Cli = Callable[..., tuple[int, str, str]]


def test_the_demo_walks_the_whole_road(tmp_path: Path, mlci: Cli) -> None:
    code, out, err = mlci("demo", cwd=tmp_path)
    assert (code, err) == (0, "")
    folder = tmp_path / "mlci-demo"
    passed, refused = out.index("passed: 1 model"), out.index("refused: 1 model")
    assert passed < out.index("# 3. a branch") < refused
    assert git(folder, "branch", "--show-current") == "candidate"
    assert git(folder, "status", "--porcelain") == ""
    report = json.loads((folder / "report.json").read_text())
    (model,) = report["models"]
    failed = {result["id"] for result in model["results"] if result["outcome"] == "failed"}
    assert failed == {"metric-roc_auc-test", "metric-recall-test", "metric-accuracy-test"}
    assert re.fullmatch("[0-9a-f]{64}", model["bundle"])
    # the verdict is bound to bytes: the same model as before has another bundle
    git(folder, "switch", "--quiet", "main")
    assert mlci("check", cwd=folder)[0] == 0
    assert json.loads((folder / "report.json").read_text())["models"][0]["bundle"] != model["bundle"]
    _the_readme_shows_the_same(folder, mlci)


def _the_readme_shows_the_same(folder: Path, mlci: Cli) -> None:
    git(folder, "switch", "--quiet", "candidate")
    _, out, _ = mlci("check", "--only", "model", "--output", "-", cwd=folder)
    picture = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert picture
    without_time = re.compile(r" in [0-9.]+ s")
    assert without_time.sub("", picture.group(1)) == without_time.sub("", out)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, mlci: Cli) -> None:
    (tmp_path / "mlci-demo").mkdir()
    (tmp_path / "mlci-demo" / "mine.txt").write_text("keep")
    code, _, err = mlci("demo", cwd=tmp_path)
    assert code == 2
    assert "is not empty" in err
    assert [path.name for path in (tmp_path / "mlci-demo").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert new_folder(tmp_path) == tmp_path


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="is not empty"):
        new_folder(tmp_path / "x")


def test_a_library_that_is_not_installed_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match="extra `demo`") as caught:
        require_libraries(lambda name: None if name == "skops" else object())
    assert caught.value.hint == "pip install 'mlci[demo]'"


def test_the_demo_without_git_says_so(tmp_path: Path, mlci: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    code, _, err = mlci("demo", cwd=tmp_path)
    assert code == 5
    assert "`git` is not installed" in err
    assert not (tmp_path / "mlci-demo").exists()


def test_the_demo_keeps_to_its_folder_inside_a_hook_of_git(
    tmp_path: Path, mlci: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    git(victim, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(victim / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(victim / ".git" / "index"))
    assert mlci("demo", cwd=tmp_path)[0] == 0
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git(victim, "for-each-ref") == ""
    assert git(tmp_path / "mlci-demo", "rev-list", "--count", "HEAD") == "2"
