"""Names of checks, runtimes and reporters -> their modules: tables of strings first, then entry points.

A name in a table costs nothing until it is used, and never scans what is installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlci.errors import UsageError

if TYPE_CHECKING:
    from mlci.schema import Declared, Schema

CHECKS = {
    "artifact": "mlci.checks.artifact",
    "beats-trivial": "mlci.checks.beats_trivial",
    "card": "mlci.checks.card",
    "class-balance": "mlci.checks.class_balance",
    "columns": "mlci.checks.columns",
    "constant": "mlci.checks.constant",
    "contract": "mlci.checks.contract",
    "drift": "mlci.checks.drift",
    "duplicates": "mlci.checks.duplicates",
    "foreign-key": "mlci.checks.foreign_key",
    "fresh": "mlci.checks.fresh",
    "leakage": "mlci.checks.leakage",
    "metric": "mlci.checks.metric",
    "missing": "mlci.checks.missing",
    "outliers": "mlci.checks.outliers",
    "rows": "mlci.checks.rows",
    "schema-change": "mlci.checks.schema_change",
    "sensitive": "mlci.checks.sensitive",
    "skew": "mlci.checks.skew",
    "sql": "mlci.checks.sql",
    "unique": "mlci.checks.unique",
    "version": "mlci.checks.version",
}

RUNTIMES = {
    "onnx": "mlci.runtimes.onnx",
    "predictions": "mlci.runtimes.predictions",
    "sklearn": "mlci.runtimes.sklearn",
}

REPORTERS = {
    "annotations": "mlci.reporters.annotations",
    "json": "mlci.reporters.json_",
    "junit": "mlci.reporters.junit",
    "markdown": "mlci.reporters.markdown",
    "terminal": "mlci.reporters.terminal",
}

# in the order in which they are tried on a file: what is sure of its own first
CONTRACTS = {
    "odcs": "mlci.contracts.odcs",
    "great_expectations": "mlci.contracts.great_expectations",
    "pandera": "mlci.contracts.pandera",
    "frictionless": "mlci.contracts.frictionless",
    "dbt": "mlci.contracts.dbt",
}

GROUPS = ("files", "data", "model", "load")

_TABLES = {"checks": CHECKS, "runtimes": RUNTIMES, "reporters": REPORTERS, "contracts": CONTRACTS}
SCHEMAS = {
    "model": "model.schema.json",
    "config": "mlci.schema.json",
    "profile": "profile.schema.json",
    "report": "report.schema.json",
}


def names(table: str) -> list[str]:
    """Every name of a table (``checks``, ``runtimes``, ...), those of other packages included, sorted."""
    return sorted({*_TABLES[table], *_entry_points(table)})


def find(table: str, name: str) -> ModuleType:
    """The module behind a name. Raises UsageError with the nearest name when there is none."""
    target = _TABLES[table].get(name)
    if target is not None:
        return import_module(target)
    plugin = _entry_points(table).get(name)
    if plugin is None:
        import difflib

        close = difflib.get_close_matches(name, names(table), n=1)
        kind = table.removesuffix("s")
        hint = f"did you mean `{close[0]}`?" if close else f"one of: {', '.join(names(table))}"
        raise UsageError(f"there is no {kind} `{name}`", hint=hint)
    try:
        module: ModuleType = plugin.load()
    except Exception as error:  # another package's trouble is told as such, whatever it raises
        kind = table.removesuffix("s")
        message = f"the {kind} `{name}` of {plugin.value} cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(message, hint="mend or remove the package that brings it") from error
    return module


@cache
def _entry_points(table: str) -> dict[str, Any]:
    # imported here: a scan of what is installed costs more than all of click, and built-in names never need it
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=f"mlci.{table}")}


def declared(check: str) -> Declared:
    """What a check declares of itself."""
    from mlci.schema import Declared

    module = find("checks", check)
    return Declared(module.SCOPE, summary(module), module.OPTIONS)


def summary(module: ModuleType) -> str:
    """The first sentence of a plugin's docstring, without its full stop."""
    return (module.__doc__ or "").strip().splitlines()[0].rstrip(".")


def generate(kind: str) -> Schema:
    """A schema, put together from the built-in declarations: ``model``, ``config``, ``profile`` or ``report``."""
    from mlci import schema

    if kind in ("profile", "report"):
        return schema.profile() if kind == "profile" else schema.report()
    checks = {name: declared(name) for name in CHECKS}
    return schema.model(checks) if kind == "model" else schema.config(checks)


@cache
def packed(kind: str) -> Schema:
    """The generated schema as it was packed with mlci; reading it imports no check."""
    here = Path(__file__).parent
    folder = here / "schemas" if (here / "schemas").is_dir() else here.parents[1] / "schemas"
    loaded: Schema = json.loads((folder / SCHEMAS[kind]).read_bytes())
    return loaded


@cache
def _with_plugins(kind: str, found: tuple[str, ...]) -> Schema:
    from mlci import schema

    checks = {name: declared(name) for name in (*CHECKS, *found)}
    return schema.model(checks) if kind == "model" else schema.config(checks)


def schema_for(kind: str, mentioned: Iterable[str]) -> Schema:
    """The schema for a document that mentions these words where a check may stand.

    Only a word that is not built in makes it look for checks of other packages.
    """
    unknown = sorted(set(mentioned) - CHECKS.keys())
    found = tuple(name for name in unknown if name in _entry_points("checks")) if unknown else ()
    return _with_plugins(kind, found) if found else packed(kind)
