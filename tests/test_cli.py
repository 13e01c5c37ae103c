"""The command line: exit codes, help, errors in one line, and the terminals, pipes and machines it runs on."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import sample
from conftest import git, write_files

from mlci import registry
from mlci.cli import bug, check, console
from mlci.cli.main import COMMANDS, cli, main
from mlci.errors import ExitCode
from mlci.reports import read_reports, render
from mlci.world import World

Cli = Callable[..., tuple[int, str, str]]
MakeRepo = Callable[..., Path]

MANIFEST = """\
version: 1
name: churn
artifact: model.csv
runtime: predictions
datasets:
  test: {path: test.csv, target: y, key: [id]}
checks:
  - metric: {data: test, name: accuracy, min: 0.7}
"""
MODEL = {
    "model.yaml": MANIFEST,
    "test.csv": "id,y\n1,a\n2,b\n3,a\n4,b\n",
    "model.csv": "id,prediction\n1,a\n2,b\n3,a\n4,a\n",
}


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    """One model that passes: three of four right."""
    return make_repo(MODEL)


def below(folder: str, **changes: str) -> dict[str, str]:
    """The files of the model in a folder of its own, with other content where it is given."""
    return {f"{folder}/{name}": changes.get(name.partition(".")[0], body) for name, body in MODEL.items()}


def run(*argv: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program itself, in a process and with an environment of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mlci", *argv],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
    )


# Help -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=list(COMMANDS))
def command(request: pytest.FixtureRequest) -> click.Command:
    found = cli.get_command(click.Context(cli), request.param)
    assert found
    return found


def test_the_summary_of_a_command_is_the_first_paragraph_of_its_help(command: click.Command) -> None:
    assert " ".join((command.help or "").split("\n\n")[0].split()) == COMMANDS[str(command.name)]


def test_the_help_of_a_command_has_examples_of_itself(command: click.Command) -> None:
    epilog = command.epilog or ""
    assert epilog.startswith("\b\nExamples:\n  mlci ")
    assert all(line.startswith(f"  mlci {command.name}") for line in epilog.splitlines()[2:])


def test_every_option_of_a_command_has_help(command: click.Command) -> None:
    for option in [*command.params, *cli.params]:
        if isinstance(option, click.Option):
            assert re.match(r"[A-Z].*\.$", option.help or ""), option.name


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_of_a_command_is_printed_whole(command: click.Command, flag: str, mlci: Cli) -> None:
    code, out, err = mlci(str(command.name), flag)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: mlci {command.name} ")
    assert "Examples:" in out
    assert max(map(len, out.splitlines())) <= 80


def test_help_lists_every_command_with_its_summary(mlci: Cli) -> None:
    code, out, _ = mlci("--help")
    assert code == 0
    text = " ".join(out.split())
    assert all(f"{name} {summary}" in text for name, summary in COMMANDS.items())


def test_no_command_at_all_is_help_and_a_usage_error(mlci: Cli) -> None:
    code, out, err = mlci()
    assert (code, out) == (2, "")
    assert "Commands:" in err


def test_the_version_is_the_packages(mlci: Cli) -> None:
    from mlci import __version__

    assert mlci("--version") == (0, f"mlci {__version__}\n", "")


def test_every_command_has_a_module_and_every_other_module_is_a_helper() -> None:
    modules = {path.stem for path in Path(check.__file__).parent.glob("*.py")}
    assert modules - set(COMMANDS) == {"__init__", "bug", "console", "main"}


# Exit codes -------------------------------------------------------------------------------------------------------


def pickled(protocol: int = 4) -> bytes:
    return pickle.dumps({"weights": list(range(50))}, protocol)


PICKLE = MANIFEST.replace("model.csv", "model.pkl").replace("runtime: predictions\n", "")
TIGHT = "version: 1\nlimits: {artifact: 1B}\n"
UNFIT = MANIFEST.replace("min: 0.7", "min: 0.99")

ENDS = {
    "everything passed": (MODEL, "check", 0, ""),
    "the repository is valid": (MODEL, "validate", 0, ""),
    "a limit is not kept": ({**MODEL, "model.yaml": UNFIT}, "check", 1, ""),
    "a check cannot run": ({**MODEL, "model.csv": "id,prediction\n9,a\n"}, "check", 1, ""),
    "a manifest is wrong": ({**MODEL, "model.yaml": MANIFEST + "colour: red\n"}, "check", 2, ""),
    "a version is unknown": ({"model.yaml": "version: 2\n"}, "validate", 2, "model.yaml:1:10: error[invalid]"),
    "a file that a manifest names is away": ({"model.yaml": MANIFEST}, "validate", 2, "is not there"),
    "the configuration is wrong": ({**MODEL, "mlci.yaml": "version: 1\nmodel: x\n"}, "check", 2, "unknown key `model`"),
    "no model is there": ({"README.md": "x"}, "check", 2, "no model.yaml found"),
    "no model is there to validate": ({"README.md": "x"}, "validate", 2, "no model.yaml found"),
    "no model is there to list": ({"README.md": "x"}, "list", 2, "no model.yaml found"),
    "a manifest has the other suffix": ({"model.yml": MANIFEST}, "check", 2, "rename model.yml"),
    "a model is misspelt": (MODEL, "check --model chrun", 2, "did you mean `churn`?"),
    "a check is misspelt": (MODEL, "check --only metrics", 2, "did you mean `metric`?"),
    "a path is misspelt": (MODEL, "check modle.yaml", 2, "`modle.yaml` is not there"),
    "a path leaves the repository": (MODEL, "check ../other", 2, "outside the repository"),
    "a shard does not exist": (MODEL, "check --shard 3/2", 2, "expected i/n"),
    "a commit does not exist": (MODEL, "check --commit nothing", 2, "is not a commit of this repository"),
    "a commit looks like an option": (MODEL, "check --commit=--output=x", 2, "is not the name of a commit"),
    "a base does not exist": (MODEL, "check --changed-since nothing", 2, "is not a commit of this repository"),
    "a format is misspelt": (MODEL, "check --format yaml", 2, "'yaml' is not one of"),
    "an option is misspelt": (MODEL, "check --modle x", 2, "Did you mean"),
    "a command is misspelt": (MODEL, "chekc", 2, "did you mean `check`?"),
    "a command does not exist": (MODEL, "frobnicate", 2, "there is no command `frobnicate`"),
    "too many words": (MODEL, "explain card card", 2, "unexpected extra argument"),
    "a folder does not exist": (MODEL, "-C nowhere check", 2, "`nowhere` is no folder"),
    "a check to explain is misspelt": (MODEL, "explain metrik", 2, "did you mean `metric`?"),
    "files and a base at once": (MODEL, "validate model.yaml --changed-since HEAD", 2, "not both"),
    "a schema without files": (MODEL, "validate --schema x.json", 2, "needs the files"),
    "a schema that is away": (MODEL, "validate --schema x.json model.yaml", 2, "`x.json` cannot be read"),
    "a report that is away": (MODEL, "report", 2, "`report.json` cannot be read: no such file"),
    "a report that is a folder": (MODEL, "report .", 2, "cannot be read: is a directory"),
    "a report that is none": (MODEL, "report model.yaml", 2, "this is not JSON"),
    "a reporter is misspelt": (MODEL, "report --format markdwon", 2, ""),
    "a model file that could run code": ({**MODEL, "model.yaml": PICKLE, "model.pkl": pickled()}, "check", 3, ""),
    "a model file over the limit": ({**MODEL, "mlci.yaml": TIGHT}, "check", 4, ""),
    "a report that cannot be written": (MODEL, "check --output no/r.json", 5, "`no/r.json` cannot be written"),
    "a fast check of no file": (MODEL, "check --fast", 2, "looks at the data files that it is given"),
    "a folder in place of the report": ({**MODEL, "r.json/x": ""}, "check --output r.json", 5, "is a directory"),
    "a file in place of its folder": (MODEL, "check --output model.csv/r.json", 5, "not a directory"),
    "the folder itself as the report": (MODEL, "check --output .", 5, "is a directory"),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_an_end_has_its_exit_code_and_no_traceback(end: str, make_repo: MakeRepo, mlci: Cli) -> None:
    files, words, expected, said = ENDS[end]
    code, out, err = mlci(*words.split(), cwd=make_repo(files))
    assert code == expected, out + err
    assert said in err
    assert "Traceback" not in out + err
    assert said == "" or out == "" or code == ExitCode.OUTSIDE  # what was measured is printed all the same


@pytest.mark.parametrize("end", [end for end, (_, _, code, said) in ENDS.items() if code == 2 and "error[" in said])
def test_an_error_says_its_place_its_kind_and_its_cure_on_lines_of_their_own(
    end: str, make_repo: MakeRepo, mlci: Cli
) -> None:
    files, words, _, _ = ENDS[end]
    lines = mlci(*words.split(), cwd=make_repo(files))[2].splitlines()
    assert re.match(r"[^ ]+:\d+:\d+: error\[\w+\]: ", lines[0])
    assert lines[1].startswith("  hint: ")


@pytest.mark.parametrize("end", ["a model is misspelt", "a report that is away", "a report that cannot be written"])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(end: str, make_repo: MakeRepo, mlci: Cli) -> None:
    files, words, expected, said = ENDS[end]
    code, _, err = mlci("--debug", *words.split(), cwd=make_repo(files))
    assert code == expected
    assert "Traceback (most recent call last)" in err
    assert said in err


def test_one_wrong_manifest_does_not_keep_the_others_from_being_checked(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**below("models/good"), **below("models/bad", model="version: 1\n")})
    (root / "models/bad/model.yaml").write_text("version: 1\nname: [\n")
    code, out, _ = mlci("check", cwd=root)
    assert code == 2
    assert re.search(r"^churn +metric\S* +passed", out, re.MULTILINE)
    assert re.search(r"^models/bad/model.yaml +manifest +broken", out, re.MULTILINE)


def test_a_git_that_fails_is_outside_but_what_was_measured_is_not_lost(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo(MODEL)
    (root / ".git" / "HEAD").write_text("not a reference\n")
    assert mlci("check", cwd=root)[0] == 0
    assert json.loads((root / "report.json").read_text())["commit"] is None
    code, _, err = mlci("check", "--changed-since", "main", cwd=root)
    assert code == 5 or "is not a commit of this repository" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_stop_ends_with_130(number: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([sys.executable, "-m", "mlci", "report", str(pipe)], stderr=subprocess.PIPE, text=True)
    writer = os.open(pipe, os.O_WRONLY)  # returns as soon as mlci reads the other end
    process.send_signal(number)
    _, err = process.communicate()
    os.close(writer)
    assert process.returncode == 130
    assert err.strip() == "mlci: interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_stop_of_a_check_ends_the_models_process_as_well(number: int, make_repo: MakeRepo, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # an interpreter that never answers, and holds the pipe open for as long as it lives
    root = make_repo({**MODEL, "python": f"#!/bin/sh\nexec > '{pipe}'\necho started\nwhile :; do sleep 1; done\n"})
    (root / "python").chmod(0o755)
    (root / "model.csv").write_bytes(b"\x08\x08\x12\x07pytorch")
    (root / "model.yaml").write_text(MANIFEST.replace("predictions", "{kind: onnx, python: python}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "mlci", "check"], cwd=root, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with pipe.open() as reader:
        assert reader.readline() == "started\n"
        process.send_signal(number)
        _, err = process.communicate()
        assert reader.read() == ""  # its last writer is gone
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not (root / "report.json").exists()


# A bug ------------------------------------------------------------------------------------------------------------


class Broken(io.StringIO):
    """A stream that fails as nothing foresees, or as the machine does."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_bug_ends_with_70_and_an_issue_text(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(RuntimeError("the moon is full")))
    assert main(["list", "checks"]) == ExitCode.BUG
    [issue] = scratch.iterdir()
    err = capsys.readouterr().err
    assert err.splitlines()[0] == "error[bug]: RuntimeError: the moon is full"
    assert f"an issue text is ready in {issue}" in err
    assert "Traceback" not in err
    text = issue.read_text()
    assert text.startswith("# mlci ")
    assert "$ mlci list checks" in text
    assert "raise self.error\nRuntimeError: the moon is full" in text
    assert oct(issue.stat().st_mode & 0o777) == "0o600"


