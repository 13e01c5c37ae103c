"""What a start imports: a hook runs on every commit, so each library here is paid for by everybody, every time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Repo = Callable[[Mapping[str, str]], Path]

MANIFEST = """\
version: 1
name: churn
artifact: model.csv
runtime: predictions
datasets:
  test: {path: test.csv, target: y}
checks:
  - metric: {data: test, name: accuracy, min: 0.5}
"""
FILES = {"model.yaml": MANIFEST, "model.csv": "prediction\n1\n", "test.csv": "y\n1\n"}

SCRIPT = """\
import json, sys
before = set(sys.modules)
sys.argv = ["mlci", *sys.argv[1:]]
try:
    from mlci.cli.main import run
    run()
except SystemExit as end:
    status = end.code
print("\\n" + json.dumps({"status": int(status or 0), "new": sorted(set(sys.modules) - before)}))
"""

# what no start may cost, and the core does not need
HEAVY = {
    "asyncio", "concurrent", "ctypes", "duckdb", "email", "http", "importlib.metadata", "logging", "multiprocessing",
    "numpy", "onnxruntime", "pandas", "pdb", "selectors", "skops", "socket", "sqlite3", "ssl", "statistics",
    "subprocess", "tabulate", "unittest", "xml",
}  # fmt: skip


def start(*argv: str, cwd: Path) -> set[str]:
    """The modules that a command line imports in a fresh interpreter, beside those of a bare start."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT, *argv], cwd=cwd, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == 0, done.stderr
    return set(told["new"])


def libraries(modules: set[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"mlci"}
    return {name for name in tops if not name.startswith("_cython_")}


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "mlci"}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name in HEAVY or name.partition(".")[0] in HEAVY}


@pytest.fixture
def repo(make_repo: Repo) -> Path:
    return make_repo(FILES)


HELP_OWN = {"mlci", "mlci.cli", "mlci.cli.main", "mlci.errors"}
VALIDATE_OWN = HELP_OWN | {
    "mlci.cli.console", "mlci.cli.validate", "mlci.document", "mlci.escape", "mlci.findings", "mlci.manifest",
    "mlci.conformance", "mlci.paths", "mlci.places", "mlci.quantities", "mlci.reader", "mlci.references",
     "mlci.registry", "mlci.repo", "mlci.specs",
    "mlci.validation", "mlci.workspace", "mlci.world", "mlci.yaml_reader",
}  # fmt: skip
JSONSCHEMA = {"attr", "attrs", "jsonschema", "jsonschema_specifications", "referencing", "rpds"}
# what yaml and jsonschema take along where it is there: compiled parts, and the checkers of formats
MAY_BRING = {
    "_yaml", "cython_runtime", "fqdn", "idna", "isoduration", "jsonpointer", "rfc3339_validator", "rfc3986_validator",
    "rfc3987", "rfc3987_syntax", "typing_extensions", "uri_template", "webcolors", "arrow", "dateutil", "six",
}  # fmt: skip


def test_help_imports_click_and_nothing_else(tmp_path: Path) -> None:
    assert libraries(start("--help", cwd=tmp_path)) == {"click"}


def test_help_imports_none_of_the_commands(tmp_path: Path) -> None:
    assert own(start("--help", cwd=tmp_path)) == HELP_OWN


def test_the_version_costs_no_more_than_help(tmp_path: Path) -> None:
    modules = start("--version", cwd=tmp_path)
    assert (libraries(modules), own(modules)) == ({"click"}, HELP_OWN)


def test_validating_one_file_imports_the_readers_and_nothing_else(repo: Path) -> None:
    found = libraries(start("validate", "model.yaml", cwd=repo))
    assert found - MAY_BRING == {"click", "yaml"} | JSONSCHEMA


def test_validating_one_file_imports_no_check_no_git_and_no_engine(repo: Path) -> None:
    assert own(start("validate", "model.yaml", cwd=repo)) == VALIDATE_OWN


@pytest.mark.parametrize(
    "argv", [("--help",), ("--version",), ("validate", "model.yaml"), ("validate",)], ids=lambda argv: " ".join(argv)
)
def test_a_start_of_a_hook_imports_nothing_heavy(argv: tuple[str, ...], repo: Path) -> None:
    assert heavy(start(*argv, cwd=repo)) == set()


@pytest.mark.parametrize("command", ["check", "validate", "report", "explain", "list", "init", "demo", "completion"])
def test_the_help_of_a_command_imports_no_library_but_click(command: str, tmp_path: Path) -> None:
    modules = start(command, "--help", cwd=tmp_path)
    assert libraries(modules) == {"click"}
    assert heavy(modules) == set()


def test_the_list_of_models_needs_no_numpy_and_no_duckdb(repo: Path) -> None:
    assert libraries(start("list", cwd=repo)) & HEAVY <= {"tabulate"}


def test_the_guard_would_see_what_is_heavy() -> None:
    assert heavy({"concurrent.futures", "importlib.metadata", "yaml.reader"}) == {
        "concurrent.futures",
        "importlib.metadata",
    }
