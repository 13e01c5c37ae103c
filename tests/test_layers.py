"""What may import what, read from the syntax trees of src/mlci: imports inside functions count like any other."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import mlci

ROOT = Path(mlci.__file__).parent

# a module may import from its own layer and from those above it
LAYERS: dict[int, tuple[str, ...]] = {
    0: ("mlci", "errors", "escape", "findings", "paths", "places", "quantities", "results"),
    1: (
        "conformance", "content", "document", "git", "json_reader", "manifest", "re2", "reader", "repo", "schema",
        "schema_guard", "shapes", "specs", "world", "yaml_reader", "yaml_writer",
    ),
    2: (
        "agreement", "bundle", "case", "changes", "chosen", "comparison", "contract", "counted",
        "difference", "distance", "drift",
        "gate", "keys", "metrics", "moments", "plan", "ports", "predictions", "privacy", "profile", "profiling",
        "questions", "references", "rules", "run", "stats",
    ),
    3: ("checks", "contracts", "reporters", "runtimes", "tables"),
    4: (
        "checking", "contracting", "datasets", "demo", "once", "profiles", "registry", "reports", "scaffold",
        "selection", "validation", "workbench", "workspace",
    ),
    5: ("__main__", "cli", "testing"),
}  # fmt: skip
PLUGINS = LAYERS[3]

# the only modules that may import a library, or what touches the outside
HOMES: dict[str, tuple[str, ...]] = {
    "click": ("cli",),
    "yaml": ("yaml_reader", "yaml_writer"),
    "jsonschema": ("conformance",),
    "referencing": ("conformance",),
    "tabulate": ("reporters.terminal",),
    "duckdb": ("tables.duck",),
    "sqlite3": ("tables",),
    "pyarrow": ("tables",),
    "ibis": ("tables.connection", "tables.remote", "tables.terms"),
    "sqlglot": ("tables.connection", "tables.user_sql"),
    "onnxruntime": ("runtimes.onnx",),
    "skops": ("runtimes.sklearn",),
    "pandas": ("runtimes.sklearn",),
    "numpy": ("checks", "metrics", "ports", "predictions", "runtimes", "scaffold", "tables", "testing"),
    "subprocess": ("world",),
    "selectors": ("world",),
    "signal": ("world", "cli.main"),
    "time": ("world",),
    "platform": ("cli.bug",),
    "resource": ("runtimes.worker",),
    "multiprocessing": ("validation",),
    "concurrent": ("checking", "validation"),
}
# run in the model's own interpreter, where mlci is not installed
WORKER = ("runtimes.worker", "runtimes.onnx", "runtimes.sklearn")


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name."""

    source: str
    target: str
    line: int
    top: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def files() -> dict[str, Path]:
    """Every module of the package by its name below ``mlci``; the package itself is ``mlci``."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[:2] != ("demo", "files"):  # what the demo lays out is no code of mlci
            found[".".join(parts).removesuffix("__init__").rstrip(".") or "mlci"] = path
    return found


class Imports(ast.NodeVisitor):
    """Collects the imports of one module; those for type checkers count as knowledge, not as loading."""

    def __init__(self, source: str, names: set[str]) -> None:
        self.source = source
        self.names = names
        self.found: list[Import] = []
        self.depth = 0

    def add(self, target: str, line: int) -> None:
        self.found.append(Import(self.source, target, line, self.depth == 0))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, f"{self.source}:{node.lineno} imports by a relative path"
        module = node.module or ""
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            self.add(inner if inner.removeprefix("mlci.") in self.names else module, node.lineno)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            self.depth += 1  # nothing is loaded, but one module knows of the other all the same
            for child in node.body:
                self.visit(child)
            self.depth -= 1
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]
    visit_Lambda = visit_FunctionDef  # type: ignore[assignment]


@cache
def imports() -> tuple[Import, ...]:
    found = files()
    every: list[Import] = []
    for name, path in found.items():
        visitor = Imports(name, set(found))
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        every += visitor.found
    return tuple(every)


def inner() -> Iterator[tuple[Import, str]]:
    """The imports within mlci, with the name of the imported module below ``mlci``."""
    for item in imports():
        if item.target.partition(".")[0] == "mlci":
            yield item, item.target.removeprefix("mlci.")


def layer(module: str) -> int:
    return next(number for number, names in LAYERS.items() if module.partition(".")[0] in names)


def inside(module: str, homes: tuple[str, ...]) -> bool:
    return any(module == home or module.startswith(f"{home}.") for home in homes)


def test_every_module_has_a_layer_and_every_layer_names_modules_that_exist() -> None:
    tops = {name.partition(".")[0] for name in files()}
    assert tops == {name for names in LAYERS.values() for name in names}


def test_no_module_stands_in_two_layers() -> None:
    every = [name for names in LAYERS.values() for name in names]
    assert len(every) == len(set(every))


def test_a_module_imports_from_its_own_layer_or_from_one_above_it() -> None:
    assert [str(item) for item, target in inner() if layer(target) > layer(item.source)] == []


def test_what_is_imported_from_mlci_exists() -> None:
    known = set(files())
    assert [str(item) for item, target in inner() if target not in known] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in files()}
    for item, target in inner():
        if item.source != target:
            graph[item.source].add(target)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")
    assert set(order) == set(graph)


def test_plugins_of_one_kind_know_none_of_another() -> None:
    def kind(module: str) -> str:
        return module.partition(".")[0]

    crossed = [
        str(item)
        for item, target in inner()
        if kind(item.source) in PLUGINS and kind(target) in PLUGINS and kind(item.source) != kind(target)
    ]
    assert crossed == []


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_in_its_home_only(library: str) -> None:
    homes = HOMES[library]
    users = [item for item in imports() if item.target.partition(".")[0] == library]
    assert [str(item) for item in users if not inside(item.source, homes)] == []


@pytest.mark.parametrize("library", HOMES)
def test_the_home_of_a_library_still_needs_it(library: str) -> None:
    users = [item.source for item in imports() if item.target.partition(".")[0] == library]
    assert [home for home in HOMES[library] if not any(inside(user, (home,)) for user in users)] == []


def test_every_library_that_is_imported_has_a_home_here() -> None:
    libraries = {item.target.partition(".")[0] for item in imports()} - {"mlci"} - sys.stdlib_module_names
    assert libraries <= set(HOMES)


def test_numpy_is_never_imported_with_a_module() -> None:
    assert [str(item) for item in imports() if item.top and item.target.partition(".")[0] == "numpy"] == []


def test_the_libraries_of_the_extras_are_never_imported_with_a_module() -> None:
    extras = ("duckdb", "onnxruntime", "skops", "pandas", "sklearn", "numpy", "locust", "docker", "github")
    assert [str(item) for item in imports() if item.top and item.target.partition(".")[0] in extras] == []


@pytest.mark.parametrize("module", WORKER)
def test_what_runs_in_the_interpreter_of_the_model_knows_nothing_of_mlci(module: str) -> None:
    assert [str(item) for item, _ in inner() if item.source == module] == []


def test_the_words_touch_nothing() -> None:
    outside = ("io", "os", "sys", "pathlib", "shutil", "socket", "tempfile")
    words = [item for item in imports() if layer(item.source) == 0]
    assert words, "the table of layers names none"
    assert [str(item) for item in words if item.target.partition(".")[0] in outside] == []


# what a module may not do with a module that it may import: the environment, the clock and programs live in world.py
REACHES = {
    ("os", "environ"), ("os", "environb"), ("os", "getenv"), ("os", "putenv"), ("os", "system"), ("os", "popen"),
    ("os", "fork"), ("os", "execv"), ("os", "execve"), ("os", "kill"), ("os", "killpg"), ("datetime", "now"),
    ("datetime", "today"), ("datetime", "utcnow"), ("date", "today"), ("Path", "cwd"), ("Path", "home"),
    ("os", "getcwd"),
}  # fmt: skip


def reaches(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in REACHES:
                yield node.lineno, f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if ("os", alias.name) in REACHES:
                    yield node.lineno, f"from os import {alias.name}"


def test_the_environment_and_the_clock_are_reached_through_the_world_only() -> None:
    found = [
        f"{name}:{line} uses {what}"
        for name, path in files().items()
        if name not in ("world", "runtimes.worker")
        for line, what in reaches(path)
    ]
    assert found == []


def test_the_world_is_where_they_are_reached() -> None:
    assert {what for _, what in reaches(files()["world"])} >= {"os.environ", "datetime.now", "os.killpg", "Path.cwd"}


@pytest.mark.parametrize(
    ("code", "target", "top"),
    [
        ("import numpy", "numpy", True),
        ("def f():\n    import numpy.linalg", "numpy.linalg", False),
        ("async def f():\n    import numpy", "numpy", False),
        ("if x:\n    import numpy", "numpy", True),
        ("try:\n    import numpy\nexcept ImportError:\n    pass", "numpy", True),
        ("class A:\n    import numpy", "numpy", True),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import numpy", "numpy", True),
        ("from mlci import repo", "mlci.repo", True),
        ("from mlci import __version__", "mlci", True),
        ("from mlci.repo import WorkTree", "mlci.repo", True),
    ],
)
def test_the_reader_of_imports_sees(code: str, target: str, top: bool) -> None:
    visitor = Imports("here", {"mlci", "repo"})
    visitor.visit(ast.parse(code))
    assert [(item.target, item.top) for item in visitor.found] == [(target, top)]


def test_the_reader_of_imports_knows_that_those_for_type_checkers_load_nothing() -> None:
    visitor = Imports("here", set())
    visitor.visit(ast.parse("if TYPE_CHECKING:\n    import numpy"))
    assert [(item.target, item.top) for item in visitor.found] == [("numpy", False)]