def test_a_bug_with_debug_shows_its_traceback(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(RuntimeError("the moon is full")))
    assert main(["--debug", "list", "checks"]) == ExitCode.BUG
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_the_issue_text_holds_no_control_character(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bug.report_bug(ValueError("\x1b[2J\n::error::owned\u202e"), ["check", "\x1b]0;x\x07"])
    [issue] = scratch.iterdir()
    said = issue.read_text() + capsys.readouterr().err
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", said)
    assert "\n::error::" not in capsys.readouterr().err


def test_an_issue_text_that_cannot_be_written_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    bug.report_bug(ValueError("x"), ["check"])
    assert "**What I did**" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["a full disk", "a broken disk"])
def test_an_output_that_cannot_be_written_is_no_bug(
    number: int, scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(OSError(number, os.strerror(number))))
    assert main(["list", "checks"]) == ExitCode.OUTSIDE
    assert capsys.readouterr().err.startswith("error[outside]: the output cannot be written")
    assert list(scratch.iterdir()) == []


# What the commands print ------------------------------------------------------------------------------------------


def test_validate_prints_findings_as_json(make_repo: MakeRepo, mlci: Cli) -> None:
    code, out, err = mlci(
        "validate", "--format", "json", cwd=make_repo({**MODEL, "model.yaml": MANIFEST + "taks: x\n"})
    )
    assert (code, err) == (2, "")
    assert json.loads(out) == {
        "files": ["model.yaml"],
        "findings": [
            {
                "level": "error",
                "message": "unknown key `taks`",
                "at": {"path": "model.yaml", "line": 9, "column": 1},
                "hint": "did you mean `task`?",
            }
        ],
    }


