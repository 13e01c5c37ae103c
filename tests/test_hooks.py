"""The hooks as a user's repository runs them: real prek and real pre-commit, on a copy of this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import write_files

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
TOOLS = ("prek", "pre-commit")
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
ALL = [pytest.param(tool, hook, id=f"{tool}-{hook}") for tool in TOOLS for hook in HOOKS]

# Taken before the fixtures clear the environment: where this machine gets packages from. The hooks' environments are
# installed for real, as a user's are.
MACHINE = {
    name: value
    for name, value in os.environ.items()
    if name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_CA", "CURL_CA", "LD_LIBRARY_PATH"))
    or name.upper().endswith("_PROXY")
}
CONFIGS = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
for name, file in {
    "PIP_CONFIG_FILE": CONFIGS / "pip" / "pip.conf",
    "UV_CONFIG_FILE": CONFIGS / "uv" / "uv.toml",
}.items():
    if file.is_file():
        MACHINE.setdefault(name, str(file))


@dataclass(frozen=True)
class Machine:
    """Homes and caches of its own, and the package index of the machine that the tests run on."""

    env: Mapping[str, str]

    def run(self, *argv: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in argv], cwd=cwd, env=self.env, capture_output=True, text=True, check=False
        )

    def git(self, cwd: Path, *words: str) -> str:
        done = self.run("git", *words, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def repository(self, root: Path) -> Path:
        self.git(root, "init", "-q", "-b", "main")
        self.git(root, "add", "-A")
        self.git(root, "commit", "-q", "--no-verify", "-m", "first")
        return root


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    home = tmp_path_factory.mktemp("machine")
    return Machine(
        {
            **MACHINE,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_DATA_HOME": str(home / "data"),
            "PREK_HOME": str(home / "prek"),
            "PRE_COMMIT_HOME": str(home / "pre-commit"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A Tester",
            "GIT_AUTHOR_EMAIL": "tester@example.com",
            "GIT_COMMITTER_NAME": "A Tester",
            "GIT_COMMITTER_EMAIL": "tester@example.com",
            "NO_COLOR": "1",
            "PRE_COMMIT_COLOR": "never",
        }
    )


@pytest.fixture(scope="module")
def hooks(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository that hooks are taken from, with what is not committed yet."""
    copy = tmp_path_factory.mktemp("hooks")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for path in filter(None, listed.stdout.split("\0")):
        if (ROOT / path).is_file():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, copy / path)
    return machine.repository(copy)


# What a user has --------------------------------------------------------------------------------------------------

MANIFEST = """\
version: 1
name: {}
artifact: model.onnx
datasets: {{test: {{path: data.csv, columns: {{age: {{type: int, range: [0, 120]}}}}}}}}
checks: [card, artifact]
"""
DATA = "id,age\n1,30\n2,90\n"
CARD = """\
# {}

## Intended use
To say which customers leave.

## Data
What customers did last month.

## Metrics
Nine of ten are told right.

## Limitations
It knows nothing of new customers.
"""
ONNX = b"\x08\x08\x12\x07pytorch"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


def model(name: str, **other: str | bytes) -> dict[str, str | bytes]:
    """The files of a model that every hook passes, with other content where it is given."""
    files: dict[str, str | bytes] = {
        "yaml": MANIFEST.format(name),
        "card": CARD.format(name),
        "onnx": ONNX,
        "data": DATA,
    }
    files |= other
    paths = {"yaml": "model.yaml", "card": "MODEL_CARD.md", "onnx": "model.onnx", "data": "data.csv"}
    return {f"models/{name}/{paths[key]}": body for key, body in files.items()}


GOOD = {**model("good"), **model("other"), "mlci.yaml": "version: 1\n", "docs/MODEL_CARD.md": "# Of no model\n"}
BAD = {
    **model("untidy", yaml=MANIFEST.format("untidy") + "taks: binary\n"),
    **model("silent", card=CARD.format("silent").replace("What customers did last month.", "TODO")),
    **model("away", onnx=POINTER),
    **model("old", data=DATA.replace("90", "900")),
}
# hook -> the model that it refuses, and the line that says why
REFUSED = {
    "mlci-validate": ("untidy", "models/untidy/model.yaml:6:1: error[invalid]: unknown key `taks`"),
    "mlci-card": ("silent", "models/silent/MODEL_CARD.md:6: error[card]: the section `Data` says nothing yet"),
    "mlci-artifact": ("away", "models/away/model.yaml:3:11: error[artifact]: "),
    "mlci-data": ("old", "models/old/model.yaml:4:69: error[columns-test]: age outside [0, 120] in 1 of 2 rows"),
}


@dataclass(frozen=True)
class Said:
    """What a tool said of each hook: its verdict and what the hook printed."""

    status: int
    hooks: Mapping[str, tuple[str, str]]
    output: str


def read(done: subprocess.CompletedProcess[str]) -> Said:
    heading = re.compile(r"^(mlci-[a-z]+)\.*(?:\(no files to check\))?(Passed|Failed|Skipped)$", re.MULTILINE)
    parts = heading.split(done.stdout)
    found = {parts[at]: (parts[at + 1], parts[at + 2]) for at in range(1, len(parts) - 2, 3)}
    return Said(done.returncode, found, done.stdout + done.stderr)


Runs = Callable[[str, str], Said]


