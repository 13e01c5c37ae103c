"""`mlci data`: profiles are written, data compared with them, and contracts exchanged, in real repositories."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import click
import pytest
from conftest import git, write_files

from mlci import keys, profile
from mlci.cli.data import command

Cli = Callable[..., tuple[int, str, str]]
Repo = Callable[[Mapping[str, "str | bytes"]], Path]

MANIFEST = """\
version: 1
name: loans
artifact: model.csv
datasets:
  train:
    path: train.csv
    key: [id]
    columns:
      email: {type: string, sensitive: true}
      age: {type: int, range: [18, 99], required: true}
  test: {path: test.csv, profile: locks/test.json}
checks: [artifact]
"""


def rows(count: int, age: int = 30, first: int = 0, country: str = "DE") -> str:
    lines = (f"{first + i},{age + i % 7},{country if i % 3 else 'FR'},u{i}@example.org" for i in range(count))
    return "id,age,country,email\n" + "\n".join(lines) + "\n"


@pytest.fixture
def repo(make_repo: Repo) -> Path:
    return make_repo(
        {"model.yaml": MANIFEST, "model.csv": "prediction\n1\n", "train.csv": rows(300), "test.csv": rows(90)}
    )


# profile ----------------------------------------------------------------------------------------------------------


def test_the_profile_of_a_dataset_stands_beside_the_manifest(repo: Path, mlci: Cli) -> None:
    code, out, err = mlci("data", "profile", "train", cwd=repo)
    assert (code, err) == (0, "")
    assert re.fullmatch(r"wrote train\.profile\.json \([0-9.]+ (B|KiB)\): 300 rows, 4 columns\n", out)
    made = profile.read((repo / "train.profile.json").read_bytes(), "p")
    assert (made.dataset, made.rows, made.keys) == ("train", 300, ())
    assert not (repo / "locks").exists()


def test_every_dataset_is_profiled_where_none_is_named(repo: Path, mlci: Cli) -> None:
    code, out, _ = mlci("data", "profile", "--format", "json", cwd=repo)
    assert code == 0
    assert [item["path"] for item in json.loads(out)] == ["train.profile.json", "locks/test.json"]
    assert all((repo / item["path"]).stat().st_size == item["size"] for item in json.loads(out))


def test_writing_it_again_changes_no_byte(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", cwd=repo)
    before = (repo / "train.profile.json").read_bytes()
    mlci("data", "profile", cwd=repo)
    assert (repo / "train.profile.json").read_bytes() == before
    assert sorted(path.name for path in repo.glob("*.part")) == []


def test_the_content_is_that_of_the_file(repo: Path, mlci: Cli) -> None:
    import hashlib

    mlci("data", "profile", "train", cwd=repo)
    digest = hashlib.sha256((repo / "train.csv").read_bytes()).hexdigest()
    assert profile.read((repo / "train.profile.json").read_bytes(), "p").content == f"sha256:{digest}"


def test_a_sensitive_value_is_in_no_file_that_is_written(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", "--keys", cwd=repo)
    for name in ("train.profile.json", "train.keys"):
        assert b"example.org" not in (repo / name).read_bytes()


def test_a_sample_is_for_checks_and_a_profile_sees_every_row(repo: Path, mlci: Cli) -> None:
    sampled = MANIFEST.replace("    key: [id]\n", "    key: [id]\n    scan: {rows: 1000}\n")
    write_files(repo, {"model.yaml": sampled, "train.csv": rows(5000)})
    mlci("data", "profile", "train", cwd=repo)
    assert profile.read((repo / "train.profile.json").read_bytes(), "p").rows == 5000


def test_hashes_of_keys_are_written_only_when_they_are_asked_for(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", cwd=repo)
    assert not (repo / "train.keys").exists()
    code, out, _ = mlci("data", "profile", "train", "--keys", cwd=repo)
    assert (code, out.splitlines()[1]) == (0, "wrote train.keys (2.344 KiB): 300 key hashes")
    made = profile.read((repo / "train.profile.json").read_bytes(), "p")
    hashes = keys.read((repo / "train.keys").read_bytes(), "k", made.keys_sha256)
    assert len(hashes) == made.keys[0].hashes == 300


def test_groups_of_columns_can_be_hashed_as_well(repo: Path, mlci: Cli) -> None:
    code, out, _ = mlci("data", "profile", "train", "--keys", "country,age", "--keys", "id", cwd=repo)
    assert code == 0
    made = profile.read((repo / "train.profile.json").read_bytes(), "p")
    assert [item.columns for item in made.keys] == [("country", "age"), ("id",)]
    assert "314 key hashes" in out


def test_hashes_that_the_profile_no_longer_names_are_told(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", "--keys", cwd=repo)
    _, _, err = mlci("data", "profile", "train", cwd=repo)
    assert err == "train.keys is of an older profile: delete it, or write it again with --keys\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("trian",), "there is no dataset `trian` here\n  hint: did you mean `train`?"),
        (("zzz",), "there is no dataset `zzz` here\n  hint: the datasets here: test, train"),
        (("train", "--model", "lone"), "there is no model `lone` here"),
        (("test", "--keys"), "the dataset `test` has no `key:`\n  hint: name the columns: --keys customer_id,month"),
        (("--keys", "train"), "the key `train` is no column of the dataset `train`\n  hint: name the dataset first"),
    ],
    ids=["misspelled", "unknown", "no such model", "no key", "the wrong way round"],
)
def test_what_is_not_there_is_told(repo: Path, mlci: Cli, argv: tuple[str, ...], message: str) -> None:
    code, out, err = mlci("data", "profile", *argv, cwd=repo)
    assert (code, out) == (2, "")
    assert f"error[usage]: {message}" in err


def test_a_link_in_the_place_of_a_profile_is_not_written_through(repo: Path, mlci: Cli, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("kept")
    (repo / "train.profile.json").symlink_to(outside)
    code, _, err = mlci("data", "profile", "train", cwd=repo)
    assert (code, outside.read_text()) == (2, "kept")
    assert "is a symbolic link" in err


def test_data_that_are_no_table_leave_the_old_profile(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", cwd=repo)
    before = (repo / "train.profile.json").read_bytes()
    write_files(repo, {"train.csv": "<!doctype html>\n<p>no</p>\n"})
    code, _, err = mlci("data", "profile", "train", cwd=repo)
    assert code != 0
    assert "an HTML page" in err
    assert (repo / "train.profile.json").read_bytes() == before


def test_a_broken_manifest_of_another_model_stands_in_nobodys_way(repo: Path, mlci: Cli) -> None:
    write_files(repo, {"models/other/model.yaml": "version: 1\nnam: x\n"})
    assert mlci("data", "profile", "train", cwd=repo)[0] == 0
    code, _, err = mlci("data", "profile", cwd=repo)
    assert code == 2
    assert "models/other/model.yaml:2:1: error[invalid]: unknown key `nam`" in err


def test_what_is_written_lets_checks_run_without_the_data(repo: Path, mlci: Cli) -> None:
    checks = """    checks:
      - leakage: {from: train, on: [id]}
      - drift: {from: train, columns: [age], ks: 0.2}
      - outliers: {from: train, columns: [age]}