def test_validate_prints_the_first_findings_and_counts_the_others(make_repo: MakeRepo, mlci: Cli) -> None:
    wrong = MANIFEST + "".join(f"x{number}: 1\n" for number in range(30))
    root = make_repo({**MODEL, "model.yaml": wrong})
    assert mlci("validate", cwd=root)[2].splitlines()[-1] == f"{30 - console.SHOWN} more with --verbose"
    assert mlci("validate", "--verbose", cwd=root)[2].count("error[invalid]") == 30


def test_validate_says_how_much_is_valid(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**below("models/a"), **below("models/b", model=MANIFEST), "mlci.yaml": "version: 1\n"})
    (root / "models/b/model.yaml").write_text(MANIFEST.replace("churn", "fraud"))
    (root / "models/b/model.csv").write_text(MODEL["model.csv"])
    assert mlci("validate", cwd=root) == (0, "valid: 3 files\n", "")
    assert mlci("validate", "models/a/model.yaml", cwd=root) == (0, "valid: 1 file\n", "")
    assert mlci("validate", "a/model.yaml", cwd=root / "models") == (0, "valid: 1 file\n", "")
    assert mlci("-C", str(root), "validate", cwd=root.parent) == (0, "valid: 3 files\n", "")


def test_validate_holds_files_against_a_schema_of_ones_own(make_repo: MakeRepo, mlci: Cli) -> None:
    schema = json.dumps({"type": "object", "properties": {"lr": {"type": "number", "maximum": 1}}})
    root = make_repo({"params.schema.json": schema, "good.yaml": "lr: 0.1\n", "bad.yaml": "lr: 2\n"})
    assert mlci("validate", "--schema", "params.schema.json", "good.yaml", cwd=root)[0] == 0
    code, _, err = mlci("validate", "--schema", "params.schema.json", "good.yaml", "bad.yaml", cwd=root)
    assert code == 2
    assert err.startswith("bad.yaml:1:5: error[invalid]: `lr` is 2")


