"""The run: every model on its own, every check to its end, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import git, write_files

from mlci import checking, gate
from mlci.checking import check
from mlci.errors import ExitCode, UsageError
from mlci.findings import InvalidFile
from mlci.repo import WorkTree
from mlci.results import Outcome, Report, Result
from mlci.selection import Selection
from mlci.workspace import Workspace, open_workspace
from mlci.world import World

Files = Mapping[str, "str | bytes"]
MakeRepo = Callable[..., Path]


def model(name: str, *, extra: str = "", least: float = 0.5, labels: str = "no\nyes\nno\nyes\n") -> dict[str, str]:
    """A model of recorded predictions, right in three rows of four."""
    manifest = f"""\
version: 1
name: {name}
artifact: {name}.csv
runtime: predictions
datasets:
  test:
    path: test.csv
    target: left
    columns:
      age: {{type: int, required: true}}
    checks:
      - rows: {{min: 2}}
checks:
  - metric: {{data: test, name: accuracy, min: {least}}}
"""
    folder = f"models/{name}"
    return {
        f"{folder}/model.yaml": manifest + extra,
        f"{folder}/{name}.csv": "label\n" + labels,
        f"{folder}/test.csv": "age,left\n31,no\n25,yes\n40,yes\n77,yes\n",
    }


def ran(root: Path, selection: Selection | None = None, **more: Any) -> Report:
    with open_workspace(World(root), root, more.pop("revision", None)) as workspace:
        return check(workspace, selection, **more)


def outcomes(report: Report) -> dict[str, str]:
    return {f"{model.name}/{result.id}": result.outcome.value for model, result in report.results()}


def result(report: Report, name: str) -> Result:
    return next(result for model, result in report.results() if f"{model.name}/{result.id}" == name)


# One model's trouble --------------------------------------------------------------------------------------------


def test_every_check_of_a_model_is_run(make_repo: MakeRepo) -> None:
    report = ran(make_repo(model("churn")))
    assert outcomes(report) == {
        "churn/artifact": "passed",
        "churn/columns-test": "passed",
        "churn/rows-test": "passed",
        "churn/metric-accuracy-test": "passed",
    }
    assert [m.value for m in result(report, "churn/metric-accuracy-test").measurements] == [0.75]
    assert report.models[0].bundle is not None
    assert [(i.role, i.path) for i in report.models[0].inputs] == [
        ("config", "models/churn/model.yaml"),
        ("artifact", "models/churn/churn.csv"),
        ("data", "models/churn/test.csv"),
    ]


BROKEN: dict[str, dict[str, str | bytes]] = {
    "no YAML": {"models/bad/model.yaml": "version: 1\nname: [\n"},
    "an unknown key": {"models/bad/model.yaml": "version: 1\nname: bad\nartefact: x\n"},
    "no text": {"models/bad/model.yaml": b"\xff\xfe\x00"},
    "no checks": {"models/bad/model.yaml": "version: 1\nname: bad\nartifact: x\n"},
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_manifest_is_a_result_of_its_own_among_good_ones(make_repo: MakeRepo, case: str) -> None:
    report = ran(make_repo({**model("aa"), **BROKEN[case], **model("zz")}))
    [(found, why)] = [(m, r) for m, r in report.results() if r.outcome is Outcome.BROKEN]
    assert (found.name, found.path, why.check, why.cause) == (
        "models/bad/model.yaml",
        "models/bad/model.yaml",
        "manifest",
        "invalid",
    )
    assert all(str(finding.at).startswith("models/bad/model.yaml") for finding in why.findings)
    assert outcomes(report)["aa/metric-accuracy-test"] == outcomes(report)["zz/metric-accuracy-test"] == "passed"


def test_the_second_of_two_models_of_one_name_is_refused_and_the_first_runs(make_repo: MakeRepo) -> None:
    second = {name.replace("models/good/", "models/other/"): body for name, body in model("good").items()}
    report = ran(make_repo({**model("good"), **second}))
    assert outcomes(report)["good/metric-accuracy-test"] == "passed"
    [refused] = [found for found in report.models if found.path == "models/other/model.yaml"]
    assert "the name `good` is taken by models/good/model.yaml" in refused.results[0].reason


TROUBLES: dict[str, dict[str, str | bytes]] = {
    "an artifact that is not there": {},
    "an artifact that is a folder": {"models/bad/bad.csv/x": "1"},
    "predictions that are no table": {"models/bad/bad.csv": "a,b\n1\n1,2,3\n"},
    "data that are no table": {"models/bad/bad.csv": "label\nno\n", "models/bad/test.csv": b"\x00\x01\x02"},
    "data that are a pointer": {"models/bad/test.csv": "version https://git-lfs.github.com/spec/v1\n"},
}


@pytest.mark.parametrize("case", TROUBLES)
def test_trouble_below_one_model_stops_no_other(make_repo: MakeRepo, case: str) -> None:
    bad = {name: body for name, body in model("bad").items() if not name.endswith("bad.csv")}
    report = ran(make_repo({**model("aa"), **bad, **TROUBLES[case], **model("zz")}))
    told = outcomes(report)
    assert told["bad/metric-accuracy-test"] == "broken"
    assert result(report, "bad/metric-accuracy-test").cause != "bug"
    assert {value for key, value in told.items() if not key.startswith("bad/")} == {"passed"}
    assert gate.decide(report).exit_code is ExitCode.FAILED


def test_a_link_among_the_inputs_has_no_digest_and_is_told(make_repo: MakeRepo) -> None:
    root = make_repo({**model("aa"), **model("zz")})
    (root / "models/aa/aa.csv").unlink()
    (root / "models/aa/aa.csv").symlink_to("/etc/hostname")
    report = ran(root)
    assert outcomes(report)["aa/artifact"] == "failed"
    assert report.models[0].bundle is None
    assert report.models[1].bundle is not None
    assert outcomes(report)["zz/metric-accuracy-test"] == "passed"


def test_a_wrong_policy_of_the_repository_stops_the_run(make_repo: MakeRepo) -> None:
    with pytest.raises(InvalidFile, match="unknown key `requires`"):
        ran(make_repo({**model("a"), "mlci.yaml": "version: 1\nrequires: [card]\n"}))


def test_a_repository_without_models_says_so(make_repo: MakeRepo) -> None:
    with pytest.raises(UsageError, match=r"no model\.yaml found"):
        ran(make_repo({"README.md": "nothing"}))


# Policy ---------------------------------------------------------------------------------------------------------


def test_what_the_repository_requires_is_run_on_every_model(make_repo: MakeRepo) -> None:
    config = "version: 1\nrequire: [card, beats-trivial]\n"
    report = ran(make_repo({**model("a"), **model("b"), "mlci.yaml": config, "models/b/MODEL_CARD.md": "# B\n"}))
    required = {f"{m.name}/{r.id}" for m, r in report.results() if r.required}
    assert required == {"a/card", "a/beats-trivial", "b/card", "b/beats-trivial"}
    assert outcomes(report)["a/card"] == outcomes(report)["b/card"] == "failed"
    assert result(report, "a/card").findings[0].message == "`models/a/MODEL_CARD.md` is not there"
    assert str(result(report, "b/card").findings[0].at) == "models/b/MODEL_CARD.md"


def test_a_model_cannot_loosen_what_the_repository_requires(make_repo: MakeRepo) -> None:
    loose = "  - card: {sections: [Data]}\n    severity: warning\n"
    report = ran(make_repo({**model("a", extra=loose), "mlci.yaml": "version: 1\nrequire: [card]\n"}))
    assert outcomes(report)["a/card"] == "failed"
    assert gate.decide(report).exit_code is ExitCode.FAILED


def test_a_required_check_that_is_skipped_blocks(make_repo: MakeRepo) -> None:
    manifest = "version: 1\nname: a\nartifact: a.csv\nchecks: [artifact]\n"
    files = {"model.yaml": manifest, "a.csv": "label\n1\n", "mlci.yaml": "version: 1\nrequire: [beats-trivial]\n"}
    report = ran(make_repo(files))
    assert outcomes(report) == {"a/beats-trivial": "skipped", "a/artifact": "passed"}
    assert gate.decide(report).reasons == ("a: beats-trivial: required, and skipped: no dataset has a `target:`",)


def test_defaults_of_the_repository_stand_below_what_a_model_asks(make_repo: MakeRepo) -> None:
    config = "version: 1\ndefaults:\n  card: {path: docs/card.md, sections: [Data]}\n"
    extra = "  - card: {sections: [Use]}\n"
    files = {**model("a", extra=extra), **model("b", extra="  - card\n"), "mlci.yaml": config}
    report = ran(make_repo({**files, **{f"models/{n}/docs/card.md": "# Data\nthree words here\n" for n in "ab"}}))
    assert outcomes(report)["b/card"] == "passed"
    assert [f.message for f in result(report, "a/card").findings] == ["the card has no section `Use`"]


def test_a_default_limit_breaks_at_the_place_of_the_check(make_repo: MakeRepo) -> None:
    config = "version: 1\ndefaults:\n  artifact: {size: {max: 5B}}\n"
    report = ran(make_repo({**model("a", extra="  - artifact\n"), "mlci.yaml": config}))
    [finding] = result(report, "a/artifact").findings
    assert finding.message == "artifact size is 20 B, above its maximum 5 B"
    assert str(finding.at) == "models/a/model.yaml:15:5"


# Selection ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        ((), {"artifact", "columns-test", "rows-test", "metric-accuracy-test"}),
        (("data",), {"columns-test", "rows-test"}),
        (("files",), {"artifact"}),
        (("model",), {"metric-accuracy-test"}),
        (("rows",), {"rows-test"}),
        (("rows", "model"), {"rows-test", "metric-accuracy-test"}),
        (("beats-trivial",), {"beats-trivial"}),
    ],
    ids=lambda value: " ".join(value) or "all" if isinstance(value, tuple) else "",
)
def test_only_selects_by_group_and_by_id(make_repo: MakeRepo, only: tuple[str, ...], ids: set[str]) -> None:
    report = ran(make_repo(model("a")), Selection(only=only))
    assert {result.id for _, result in report.results()} == ids


def test_only_of_what_no_model_has_is_refused_for_nothing_checked_is_no_pass(make_repo: MakeRepo) -> None:
    with pytest.raises(UsageError, match="no model here has a check of load"):
        ran(make_repo(model("a")), Selection(only=("load",)))


def test_only_of_a_word_that_is_none_is_refused_before_anything_runs(make_repo: MakeRepo) -> None:
    with pytest.raises(UsageError, match="there is no check `row`") as caught:
        ran(make_repo(model("a")), Selection(only=("row",)))
    assert caught.value.hint == "did you mean `rows`?"


def test_the_shards_of_a_repository_are_all_of_it(make_repo: MakeRepo) -> None:
    root = make_repo({name: body for number in range(5) for name, body in model(f"m{number}").items()})
    shards = [[m.name for m in ran(root, Selection(shard=f"{i}/3")).models] for i in (1, 2, 3)]
    assert sorted(name for shard in shards for name in shard) == [f"m{number}" for number in range(5)]
    assert all(shards)


def test_a_model_is_selected_by_name(make_repo: MakeRepo) -> None:
    report = ran(make_repo({**model("a"), **model("b")}), Selection(models=("b",)))
    assert [m.name for m in report.models] == ["b"]
    assert report.selection == "--model b"


def test_a_report_says_the_commit_and_whether_more_was_measured(make_repo: MakeRepo, tmp_path: Path) -> None:
    root = make_repo(model("a"))
    head = git(root, "rev-parse", "HEAD")
    clean = ran(root)
    assert (clean.commit, clean.dirty) == (head, False)
    write_files(root, {"models/a/a.csv": "label\nyes\nno\nyes\nyes\n"})
    dirty, committed = ran(root), ran(root, revision="HEAD")
    assert (dirty.commit, dirty.dirty) == (head, True)
    assert outcomes(dirty)["a/metric-accuracy-test"] == "passed"
    assert result(dirty, "a/metric-accuracy-test").measurements[0].value == 0.5
    assert result(committed, "a/metric-accuracy-test").measurements[0].value == 0.75
    assert (committed.commit, committed.models[0].bundle) == (head, clean.models[0].bundle)
    assert dirty.models[0].bundle != clean.models[0].bundle
    write_files(tmp_path / "bare", model("a"))
    assert ran(tmp_path / "bare").commit is None


# Parallel, progress, the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_report_does_not_depend_on_the_number_of_jobs(make_repo: MakeRepo, jobs: int) -> None:
    files = {name: body for number in range(6) for name, body in model(f"m{number}", least=0.7).items()}
    report = ran(make_repo({**files, **model("m3", least=0.8), **BROKEN["no YAML"]}), jobs=jobs)
    assert [m.name for m in report.models] == ["models/bad/model.yaml", *(f"m{number}" for number in range(6))]
    assert [r.id for r in report.models[1].results] == ["artifact", "columns-test", "rows-test", "metric-accuracy-test"]
    assert [key for key, value in outcomes(report).items() if value == "failed"] == ["m3/metric-accuracy-test"]


@pytest.mark.parametrize("jobs", [1, 4])
def test_progress_counts_every_step_once(make_repo: MakeRepo, jobs: int) -> None:
    root = make_repo({**model("a"), **model("b"), **BROKEN["no YAML"]})
    (root / "models/b/b.csv").unlink()
    (root / "models/b/b.csv").mkdir()
    (root / "models/b/b.csv/link").symlink_to("/etc/hostname")  # its digest cannot be taken
    seen: list[tuple[int, int, str]] = []
    ran(root, jobs=jobs, progress=lambda done, total, what: seen.append((done, total, what)))
    assert [done for done, _, _ in seen] == list(range(1, 12))
    assert {total for _, total, _ in seen} == {11}
    steps = ["digests", "artifact", "columns-test", "rows-test", "metric-accuracy-test"]
    assert sorted(what for _, _, what in seen) == sorted(
        ["models/bad/model.yaml", *(f"{name}: {step}" for name in "ab" for step in steps)]
    )


def scripted(name: str, body: str) -> dict[str, str]:
    """A model whose interpreter is a shell script."""
    files = model(name)
    manifest = files[f"models/{name}/model.yaml"].replace(f"artifact: {name}.csv", "artifact: m.onnx")
    manifest = manifest.replace("runtime: predictions", "runtime: {kind: auto, python: python}")
    return {
        **files,
        f"models/{name}/model.yaml": manifest,
        f"models/{name}/m.onnx": "\x08\x08\x12\x04text",  # the first fields of an ONNX file
        f"models/{name}/python": f"#!/bin/sh\n{body}\n",
    }


def executable(root: Path) -> Path:
    for path in root.glob("models/*/python"):
        path.chmod(0o755)
    return root


def test_two_models_run_at_the_same_time(make_repo: MakeRepo, tmp_path: Path) -> None:
    def meet(own: str, other: str) -> str:
        return f"touch {tmp_path}/{own}; until [ -e {tmp_path}/{other} ]; do sleep 0.01; done; exit 9"

    files = {**scripted("a", meet("here-a", "here-b")), **scripted("b", meet("here-b", "here-a"))}
    root = executable(make_repo({**files, "mlci.yaml": "version: 1\nlimits: {load: 2m}\n"}))
    report = ran(root, Selection(only=("model",)), jobs=2)
    assert [r.reason for _, r in report.results()] == [
        "the process of `m.onnx` ended with status 9 while it should load"
    ] * 2


def test_the_processes_and_folders_of_a_run_end_with_it(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    root = executable(make_repo({**scripted("a", "exit 3"), **scripted("b", "exec sleep 600")}))
    write_files(root, {"mlci.yaml": "version: 1\nlimits: {load: 300ms}\n"})
    scratch = root.parent / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    world = World(root)
    with open_workspace(world, root) as workspace:
        report = check(workspace)
    assert outcomes(report)["a/metric-accuracy-test"] == outcomes(report)["b/metric-accuracy-test"] == "broken"
    assert {result(report, f"{name}/metric-accuracy-test").cause for name in "ab"} == {"runtime", "limit"}
    assert not world._children
    assert list(scratch.iterdir()) == []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def waited(found: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until it is so; the test fails when the process ends before."""
    while not found():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_run_and_everything_it_started(
    make_repo: MakeRepo, tmp_path: Path, number: signal.Signals
) -> None:
    note = tmp_path / "pids"
    # the script and a child of its own hang; both are noted before
    hang = f"sleep 3000 & echo $$ $! > {note}.part; mv {note}.part {note}; wait"
    root = executable(make_repo({**scripted("a", hang), **model("b"), "mlci.yaml": "version: 1\nlimits: {load: 1h}\n"}))
    process = subprocess.Popen(
        [sys.executable, "-m", "mlci", "check"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    waited(note.exists, process)
    process.send_signal(number)
    try:
        _, stderr = process.communicate(timeout=300)  # a run that waited for its model would take an hour
    finally:
        process.kill()
    assert process.returncode == ExitCode.INTERRUPTED, stderr
    assert "Traceback" not in stderr
    for pid in map(int, note.read_text().split()):
        while alive(pid):
            time.sleep(0.01)
    assert not list(tmp_path.glob("mlci-*"))
    assert not (root / "report.json").exists()


# Checks of other packages -----------------------------------------------------------------------------------------

PLUGIN = '''
"""A check of another package."""

from mlci import schema
from mlci.case import Inconclusive, error
from mlci.results import Measurement

GROUP = "files"
SCOPE = schema.MODEL
OPTIONS = schema.options(max=schema.LIMIT, fail={"type": "string"})


def check(case):
    yield Measurement(name="letters", value=len(case.model.name), limits=case.limits(), at=case.at())
    what = case.options.get("fail")
    if what == "raise":
        raise RuntimeError("a bug")
    if what == "exit":
        raise SystemExit(0)
    if what == "yield":
        yield "no finding"
    if what == "inconclusive":
        raise Inconclusive("too few")
'''


def plugged(root: Path, folder: Path, body: str = PLUGIN) -> tuple[int, dict[str, Any], str]:
    """`mlci check` with a package installed beside that declares the check `letters` -> (code, results, stderr)."""
    dist = folder / "acme_letters-1.0.dist-info"
    write_files(
        folder,
        {
            "acme_letters.py": body,
            f"{dist.name}/METADATA": "Metadata-Version: 2.1\nName: acme-letters\nVersion: 1.0\n",
            f"{dist.name}/entry_points.txt": "[mlci.checks]\nletters = acme_letters\n",
        },
    )
    done = subprocess.run(
        [sys.executable, "-m", "mlci", "check"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    report = root / "report.json"
    found = json.loads(report.read_text()) if report.exists() else {"models": []}
    results = {r["id"]: r for m in found["models"] for r in m["results"]}
    return done.returncode, results, done.stderr


def asking(*checks: str) -> Files:
    lines = "".join(f"  - {text}\n" for text in checks)
    return {"model.yaml": f"version: 1\nname: churn\nartifact: a.txt\nchecks:\n{lines}", "a.txt": "text\n"}


def test_a_check_of_another_package_runs_as_one_s_own(make_repo: MakeRepo, tmp_path: Path) -> None:
    root = make_repo(asking("letters: {max: 4}", "letters: {max: 5}\n    id: again"))
    code, results, stderr = plugged(root, tmp_path / "site")
    assert code == ExitCode.FAILED, stderr
    assert {id_: r["outcome"] for id_, r in results.items()} == {
        "artifact": "passed",
        "letters": "failed",
        "again": "passed",
    }
    assert results["letters"]["findings"][0]["message"] == "letters is 5, above its maximum 4"
    assert results["letters"]["findings"][0]["at"] == {"path": "model.yaml", "line": 5, "column": 20}


def test_a_check_that_raises_is_broken_and_never_passed(make_repo: MakeRepo, tmp_path: Path) -> None:
    names = ("raise", "exit", "yield", "inconclusive")
    root = make_repo(asking("artifact", *(f"letters: {{fail: {name}}}\n    id: {name}" for name in names)))
    code, results, stderr = plugged(root, tmp_path / "site")
    assert code == ExitCode.FAILED, stderr
    assert {name: (results[name]["outcome"], results[name]["cause"]) for name in names} == {
        "raise": ("broken", "bug"),
        "exit": ("broken", "bug"),
        "yield": ("broken", "bug"),
        "inconclusive": ("inconclusive", ""),
    }
    assert results["artifact"]["outcome"] == "passed"
    assert results["raise"]["reason"] == "the check failed with RuntimeError: a bug"
    assert all(results[name]["measurements"] for name in names), "what was measured before is kept"


def test_options_of_a_check_of_another_package_are_held_against_its_schema(make_repo: MakeRepo, tmp_path: Path) -> None:
    code, results, _ = plugged(make_repo(asking("letters: {maxx: 4}")), tmp_path / "site")
    assert code == ExitCode.INVALID
    [finding] = results["manifest"]["findings"]
    assert finding["message"] == "unknown key `maxx` in `checks[0].letters`"
    assert finding["hint"] == "did you mean `max`?"


def test_without_that_package_its_check_is_unknown(make_repo: MakeRepo) -> None:
    report = ran(make_repo(asking("letters: {max: 4}")))
    assert outcomes(report) == {"model.yaml/manifest": "broken"}
    assert "letters" in report.models[0].results[0].reason


def test_a_disk_that_fails_under_one_model_does_not_stop_the_others(make_repo: MakeRepo) -> None:
    class Failing(WorkTree):
        def digest(self, path: str) -> str:
            if path.startswith("models/a/"):
                raise OSError(5, "Input/output error")
            return super().digest(path)

    root = make_repo({**model("a"), **model("b")})
    report = check(Workspace(World(root), root, Failing(root)))
    broken, whole = report.models
    assert (broken.bundle, broken.results[-1].cause) == (None, "outside")
    assert broken.results[-1].reason == "an input of `a` cannot be read: input/output error"
    assert whole.bundle is not None


# Long scans --------------------------------------------------------------------------------------------------------


class Reading:
    """A task in the middle of a file."""

    def progress(self) -> dict[str, float]:
        return {"data/train.parquet": 0.4}


def test_a_long_scan_is_told_while_it_goes_on() -> None:
    told: list[tuple[int, int, str]] = []
    heard = threading.Event()

    def progress(*said: Any) -> None:
        told.append(said)
        heard.set()

    with checking._Teller(progress, 3).watching([Reading()]):  # type: ignore[list-item]  # all that is asked of it
        assert heard.wait(60)
    assert told[0] == (0, 3, "reading data/train.parquet 40%")


def test_nobody_is_told_of_scans_where_nobody_watches() -> None:
    before = threading.active_count()
    with checking._Teller(None, 3).watching([Reading()]):  # type: ignore[list-item]  # all that is asked of it
        assert threading.active_count() == before
