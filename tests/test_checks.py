"""Each check over its example folders: tests/examples/<check>/{good,bad}/<case>/ are small repositories of models.

`expected.txt` holds what a reader is told: the findings as a terminal shows them, and the outcome in the last line.
After a change that is meant, `python tests/test_checks.py` writes them again; read the difference.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlci import registry
from mlci.checking import check
from mlci.document import read
from mlci.repo import WorkTree
from mlci.results import Outcome, Result
from mlci.selection import Selection
from mlci.testing import run_check
from mlci.workspace import Workspace, read_model
from mlci.world import World

EXAMPLES = Path(__file__).parent / "examples"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CASES = sorted(path.parent for path in EXAMPLES.glob("*/*/*/expected.txt"))


def name(folder: Path) -> str:
    return folder.relative_to(EXAMPLES).as_posix()


def results(folder: Path) -> list[Result]:
    # by hand, not opened: an example stands in the repository of mlci itself, and is one of its own here
    workspace = Workspace(World(folder, {}), folder, WorkTree(folder))
    report = check(workspace, Selection(only=(folder.relative_to(EXAMPLES).parts[0],)), now=NOW)
    return [result for _, result in report.results()]


def told(found: list[Result]) -> str:
    lines = []
    for result in found:
        for finding in result.findings:
            lines.append(f"{finding.at}: {finding.level}[{result.check}]: {finding.message}")
            lines += [f"  hint: {finding.hint}"] if finding.hint else []
        reason = f": {result.reason}" if result.outcome in (Outcome.SKIPPED, Outcome.INCONCLUSIVE) else ""
        cause = f" ({result.cause})" if result.cause else ""
        lines.append(f"{result.id}: {result.outcome}{cause}{reason}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("folder", CASES, ids=name)
def test_an_example_is_told_what_it_should_be(folder: Path) -> None:
    assert told(results(folder)) == (folder / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [case for case in CASES if case.parent.name == "good"], ids=name)
def test_a_good_example_passes_without_a_warning(folder: Path) -> None:
    lines = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if ": error[" in line or ": warning[" in line]
    assert all(line.endswith(": passed") for line in lines if not line.startswith(" ") and "note[" not in line)


@pytest.mark.parametrize("folder", [case for case in CASES if case.parent.name == "bad"], ids=name)
def test_a_bad_example_is_not_simply_passed(folder: Path) -> None:
    text = (folder / "expected.txt").read_text(encoding="utf-8")
    assert ": error[" in text or ": warning[" in text or ": skipped" in text


@pytest.mark.parametrize("check_id", sorted(registry.CHECKS))
def test_every_check_has_a_good_example_and_two_bad_ones(check_id: str) -> None:
    counted = [case.parent.name for case in CASES if case.relative_to(EXAMPLES).parts[0] == check_id]
    assert counted.count("good") >= 1
    assert counted.count("bad") >= 2


def test_every_example_folder_belongs_to_a_check_and_says_what_is_expected() -> None:
    folders = sorted(path.parent for path in EXAMPLES.glob("*/*/*/model.yaml"))
    assert folders == CASES
    assert {case.relative_to(EXAMPLES).parts[0] for case in CASES} <= set(registry.CHECKS)


@pytest.mark.parametrize("check_id", sorted(registry.CHECKS))
def test_a_check_is_documented_and_its_example_is_valid(check_id: str) -> None:
    module = registry.find("checks", check_id)
    text = module.__doc__ or ""
    parts = [text.index(f"\n{heading}:") for heading in ("What", "Why", "Example", "Fix")]
    assert parts == sorted(parts)
    example = text[text.index("Example:\n") + 9 : text.index("\nFix:")]
    base = "version: 1\nname: m\nartifact: a\n"
    if "datasets:" not in example:
        base += "datasets:\n  test: {path: t.csv, target: y}\n"
    lines = "\n".join(line[4:] for line in example.splitlines())
    model = read_model(read((base + lines).encode(), "model.yaml"))
    asked = {spec.check for data in (True, False) for spec in model.checks_of(data=data)}
    assert check_id in asked or any(dataset.columns or dataset.contract for dataset in model.datasets.values())


# What a git repository cannot hold, or what is only a number ------------------------------------------------------

MANIFEST = "version: 1\nname: m\nartifact: model\nchecks: [artifact]\n"


def artifact(folder: Path) -> Result:
    (folder / "model.yaml").write_text(MANIFEST)
    return check(Workspace(World(folder, {}), folder, WorkTree(folder))).results()[0][1]


def test_an_empty_artifact_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "model" / "weights").mkdir(parents=True)
    assert [f.message for f in artifact(tmp_path).findings] == ["the folder `model` holds no file"]


@pytest.mark.parametrize("where", ["model", "model/weights.bin"], ids=["itself", "below it"])
def test_an_artifact_behind_a_symbolic_link_fails(tmp_path: Path, where: str) -> None:
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).symlink_to("/etc/hostname")
    result = artifact(tmp_path)
    assert result.outcome is Outcome.FAILED
    assert "is a symbolic link, which may lead outside the repository" in result.findings[0].message


def test_a_pointer_anywhere_in_an_artifact_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "weights.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert artifact(tmp_path).findings[0].message == "`model/weights.bin` is a Git LFS pointer, not the file itself"


@pytest.mark.parametrize(("missing", "rows"), [(1, 10), (2, 10), (3, 10), (7, 70), (1, 1000), (29, 100)])
def test_a_column_may_miss_exactly_what_mostly_allows(missing: int, rows: int) -> None:
    share = f"{100 * (rows - missing) / rows:.4g}%"
    text = "a,b\n" + ",1\n" * missing + "x,1\n" * (rows - missing)
    manifest = (
        "version: 1\nname: m\nartifact: model.csv\ndatasets:\n  d:\n    path: d.csv\n    columns:\n"
        f"      a: {{required: {{mostly: {share}}}}}\n"
    )
    files = {"model.yaml": manifest, "d.csv": text}
    assert run_check("columns", dataset="d", files=files).outcome is Outcome.PASSED
    assert run_check("columns", dataset="d", files={**files, "d.csv": text + ",1\n"}).outcome is Outcome.FAILED


def test_the_size_of_a_folder_is_that_of_its_files() -> None:
    manifest = "version: 1\nname: m\nartifact: model\nchecks: [artifact]\n"
    files = {"model.yaml": manifest, "model/a": "12345", "model/b/c": "123"}
    for most, outcome in (("8B", Outcome.PASSED), ("7B", Outcome.FAILED)):
        result = run_check("artifact", {"size": {"max": most}}, files=files)
        assert result.outcome is outcome
        assert [m.value for m in result.measurements] == [8]


def card(text: str, *sections: str) -> Result:
    options: dict[str, Any] = {"sections": list(sections)}
    return run_check("card", options, files={"MODEL_CARD.md": text})


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [
        ("# Data", "Data"),
        ("###### data ##", "Data"),
        ("## Training Data", "Data"),
        ("## 2. Evaluation results", "Metrics"),
        ("## Bias, Risks, and Limitations", "Limitations"),
        ("## Uses", "Intended use"),
        ("## Q&A", "Q&A"),
        ("## R", "R"),
        ("## 数据", "数据"),
        ("## Données d'entraînement", "Données"),
    ],
)
def test_a_heading_that_means_the_section_counts(heading: str, wanted: str) -> None:
    assert card(f"{heading}\n\nThree words here.\n", wanted).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [("## Metadata", "Data"), ("## Overview", "R"), ("Data", "Data"), ("    # Data", "Data"), ("#Data", "Data")],
    ids=["part of a word", "a letter inside", "no heading", "code", "no space"],
)
def test_a_line_that_is_no_such_heading_does_not_count(heading: str, wanted: str) -> None:
    assert card(f"{heading}\n\nThree words here.\n", wanted).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "body",
    [
        "客户流失的概率。",
        "Predicts churn monthly.",
        "See [the page](x.md) there.",
        "### Below\n\nThe words stand deeper.",
    ],
    ids=["Chinese", "three words", "a link", "in a section below"],
)
def test_a_section_with_words_of_its_own_counts(body: str) -> None:
    assert card(f"# Data\n\n{body}\n\n# Next\n", "Data").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "body",
    [
        "",
        "TODO",
        "TBD",
        "[More Information Needed]",
        "{{ data | default('x') }}",
        "<!-- all\nof it -->",
        "...",
        "<name here>",
    ],
)
def test_a_section_of_placeholders_says_nothing(body: str) -> None:
    result = card(f"<!-- one\ntwo -->\n# Data\n{body}\n# Next\nThree words here.\n", "Data")
    assert [(str(f.at), f.message) for f in result.findings] == [
        ("MODEL_CARD.md:3", "the section `Data` says nothing yet")
    ]


def test_a_heading_inside_a_code_block_is_none() -> None:
    text = "# Data\n\n~~~\n# Metrics\nwords of a block here\n~~~\n"
    assert [f.message for f in card(text, "Data", "Metrics").findings] == ["the card has no section `Metrics`"]


# A model against constants --------------------------------------------------------------------------------------


def beats(y: list[Any], predicted: dict[str, list[Any]], metric: str | None = None) -> Result:
    rows = "y\n" + "".join(f"{value}\n" for value in y)
    table = [",".join(predicted), *(",".join(map(str, row)) for row in zip(*predicted.values(), strict=True))]
    files = {"model.csv": "\n".join(table) + "\n", "test.csv": rows}
    return run_check("beats-trivial", {"name": metric} if metric else {}, files=files)


@pytest.mark.parametrize(
    ("metric", "trivial"),
    [
        ("accuracy", 0.7),
        ("balanced_accuracy", 0.5),
        ("f1", 2 * 0.3 / 1.3),
        ("f1_macro", (14 / 17) / 2),
        ("precision", 0.3),
        ("average_precision", 0.3),
        ("roc_auc", 0.5),
        ("brier", 0.21),
        ("log_loss", 0.6108643),
    ],
)
def test_the_best_constant_of_a_classification_is_known(metric: str, trivial: float) -> None:
    # worked out by hand for 7 rows of class 0 and 3 of class 1
    y = [0] * 7 + [1] * 3
    result = beats(y, {"label": y, "probabilities": [abs(value - 0.05) for value in y]}, metric)
    assert result.outcome is Outcome.PASSED
    assert [m.name for m in result.measurements] == [metric, f"{metric} of the best constant"]
    assert result.measurements[1].value == pytest.approx(trivial)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_the_best_constant_of_a_regression_is_known(metric: str) -> None:
    y, mean, median = [0.5, 0.5, 2.5, 10.5], 3.5, 1.5
    expected = {
        "rmse": (sum((v - mean) ** 2 for v in y) / 4) ** 0.5,
        "mae": sum(abs(v - median) for v in y) / 4,
        "r2": 0,
    }
    result = beats(y, {"prediction": [0.4, 0.6, 2.4, 10.1]}, metric)
    assert result.outcome is Outcome.PASSED
    assert result.measurements[1].value == pytest.approx(expected[metric], abs=1e-12)


def test_a_model_that_knows_the_shares_only_is_no_better_than_them() -> None:
    result = beats([0, 0, 0, 1], {"probabilities": [0.25] * 4}, "log_loss")
    assert [f.message for f in result.findings] == [
        "the model answers `0` for every one of 4 rows",
        "log_loss is 0.5623 (n = 4), no better than the 0.5623 of a constant answer",
    ]


def test_one_label_from_probabilities_that_differ_is_judged_by_its_metric() -> None:
    result = beats([0, 0, 0, 1], {"probabilities": [0.1, 0.1, 0.1, 0.4]}, "roc_auc")
    assert result.outcome is Outcome.PASSED


if __name__ == "__main__":
    for case in sorted(path.parent for path in EXAMPLES.glob("*/*/*/model.yaml")):
        (case / "expected.txt").write_text(told(results(case)), encoding="utf-8")