def test_list_shows_the_models_and_what_is_wrong_with_them(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**below("models/good"), "models/bad/model.yaml": "version: 1\n"})
    code, out, err = mlci("list", "--format", "json", cwd=root)
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [row["model"] for row in rows] == ["models/bad/model.yaml", "churn"]
    assert "is missing" in rows[0]["problem"]
    assert rows[1] == {
        "model": "churn",
        "manifest": "models/good/model.yaml",
        "artifact": "models/good/model.csv",
        "runtime": "predictions",
        "problem": "",
    }
    assert mlci("list", cwd=root)[1].splitlines()[0].split() == ["model", "manifest", "artifact", "runtime", "problem"]


@pytest.mark.parametrize("what", ["checks", "runtimes", "reporters"])
def test_list_shows_the_plugins(what: str, mlci: Cli, tmp_path: Path) -> None:
    code, out, _ = mlci("list", what, "--format", "json", cwd=tmp_path)
    assert code == 0
    assert [row[what.removesuffix("s")] for row in json.loads(out)] == registry.names(what)
    assert all(row["summary"] in mlci("list", what)[1] for row in json.loads(out))


def test_list_shows_only_what_a_change_touches(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**below("models/a"), **below("models/b"), "models/b/model.yaml": MANIFEST.replace("churn", "b")})
    assert mlci("list", "--changed-since", "HEAD", cwd=root) == (0, "none\n", "")
    (root / "models/b/test.csv").write_text("id,y\n1,a\n")
    assert [row["model"] for row in json.loads(mlci("list", "--changed-since", "HEAD", "--format", "json")[1])] == ["b"]


@pytest.mark.parametrize("name", list(registry.CHECKS))
def test_explain_says_what_a_check_is_and_what_it_takes(name: str, mlci: Cli) -> None:
    code, out, err = mlci("explain", name)
    assert (code, err) == (0, "")
    assert all(f"\n{heading}:" in out for heading in ("What", "Why", "Example", "Fix"))
    module = registry.find("checks", name)
    for option in module.OPTIONS["properties"]:
        assert re.search(rf"^  {option} +\S+", out, re.MULTILINE)
    data = json.loads(mlci("explain", name, "--format", "json")[1])
    assert (data["check"], data["group"], data["scope"]) == (name, module.GROUP, module.SCOPE)
    assert data["options"] == json.loads(json.dumps(module.OPTIONS))


def test_check_writes_the_report_that_it_prints(repo: Path, mlci: Cli) -> None:
    code, out, err = mlci("check", "--format", "json", cwd=repo)
    assert (code, err) == (0, "")
    assert (repo / "report.json").read_text() == out
    report = read_reports([("report.json", out.encode())])
    assert report.commit == git(repo, "rev-parse", "HEAD")
    assert [model.name for model in report.models] == ["churn"]
    assert sorted(path.name for path in repo.iterdir()) == [
        ".git",
        "model.csv",
        "model.yaml",
        "report.json",
        "test.csv",
    ]


@pytest.mark.parametrize("format_", check.FORMATS)
def test_report_prints_what_check_printed(format_: str, repo: Path, mlci: Cli) -> None:
    code, out, _ = mlci("check", "--format", format_, cwd=repo)
    assert code == 0
    again, said, err = mlci("report", "--format", format_)
    assert (again, err) == (0, "")
    # a time is rounded once on its way through the file, and once more when it is shown
    timed = re.compile(r'time="[\d.]+"|[\d.]+ s\b')
    assert timed.sub("", said) == timed.sub("", out)


def test_the_formats_of_check_are_the_reporters() -> None:
    assert sorted(check.FORMATS) == sorted(registry.REPORTERS)


def test_report_writes_to_a_file(repo: Path, mlci: Cli) -> None:
    (repo / "report.json").write_text(render(sample.report(), "json"))
    assert mlci("report", "--format", "junit", "--output", "junit.xml", cwd=repo) == (1, "", "")
    assert (repo / "junit.xml").read_text() == render(sample.report(), "junit")