"""
    plain = "  test: {path: test.csv, profile: locks/test.json}\n"
    manifest = MANIFEST.replace(plain, f"  test:\n    path: test.csv\n{checks}")
    write_files(repo, {"model.yaml": manifest, "test.csv": rows(300, first=298, age=31)})
    mlci("data", "profile", "train", "--keys", cwd=repo)
    (repo / "train.csv").unlink()
    code, out, _ = mlci("check", "--only", "leakage,drift,outliers", "--output", "-", "--format", "json", cwd=repo)
    results = {item["check"]: item for item in json.loads(out)["models"][0]["results"]}
    assert code == 1
    assert {name: item["outcome"] for name, item in results.items()} == {
        "leakage": "failed", "drift": "passed", "outliers": "failed"
    }  # fmt: skip
    assert results["leakage"]["measurements"][0]["value"] == 2
    assert results["outliers"]["measurements"][0]["value"] == 42  # every seventh is 37, one above all before
    assert results["drift"]["measurements"][0]["value"] == pytest.approx(1 / 7, abs=0.01)


# diff -------------------------------------------------------------------------------------------------------------


def test_data_that_did_not_change_are_told_so(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", cwd=repo)
    code, out, err = mlci("data", "diff", cwd=repo)
    assert (code, err) == (0, "")
    assert out == (
        "loans: train: 300 → 300 rows\n4 columns did not change\n\n"
        "loans: test: 90 → 90 rows\n4 columns did not change\n"
    )  # fmt: skip


def test_what_changed_is_told_with_small_histograms(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", cwd=repo)
    write_files(repo, {"train.csv": rows(400, age=33).replace("country", "land")})
    code, out, _ = mlci("data", "diff", "train", cwd=repo)
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "loans: train: 300 → 400 rows")
    assert lines[1:3] == [
        "  breaking: the column `country` (string, VARCHAR) is gone",
        "  the column `land` (string, VARCHAR) is new",
    ]
    age = next(line for line in lines if line.startswith("age"))
    assert re.search(r"^age +0% +[0-9.]+ +[0-9.]+ +[0-9.]+ +[▁-█·]+ → [▁-█·]+$", age)
    assert "~" not in out


def test_a_table_of_changes_is_json_as_well(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", cwd=repo)
    write_files(repo, {"train.csv": rows(300, country="IT")})
    code, out, _ = mlci("data", "diff", "train", "--format", "json", cwd=repo)
    (found,) = json.loads(out)
    assert code == 0
    assert (found["model"], found["dataset"], found["rows"]) == ("loans", "train", [300, 300])
    assert found["columns"][0]["column"] == "country"
    # DE, FR and the rest
    before, now = found["columns"][0]["histograms"]
    assert before == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-5)
    assert now == pytest.approx([0, 1 / 3, 2 / 3], abs=1e-5)
    assert found["content"][0] != found["content"][1]


def test_data_are_compared_with_the_profile_of_a_commit(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", cwd=repo)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "profiles")
    git(repo, "checkout", "-q", "-b", "branch")
    write_files(repo, {"train.csv": rows(120)})
    mlci("data", "profile", cwd=repo)
    git(repo, "commit", "-q", "-a", "-m", "fewer rows")
    assert mlci("data", "diff", "train", cwd=repo)[1].startswith("loans: train: 120 → 120 rows\n")
    assert mlci("data", "diff", "train", "--since", "main", cwd=repo)[1].startswith("loans: train: 300 → 120 rows\n")


def test_without_the_data_two_committed_profiles_are_compared(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", cwd=repo)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "profiles")
    write_files(repo, {"train.csv": rows(120)})
    mlci("data", "profile", "train", cwd=repo)
    (repo / "train.csv").unlink()
    code, out, _ = mlci("data", "diff", "train", "--since", "HEAD", cwd=repo)
    assert (code, out.splitlines()[0]) == (0, "loans: train: 300 → 120 rows")


def test_two_files_are_compared_anywhere(repo: Path, mlci: Cli, tmp_path: Path) -> None:
    mlci("data", "profile", cwd=repo)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name, path in (("old.json", "train.profile.json"), ("new.json", "locks/test.json")):
        (folder / name).write_bytes((repo / path).read_bytes())
    code, out, err = mlci("data", "diff", "old.json", "new.json", cwd=folder)
    assert (code, err) == (0, "")
    assert out.startswith("test: 300 → 90 rows\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "no dataset here has a profile\n  hint: mlci data profile, and commit what it writes"),
        (("train",), "the dataset `train` of `loans` has no profile\n  hint: mlci data profile train, and commit"),
        (("train", "--since", "HEAD"), "the dataset `train` of `loans` has no profile at `HEAD`"),
        (("train", "--since", "nowhere"), "`nowhere` is not a commit of this repository"),
        (("a.json", "b.json"), "`a.json` cannot be read: no such file or directory"),
    ],
    ids=["none", "one", "at a commit", "no commit", "no file"],
)
def test_what_there_is_nothing_to_compare_with_is_told(
    repo: Path, mlci: Cli, argv: tuple[str, ...], message: str
) -> None:
    code, out, err = mlci("data", "diff", *argv, cwd=repo)
    assert (code, out) == (2, "")
    assert message in err


def test_a_commit_needs_git(tmp_path: Path, mlci: Cli) -> None:
    write_files(tmp_path, {"model.yaml": MANIFEST, "train.csv": rows(3)})
    code, _, err = mlci("data", "diff", "train", "--since", "main", cwd=tmp_path)
    assert (code, "`--since` needs a git repository" in err) == (2, True)


def test_a_damaged_profile_is_told_with_its_place(repo: Path, mlci: Cli) -> None:
    mlci("data", "profile", "train", cwd=repo)
    lock = repo / "train.profile.json"
    lock.write_text(lock.read_text().replace('"rows": 300', '"rows": "300"'))
    code, _, err = mlci("data", "diff", "train", cwd=repo)
    assert code == 2
    assert "train.profile.json:6:10: error[invalid]: `rows` is `300`, expected a whole number of at least 0" in err


# import, export ---------------------------------------------------------------------------------------------------

SUITE = {
    "expectation_suite_name": "loans",
    "expectations": [
        {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "age", "mostly": 0.99}},
        {
            "expectation_type": "expect_column_values_to_be_between",
            "kwargs": {"column": "age", "min_value": 18, "max_value": 99},
        },
    ],
}


def test_a_suite_of_another_tool_becomes_rules_of_columns(tmp_path: Path, mlci: Cli) -> None:
    (tmp_path / "suite.json").write_text(json.dumps(SUITE))
    code, out, err = mlci("data", "import", "suite.json", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "age:" in out
    assert "mostly: " in out
    assert re.search(r"range: ?\[18, 99\]|range:\n", out)


def test_a_file_that_is_no_contract_or_not_there_is_told(tmp_path: Path, mlci: Cli) -> None:
    (tmp_path / "a.json").write_text("{}")
    code, _, err = mlci("data", "import", "a.json", cwd=tmp_path)
    assert (code, "this is no data contract" in err) == (2, True)
    code, _, err = mlci("data", "import", "b.json", cwd=tmp_path)
    assert (code, "`b.json` cannot be read: no such file or directory" in err) == (2, True)


def test_the_rules_of_a_dataset_become_a_contract(repo: Path, mlci: Cli, tmp_path: Path) -> None:
    code, out, err = mlci("data", "export", "train", cwd=repo)
    assert (code, err) == (0, "")
    assert "kind: DataContract" in out
    (tmp_path / "back.odcs.yaml").write_text(out)
    code, back, _ = mlci("data", "import", str(tmp_path / "back.odcs.yaml"), cwd=tmp_path)
    assert code == 0
    assert "age:" in back
    assert "sensitive: true" in back


def test_a_dataset_of_two_models_must_be_told_apart(repo: Path, mlci: Cli) -> None:
    other = MANIFEST.replace("name: loans", "name: other")
    write_files(repo, {"models/other/model.yaml": other, "models/other/train.csv": rows(3)})
    code, _, err = mlci("data", "export", "train", cwd=repo)
    assert code == 2
    assert "2 models have a dataset `train`: loans, other\n  hint: say which with --model" in err
    assert mlci("data", "export", "train", "--model", "other", cwd=repo)[0] == 0


# the commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", command.commands)
def test_every_part_of_the_command_has_help_with_examples(name: str, mlci: Cli) -> None:
    part = command.commands[name]
    code, out, _ = mlci("data", name, "--help")
    assert (code, "Examples:" in out) == (0, True)
    assert max(map(len, out.splitlines())) <= 80
    lines = [line.strip() for line in (part.epilog or "").splitlines() if line.strip().startswith("mlci ")]
    assert lines
    for line in lines:
        words = line.split("   ")[0].split()
        assert words[:3] == ["mlci", "data", name]
        assert part.make_context(name, words[3:]).params is not None
    for option in part.params:
        if isinstance(option, click.Option):
            assert re.match(r"[A-Z].*\.$", option.help or ""), option.name


# a profile that nobody measured ---------------------------------------------------------------------------------------


def test_a_profile_that_a_branch_changes_is_held_against_its_data(repo: Path, mlci: Cli) -> None:
    text = MANIFEST.replace("profile: locks/test.json}", "checks: [{drift: {from: train, columns: [age]}}]}")
    write_files(repo, {"model.yaml": text, "test.csv": rows(300, age=60)})
    mlci("data", "profile", "train", cwd=repo)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "profile")
    assert "psi of age" in mlci("check", "--only", "drift", "--output", "-", cwd=repo)[1]
    git(repo, "checkout", "-q", "-b", "branch")
    lock = repo / "train.profile.json"
    made = profile.read(lock.read_bytes(), "p")
    moved = replace(made, columns=tuple(replace(c, counts=c.counts[::-1]) for c in made.columns))
    lock.write_text(profile.dump(moved), encoding="utf-8")
    git(repo, "commit", "-q", "-am", "forge")
    code, out, _ = mlci("check", "--only", "drift", "--changed-since", "main", "--output", "-", cwd=repo)
    assert code == 1
    assert "`train.profile.json` is not what `train.csv` says of `" in out
    assert "hint: mlci data profile train" in out