@pytest.fixture(scope="module")
def runs(machine: Machine, hooks: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs every hook of a tool over a repository, once for all the tests that look at it."""
    known: dict[tuple[str, str], Said] = {}
    files = {"good": GOOD, "bad": {**GOOD, **BAD}, "changed": {**GOOD, **BAD}}

    def run(tool: str, which: str) -> Said:
        if (tool, which) not in known:
            root = tmp_path_factory.mktemp(f"{tool}-{which}")
            write_files(root, files[which])
            machine.repository(root)
            touched = [path for path in GOOD if "other" not in path]
            words = ["--files", *touched] if which == "changed" else ["--all-files"]
            known[tool, which] = read(machine.run(PROGRAMS / tool, "try-repo", hooks, *words, cwd=root))
            assert machine.git(root, "status", "--porcelain") == "", "a hook changed the repository"
        return known[tool, which]

    return run


# The manifest of the hooks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
def test_the_manifest_of_the_hooks_is_valid(tool: str, machine: Machine, tmp_path: Path) -> None:
    done = machine.run(PROGRAMS / tool, "validate-manifest", ROOT / ".pre-commit-hooks.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_hook_has_a_case_that_it_refuses() -> None:
    assert set(REFUSED) == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_what_it_does_and_starts_a_command_of_ours(hook: str) -> None:
    spec = HOOKS[hook]
    assert spec["language"] == "python"
    assert spec["description"].endswith(".")
    assert spec["entry"].split()[:2] in (["mlci", "validate"], ["mlci", "check"])
    assert spec["require_serial"] is True  # one report a run, not one for each batch of files


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model.yaml", {"mlci-validate", "mlci-card", "mlci-artifact"}),
        ("models/churn/model.yaml", {"mlci-validate", "mlci-card", "mlci-artifact"}),
        ("mlci.yaml", {"mlci-validate"}),
        ("models/churn/MODEL_CARD.md", {"mlci-card"}),
        ("models/churn/model.onnx", {"mlci-artifact"}),
        ("models/churn/deep/weights.safetensors", {"mlci-artifact"}),
        ("models/churn/my_model.yaml", set()),
        ("model.yaml.bak", set()),
        ("model.yml", set()),
        ("models/churn/data.csv", {"mlci-data"}),
        ("data/2026/part-0.parquet", {"mlci-data"}),
        ("README.md", set()),
        ("train.py", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} hooks",
)
def test_a_file_sets_off_the_hooks_that_look_at_it(path: str, expected: set[str]) -> None:
    assert {name for name, spec in HOOKS.items() if re.search(spec["files"], path)} == expected


# In a user's repository -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tool", "hook"), ALL)
def test_a_hook_passes_good_models(tool: str, hook: str, runs: Runs) -> None:
    said = runs(tool, "good")
    assert hook in said.hooks, said.output
    assert said.hooks[hook][0] == "Passed", said.output
    assert said.status == 0


@pytest.mark.parametrize(("tool", "hook"), ALL)
def test_a_hook_refuses_a_bad_model_with_place_and_reason(tool: str, hook: str, runs: Runs) -> None:
    said = runs(tool, "bad")
    assert hook in said.hooks, said.output
    verdict, printed = said.hooks[hook]
    assert verdict == "Failed"
    assert REFUSED[hook][1] in printed, said.output
    assert "Traceback" not in printed
    assert said.status == 1


@pytest.mark.parametrize(("tool", "hook"), ALL)
def test_a_hook_says_nothing_of_models_that_are_good(tool: str, hook: str, runs: Runs) -> None:
    findings = re.findall(r"^\s*(\S+?):\d+.*error\[", runs(tool, "bad").hooks[hook][1], re.MULTILINE)
    assert findings
    assert not [path for path in findings if path.startswith(("models/good", "models/other"))]


@pytest.mark.parametrize(("tool", "hook"), ALL)
def test_a_hook_looks_only_at_what_changed(tool: str, hook: str, runs: Runs) -> None:
    said = runs(tool, "changed")
    assert hook in said.hooks, said.output
    assert said.hooks[hook][0] == "Passed", said.output


@pytest.mark.parametrize("tool", TOOLS)
def test_a_commit_of_a_bad_model_is_refused_and_one_of_a_good_model_goes_through(
    tool: str, machine: Machine, hooks: Path, tmp_path: Path
) -> None:
    config = {"repos": [{"repo": str(hooks), "rev": machine.git(hooks, "rev-parse", "HEAD").strip()}]}
    config["repos"][0]["hooks"] = [{"id": hook} for hook in HOOKS]  # type: ignore[assignment]
    write_files(tmp_path, {**GOOD, ".pre-commit-config.yaml": yaml.safe_dump(config)})
    machine.repository(tmp_path)
    machine.run(PROGRAMS / tool, "install", cwd=tmp_path)

    def commit(files: Mapping[str, str | bytes]) -> subprocess.CompletedProcess[str]:
        write_files(tmp_path, files)
        machine.git(tmp_path, "add", "-A")
        return machine.run("git", "commit", "-m", "next", cwd=tmp_path)

    for hook, (name, line) in REFUSED.items():
        refused = commit({path: body for path, body in BAD.items() if f"/{name}/" in path})
        assert refused.returncode == 1, f"{hook}\n{refused.stdout}{refused.stderr}"
        assert line in refused.stdout + refused.stderr
        passed = commit(model(name))
        assert passed.returncode == 0, f"{hook}\n{passed.stdout}{passed.stderr}"
    assert machine.git(tmp_path, "log", "--format=%s").split() == ["next", "next", "next", "next", "first"]