def test_report_puts_the_shards_of_a_run_together(make_repo: MakeRepo, mlci: Cli) -> None:
    files = {}
    for name in ("a", "b", "c"):
        files |= {**below(f"models/{name}"), f"models/{name}/model.yaml": MANIFEST.replace("churn", name)}
    root = make_repo(files)
    for part in (1, 2):
        assert mlci("check", "--shard", f"{part}/2", "--output", f"r{part}.json", cwd=root)[0] == 0
    code, out, _ = mlci("report", "r1.json", "r2.json", "--format", "json")
    assert code == 0
    assert [model["name"] for model in json.loads(out)["models"]] == ["a", "b", "c"]


def test_check_with_no_report_writes_none(repo: Path, mlci: Cli) -> None:
    assert mlci("check", "--output", "-", cwd=repo)[0] == 0
    assert not (repo / "report.json").exists()


def test_a_report_that_cannot_be_written_leaves_no_half_of_it(repo: Path, mlci: Cli) -> None:
    (repo / "r.json").mkdir()
    before = sorted(repo.iterdir())
    assert mlci("check", "--output", "r.json", cwd=repo)[0] == 5
    assert sorted(repo.iterdir()) == before


def test_a_report_that_is_a_pipe_is_written_to_and_stays_one(repo: Path, mlci: Cli) -> None:
    os.mkfifo(repo / "pipe")
    end = os.open(repo / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert mlci("check", "--output", "pipe", cwd=repo)[0] == 0
        assert json.loads(os.read(end, 1 << 16))["version"] == 1
    finally:
        os.close(end)
    assert (repo / "pipe").is_fifo()


def test_a_report_that_is_a_link_is_written_where_it_leads(repo: Path, mlci: Cli) -> None:
    (repo / "report.json").symlink_to("elsewhere.json")
    assert mlci("check", cwd=repo)[0] == 0
    assert (repo / "report.json").is_symlink()
    assert json.loads((repo / "elsewhere.json").read_text())["version"] == 1


def test_an_old_report_is_replaced(repo: Path, mlci: Cli) -> None:
    (repo / "report.json").write_text("old")
    assert mlci("check", cwd=repo)[0] == 0
    assert json.loads((repo / "report.json").read_text())["version"] == 1


def test_only_what_was_asked_for_is_checked(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**below("models/a"), **below("models/b"), "models/b/model.yaml": MANIFEST.replace("churn", "b")})

    def checked(*words: str) -> set[tuple[str, str]]:
        code, out, err = mlci("check", "--format", "json", "--output", "-", *words, cwd=root)
        assert (code, err) == (0, "")
        return {(m["name"], r["check"]) for m in json.loads(out)["models"] for r in m["results"]}

    both = {("churn", "artifact"), ("churn", "metric"), ("b", "artifact"), ("b", "metric")}
    assert checked() == both
    assert checked("--model", "b") == {("b", "artifact"), ("b", "metric")}
    assert checked("--model", "b", "--model", "churn") == both
    assert checked("models/a") == {("churn", "artifact"), ("churn", "metric")}
    assert checked("models/b/test.csv", "--only", "model") == {("b", "metric")}
    assert checked("--only", "metric,artifact", "--model", "b") == {("b", "artifact"), ("b", "metric")}
    assert checked("--only", "data", "--model", "b") == set()
    assert mlci("check", "--only", "data", cwd=root)[0] == 2
    assert checked("--changed-since", "HEAD") == set()
    assert checked("--jobs", "1") == both


def test_a_commit_is_checked_as_it_was(repo: Path, mlci: Cli) -> None:
    (repo / "model.csv").write_text("id,prediction\n1,b\n2,a\n3,b\n4,a\n")
    assert mlci("check", cwd=repo)[0] == 1
    assert mlci("check", "--commit", "HEAD")[0] == 0


WARNED = MANIFEST.replace("min: 0.7", "min: {warning: 0.9, error: 0.7}")


@pytest.mark.parametrize(
    ("manifest", "fail_on", "expected"),
    [
        (WARNED, "error", 0),
        (WARNED, "warning", 1),
        (WARNED, "never", 0),
        (UNFIT, "error", 1),
        (UNFIT, "never", 0),
    ],
    ids=["warned", "warned-warning", "warned-never", "failed", "failed-never"],
)
def test_what_blocks_is_what_fail_on_says(
    manifest: str, fail_on: str, expected: int, make_repo: MakeRepo, mlci: Cli
) -> None:
    root = make_repo({**MODEL, "model.yaml": manifest})
    assert mlci("check", "--fail-on", fail_on, cwd=root)[0] == expected
    assert mlci("report", "--fail-on", fail_on)[0] == expected


def test_a_failure_is_told_with_the_line_of_its_limit(make_repo: MakeRepo, mlci: Cli) -> None:
    out = mlci("check", cwd=make_repo({**MODEL, "model.yaml": UNFIT}))[1]
    assert "\nmodel.yaml:8:47: error[metric-accuracy-test]: accuracy is 0.75 (n = 4), below its minimum 0.99\n" in out
    assert out.splitlines()[-1].startswith("refused: 1 model, 2 checks: 1 failed, 1 passed in ")


# Completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_what_a_shell_evaluates(shell: str, mlci: Cli) -> None:
    code, out, err = mlci("completion", shell)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert f"_MLCI_COMPLETE={shell}_source mlci" in out


@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_the_completion_script_is_for_mlci(shell: str, tmp_path: Path) -> None:
    done = run(cwd=tmp_path, _MLCI_COMPLETE=f"{shell}_source")
    assert (done.returncode, done.stderr) == (0, "")
    assert "_mlci_completion" in done.stdout
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [("mlci ch", ["check"]), ("mlci re", ["report"]), ("mlci list ", ["models", "checks", "runtimes", "reporters"])],
    ids=str,
)
def test_a_word_that_was_begun_is_completed(words: str, expected: list[str], tmp_path: Path) -> None:
    done = run(cwd=tmp_path, _MLCI_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == expected


# Terminals, pipes and machines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [("list", "checks"), ("explain", "metric"), ("--help",), ("validate",), ("list",), ("check", "--output", "-")],
    ids=" ".join,
)
def test_a_reader_that_leaves_early_is_no_error(argv: tuple[str, ...], repo: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mlci", *argv], cwd=repo, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_verdict_stands_when_its_reader_leaves_early(make_repo: MakeRepo) -> None:
    root = make_repo({**MODEL, "model.yaml": UNFIT})
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mlci", "check"], cwd=root, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
    assert (root / "report.json").exists()


def test_the_head_of_a_list_is_the_head_of_a_list(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m mlci list checks | head -n 1', sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["check", "summary"], "")


ENVIRONMENTS = {
    "plain": {},
    "C": {"LANG": "C", "LC_ALL": "C"},
    "POSIX without UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "dumb": {"TERM": "dumb"},
    "no colour": {"NO_COLOR": "1", "TERM": "xterm-256color"},
    "colour forced": {"FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "narrow": {"COLUMNS": "20"},
    "no terminal named": {"TERM": ""},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "no home": {"HOME": "/nonexistent"},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("format_", ["terminal", "markdown"])
def test_a_report_is_printed_in_every_environment(name: str, format_: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(render(sample.report(), "json"))
    done = subprocess.run(
        [sys.executable, "-m", "mlci", "report", "--format", format_],
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENTS[name]},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"broken" in done.stdout
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", done.stdout)


@pytest.mark.parametrize("name", ["modèle für 顧客 🎉", "with space", "-C", "'quoted\" $HOME", "%s {0}", "::error::x"])
def test_a_repository_may_be_named_anything(name: str, make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({"models/churn/" + path: body for path, body in MODEL.items()}, name)
    assert mlci("check", cwd=root)[0] == 0
    assert mlci("validate", f"{root}/models/churn/model.yaml") == (0, "valid: 1 file\n", "")


@pytest.mark.parametrize(
    "name", [b"caf\xc3\xa9", b"not utf-8 \xff", b"::error::x", b"##[error]x", b"\x1b[2J", b"new\nline"], ids=repr
)
def test_a_folder_of_a_model_may_be_named_anything_and_stays_text(name: bytes, make_repo: MakeRepo) -> None:
    root = make_repo({"mlci.yaml": "version: 1\nmodels: ['*']\n"})
    folder = os.path.join(os.fsencode(root), name)
    os.mkdir(folder)
    with open(os.path.join(folder, b"model.yaml"), "wb") as file:
        file.write(b"version: 2\n")
    for argv in (["check"], ["check", "--format", "json"], ["report", "--format", "markdown"], ["list"], ["validate"]):
        done = run(*argv, cwd=root)
        assert done.returncode == (0 if argv == ["list"] else 2), done.stderr
        for line in re.split(r"[\r\n]", done.stdout + done.stderr):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            assert "\x1b" not in line


def test_a_repository_without_git_is_checked(tmp_path: Path, mlci: Cli) -> None:
    write_files(tmp_path, MODEL)
    code, out, err = mlci("check", "--format", "json", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert (json.loads(out)["commit"], json.loads(out)["dirty"]) == (None, False)


def test_a_repository_is_found_from_below(repo: Path, mlci: Cli) -> None:
    (repo / "notebooks").mkdir()
    assert mlci("validate", cwd=repo / "notebooks") == (0, "valid: 1 file\n", "")
    assert mlci("list", cwd=repo / "notebooks")[0] == 0


def test_a_machine_without_git_validates_and_measures(repo: Path, tmp_path: Path) -> None:
    done = run("validate", cwd=repo, PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "valid: 1 file\n")
    assert run("check", cwd=repo, PATH=str(tmp_path)).returncode == 0
    done = run("check", "--changed-since", "main", cwd=repo, PATH=str(tmp_path))
    assert done.returncode == 5
    assert "`git` cannot be started" in done.stderr


def test_looking_at_a_repository_leaves_nothing_in_it(repo: Path, mlci: Cli) -> None:
    before = {path: path.stat().st_mtime_ns for path in repo.iterdir()}
    for words in ("validate", "list", "check --output -", "explain card"):
        assert mlci(*words.split(), cwd=repo)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in repo.iterdir()} == before


# Progress ---------------------------------------------------------------------------------------------------------


def on_a_terminal(root: Path, *argv: str, **environment: str) -> tuple[int, str]:
    """Run with stderr on a pseudo-terminal -> (exit code, what the terminal got)."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlci", *argv],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(slave)
    got = b"".join(_until_closed(master))
    os.close(master)
    return process.wait(), got.decode()


def _until_closed(master: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # how Linux says that nobody holds the other end
            return
        if not chunk:
            return
        yield chunk


def test_progress_appears_on_a_terminal_and_is_wiped_at_the_end(repo: Path) -> None:
    code, got = on_a_terminal(repo, "check")
    steps = got.split("\r\x1b[K")
    assert code == 0
    assert {"1/3", "2/3", "3/3"} <= {step.split(" ")[0] for step in steps}
    assert any(step.endswith(" churn: artifact") for step in steps)
    assert steps[-1] == ""
    assert "\n" not in got


@pytest.mark.parametrize(
    "environment",
    [{"CI": "true"}, {"CI": "1"}, {"TERM": "dumb"}],
    ids=lambda environment: "".join(f"{name}={value}" for name, value in environment.items()),
)
def test_no_progress_where_nobody_could_read_it(environment: dict[str, str], repo: Path) -> None:
    assert on_a_terminal(repo, "check", **environment) == (0, "")


def test_progress_is_shown_where_ci_is_said_to_be_off(repo: Path) -> None:
    assert "3/3" in on_a_terminal(repo, "check", CI="false")[1]


def test_no_progress_in_a_pipe(repo: Path) -> None:
    assert run("check", cwd=repo, TERM="xterm").stderr == ""


def test_progress_of_a_hostile_name_stays_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with console.progress(World(env={})) as tell:
        assert tell
        tell(1, 2, "\x1b[2J\n" + "x" * 500)
    shown = terminal.getvalue().split("\r\x1b[K")[1]
    assert shown.startswith("1/2 \\x1b[2J\\n")
    assert len(shown) < 80


# What a new user meets --------------------------------------------------------------------------------------------


def with_checks(*lines: str, dataset: str = "target: label") -> dict[str, str]:
    manifest = (
        f"version: 1\nname: m\nartifact: p.csv\nruntime: predictions\ndatasets:\n  test: {{path: t.csv, {dataset}}}\n"
    )
    return {
        "model.yaml": manifest + "checks:\n" + "".join(f"  {line}\n" for line in lines),
        "p.csv": "prediction\na\nb\nc\n",
        "t.csv": "x,label\n1,a\n2,b\n3,c\n",
    }


ACCURACY = "- metric: {data: test, name: accuracy, min: 0.5}"


def test_a_task_that_the_data_contradict_is_no_pass(make_repo: MakeRepo, mlci: Cli) -> None:
    files = with_checks(ACCURACY)
    root = make_repo({**files, "model.yaml": files["model.yaml"].replace("datasets:", "task: binary\ndatasets:")})
    code, out, _ = mlci("check", "--output", "-", cwd=root)
    assert code == 1
    assert "model.yaml:5:7: error[metric-accuracy-test]: `task` is binary, and there are 3 classes: a, b, c" in out


def test_a_key_that_is_no_column_is_named(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo(with_checks(ACCURACY, dataset="target: label, key: [xx]"))
    code, out, _ = mlci("check", "--output", "-", cwd=root)
    assert code == 1
    assert "error[metric-accuracy-test]: the key `xx` is no column of the dataset `test`" in out
    assert "did you mean `x`?" in out


def test_a_check_without_options_may_end_with_its_colon(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo(with_checks(ACCURACY, "- beats-trivial:"))
    assert mlci("validate", cwd=root)[0] == 0
    assert mlci("check", "--output", "-", cwd=root)[0] == 0


def test_only_takes_the_id_that_the_table_shows(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo(
        with_checks(ACCURACY, "- metric: {data: test, name: f1_macro, min: 2}".replace("2", "1"), "- card")
    )
    code, out, _ = mlci("check", "--only", "metric-accuracy-test", "--output", "-", cwd=root)
    assert code == 0
    assert "1 model, 1 check: 1 passed" in out
    assert "there is no check `metric-acuracy-test`" in mlci("check", "--only", "metric-acuracy-test", cwd=root)[2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("- metric: {data: test, name: accuracy, min: 90%}", "write a share as a number: 0.9 for 90%"),
        ("- metric: {data: test, name: accuracy, min: {warning: 0.8, error: 0.9}}", "swap the two"),
        ("- metric: {data: test, name: accuracy, severity: warning}", "stands beside `metric:`, not inside it"),
        ("- rows: {min: 3}", "`rows` is a check of a dataset: move it to `checks:` of one under `datasets:`"),
        ("- card: {sections: Data}", "write it as a list: [Data]"),
    ],
)
def test_a_usual_slip_is_answered_with_its_cure(make_repo: MakeRepo, mlci: Cli, line: str, said: str) -> None:
    code, _, err = mlci("validate", cwd=make_repo(with_checks(line)))
    assert code == 2
    assert f"  hint: {said}" in err or f"{said}\n" in err


def test_a_quantity_without_its_unit_is_told_so(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**with_checks(ACCURACY), "mlci.yaml": "version: 1\nlimits: {load: 60}\n"})
    assert "hint: give it its unit" in mlci("validate", cwd=root)[2]


def test_a_pattern_that_no_model_matches_is_a_warning(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({**with_checks(ACCURACY), "mlci.yaml": "version: 1\nmodels: [modles/*]\n"})
    code, out, err = mlci("validate", cwd=root)
    assert (code, out) == (0, "valid: 2 files\n")
    assert "mlci.yaml:2:10: warning[invalid]: `modles/*` matches no folder with a model.yaml" in err


@pytest.mark.parametrize("python", ["/usr/bin/true", "../../../usr/bin/env", "~/python"])
def test_an_interpreter_outside_the_repository_is_refused(make_repo: MakeRepo, mlci: Cli, python: str) -> None:
    files = with_checks(ACCURACY)
    manifest = files["model.yaml"].replace("runtime: predictions", f"runtime: {{kind: onnx, python: {python}}}")
    code, _, err = mlci("validate", cwd=make_repo({**files, "model.yaml": manifest}))
    assert code == 2
    assert "`runtime.python` is" in err
    assert "outside the repository" in err


def test_a_manifest_where_nobody_looks_is_named_with_the_cure(make_repo: MakeRepo, mlci: Cli) -> None:
    root = make_repo({f"ml/{name}": body for name, body in with_checks(ACCURACY).items()})
    code, _, err = mlci("check", cwd=root / "ml")
    assert code == 2
    assert "`ml/model.yaml` is in no folder where models are looked for" in err
    assert "write `models: [ml]`" in err
    (root / "mlci.yaml").write_text("version: 1\nmodels: [ml]\n")
    assert mlci("check", "--output", "-", cwd=root / "ml")[0] == 0
    (root / "mlci.yaml").write_text("version: 1\nmodels: [other]\n")
    write_files(root, {f"other/{name}": body for name, body in with_checks(ACCURACY).items()})
    assert mlci("check", "ml/model.yaml", cwd=root)[0] == 2


def test_c_works_as_if_started_there(make_repo: MakeRepo, mlci: Cli, tmp_path: Path) -> None:
    root = make_repo(with_checks(ACCURACY))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert mlci("-C", str(root), "check", "model.yaml", cwd=elsewhere)[0] == 0
    assert (root / "report.json").exists()
    assert list(elsewhere.iterdir()) == []
    assert Path.cwd() == elsewhere


def test_a_broken_model_that_a_branch_does_not_touch_does_not_stop_it(make_repo: MakeRepo, mlci: Cli) -> None:
    broken = {"models/d/model.yaml": "version: 1\nartifact: ../../shared\n"}
    root = make_repo({**broken, **{f"models/a/{name}": body for name, body in with_checks(ACCURACY).items()}})
    (root / "README.md").write_text("hello")
    assert mlci("check", "--changed-since", "HEAD", "--output", "-", cwd=root)[0] == 0


def test_an_ignored_artifact_makes_the_report_dirty(make_repo: MakeRepo, mlci: Cli) -> None:
    files = with_checks(ACCURACY)
    root = make_repo({**{name: body for name, body in files.items() if name != "p.csv"}, ".gitignore": "p.csv\n"})
    (root / "p.csv").write_text(files["p.csv"])
    assert mlci("check", cwd=root)[0] == 0
    assert json.loads((root / "report.json").read_text())["dirty"] is True


def test_a_file_of_another_repository_is_held_against_that_one(make_repo: MakeRepo, mlci: Cli, tmp_path: Path) -> None:
    root = make_repo(with_checks(ACCURACY))
    write_files(root, {"bad.yaml": "name: [\n"})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert mlci("validate", str(root / "model.yaml"), cwd=elsewhere)[:2] == (0, "valid: 1 file\n")
    code, _, err = mlci("validate", "../repo/bad.yaml", "../repo/model.yaml", cwd=elsewhere)
    assert code == 2
    assert err.startswith("bad.yaml:2:1: error[invalid]: this is not YAML")
    assert mlci("validate", "../nowhere/model.yaml", cwd=elsewhere)[0] == 2


def test_a_default_of_a_metric_that_is_not_named_keeps_to_no_range_of_one(make_repo: MakeRepo, mlci: Cli) -> None:
    defaults = "version: 1\ndefaults:\n  metric: {max: 4.2}\n"
    assert mlci("validate", cwd=make_repo({**with_checks(ACCURACY), "mlci.yaml": defaults}))[0] == 0
