"""The tables of plugins, what a plugin declares, and everything that is generated from it."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import sample
from conftest import write_files

from mlci import document, registry, schema, testing
from mlci.content import KINDS
from mlci.errors import UsageError
from mlci.findings import InvalidFile
from mlci.reports import render
from mlci.results import Outcome
from mlci.workspace import read_config, read_model

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas"
TABLES = {"checks": registry.CHECKS, "runtimes": registry.RUNTIMES, "reporters": registry.REPORTERS}
PLUGINS = [pytest.param(table, name, id=f"{table}-{name}") for table, names in TABLES.items() for name in names]
CHECKS = [pytest.param(name, id=name) for name in registry.CHECKS]


# Tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_sorted(table: str) -> None:
    assert list(TABLES[table]) == sorted(TABLES[table])
    assert registry.names(table) == sorted({*TABLES[table], *registry.names(table)})


@pytest.mark.parametrize(("table", "name"), PLUGINS)
def test_every_name_leads_to_a_module_of_that_name(table: str, name: str) -> None:
    module = registry.find(table, name)
    assert module is import_module(TABLES[table][name])
    assert module.__name__.rpartition(".")[2].rstrip("_") == name.replace("-", "_")


@pytest.mark.parametrize("table", TABLES)
def test_every_module_of_the_folder_is_in_its_table(table: str) -> None:
    helpers = {"client", "worker", "words"}
    files = {path.stem for path in (ROOT / "src" / "mlci" / table).glob("*.py")} - {"__init__"} - helpers
    assert files == {target.rpartition(".")[2] for target in TABLES[table].values()}


@pytest.mark.parametrize(("table", "name"), PLUGINS)
def test_the_summary_of_a_plugin_is_one_line(table: str, name: str) -> None:
    summary = registry.summary(registry.find(table, name))
    assert 10 < len(summary) < 110
    assert not summary.endswith(".")


@pytest.mark.parametrize(
    ("table", "name", "hint"),
    [
        ("checks", "metrics", "did you mean `metric`?"),
        ("checks", "beats_trivial", "did you mean `beats-trivial`?"),
        ("runtimes", "onx", "did you mean `onnx`?"),
        ("reporters", "md", "one of: annotations, json, junit, markdown, terminal"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(table: str, name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"there is no {table.removesuffix('s')} `{name}`") as caught:
        registry.find(table, name)
    assert caught.value.hint == hint


# What a plugin declares -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_declares_its_group_its_scope_and_its_options(name: str) -> None:
    module = registry.find("checks", name)
    assert module.GROUP in registry.GROUPS
    assert module.SCOPE in (schema.DATA, schema.MODEL)
    assert inspect.isgeneratorfunction(module.check)
    assert list(inspect.signature(module.check).parameters) == ["case"]
    assert module.OPTIONS["type"] == "object"
    assert module.OPTIONS["additionalProperties"] is False
    jsonschema.Draft202012Validator.check_schema(module.OPTIONS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_documented_under_the_fixed_headings(name: str) -> None:
    doc = registry.find("checks", name).__doc__ or ""
    assert re.findall(r"^(\w+):", doc, re.MULTILINE) == ["What", "Why", "Example", "Fix"]
    paragraphs = doc.strip().split("\n\n")
    assert len(paragraphs) == 5
    assert all(len(paragraph) > 20 for paragraph in paragraphs)


@pytest.mark.parametrize("name", CHECKS)
def test_every_option_of_a_check_says_what_it_takes(name: str) -> None:
    for option, spec in registry.find("checks", name).OPTIONS["properties"].items():
        reference = schema.DEFS.get(str(spec.get("$ref", "")).rpartition("/")[2], {})
        assert spec.get("description") or reference.get("description"), option


@pytest.mark.parametrize("name", list(registry.RUNTIMES))
def test_a_runtime_declares_what_it_takes_and_where_it_comes_from(name: str) -> None:
    module = registry.find("runtimes", name)
    assert set(module.KINDS) <= set(KINDS)
    if hasattr(module, "open_predictor"):
        return
    assert f"{module.EXTRA} = [" in (ROOT / "pyproject.toml").read_text()
    assert callable(module.Adapter)


def test_no_two_runtimes_take_one_kind_of_content() -> None:
    taken = [kind for name in registry.RUNTIMES for kind in registry.find("runtimes", name).KINDS]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("name", list(registry.REPORTERS))
def test_a_reporter_renders_a_report_and_a_decision_as_text(name: str) -> None:
    assert list(inspect.signature(registry.find("reporters", name).render).parameters) == ["report", "decision"]
    assert isinstance(render(sample.report(), name), str)


# Examples ---------------------------------------------------------------------------------------------------------


def example(module: ModuleType) -> str:
    """The YAML under ``Example:`` of a check, set into a manifest that needs nothing else."""
    found = re.search(r"^Example:\n(.*?)(?=^\w)", module.__doc__ or "", re.MULTILINE | re.DOTALL)
    assert found
    lines = dedent(found[1])
    data = "" if "datasets:" in lines else "datasets:\n  test: {path: data/test.csv, target: y}\n"
    return f"version: 1\nname: example\nartifact: model.onnx\n{data}{lines}"


@pytest.mark.parametrize("name", CHECKS)
def test_the_example_of_a_check_is_a_manifest_that_asks_for_it(name: str) -> None:
    text = example(registry.find("checks", name))
    model = read_model(document.read(text.encode(), "model.yaml"))
    asked = {spec.check for data in (True, False) for spec in model.checks_of(data=data)}
    if name in ("columns", "contract"):  # asked for by what the dataset has
        assert any(getattr(dataset, name) for dataset in model.datasets.values())
    else:
        assert asked == {name}


@pytest.mark.parametrize("name", CHECKS)
def test_an_option_that_a_check_does_not_know_is_refused(name: str) -> None:
    rules = "{y: {zzz: 1}}" if name == "columns" else f"[{{{name}: {{zzz: 1}}}}]"
    key = "columns" if name == "columns" else "checks"
    place = f"    {key}: {rules}\n" if registry.find("checks", name).SCOPE == schema.DATA else f"{key}: {rules}\n"
    with pytest.raises(InvalidFile, match="unknown key `zzz`"):
        read_model(document.read((HEAD + DATA + place).encode(), "model.yaml"))


# Schemas and other generated files --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(registry.SCHEMAS))
def test_a_packed_schema_is_the_one_that_is_generated(kind: str) -> None:
    assert registry.packed(kind) == json.loads(json.dumps(registry.generate(kind)))
    assert json.loads((SCHEMAS / registry.SCHEMAS[kind]).read_text()) == registry.packed(kind)


def test_every_schema_of_the_folder_is_generated() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == set(registry.SCHEMAS.values())


@pytest.mark.parametrize("kind", list(registry.SCHEMAS))
def test_a_schema_asks_nothing_of_the_network_and_leaves_no_reference_open(kind: str) -> None:
    packed = registry.packed(kind)
    references = {spec["$ref"] for spec in _walk(packed) if "$ref" in spec}
    assert references <= {f"#/$defs/{name}" for name in packed["$defs"]}


@pytest.mark.parametrize("kind", ["model", "config"])
def test_every_value_of_a_manifest_is_described_for_editors(kind: str) -> None:
    packed = registry.packed(kind)
    for name, spec in packed["properties"].items():
        target = packed["$defs"][spec["$ref"].rpartition("/")[2]] if "$ref" in spec else spec
        assert target.get("description"), name


def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_meta_schema_holds_for_every_schema() -> None:
    done = check_jsonschema("--check-metaschema", *sorted(SCHEMAS.iterdir()))
    assert done.returncode == 0, done.stdout


# The schemas as others use them -----------------------------------------------------------------------------------

HEAD = "version: 1\nname: churn\nartifact: model/churn.onnx\n"
DATA = "datasets:\n  test:\n    path: data/test.parquet\n    target: y\n"
METRIC = "checks:\n  - metric: {data: test, name: roc_auc, min: 0.9}\n"

GOOD = {
    "small": HEAD + DATA + METRIC,
    "a check by its name": HEAD + "checks: [card, artifact]\n",
    "an id, a severity and a reason": HEAD
    + "checks:\n  - card: {sections: [Data]}\n    id: data-card\n    severity: warning\n    why: new\n",
    "limits on two levels": HEAD
    + DATA
    + "checks:\n  - metric: {data: test, name: mae, max: {warning: 1, error: 2.5}}\n",
    "columns": HEAD + DATA + "    columns:\n      age: {type: int, required: {mostly: 99.5%, severity: warning}}\n",
    "rows": HEAD + DATA + "    checks:\n      - rows: {min: 10, max: {error: 1000}}\n",
    "a runtime in full": HEAD + DATA + METRIC + "runtime: {kind: onnx, python: .venv/bin/python}\n",
    "an output": HEAD + DATA + METRIC + "output: {probabilities: p, positive: true, threshold: 0.5, classes: [a, 1]}\n",
    "everything beside": HEAD
    + DATA
    + METRIC
    + 'description: A model.\nowners: ["@acme/ml"]\ntask: binary\n'
    + "train: {command: [python, train.py], needs: [train.py]}\n",
}
BAD = {
    "no version": "name: churn\nartifact: a.onnx\nchecks: [card]\n",
    "another version": HEAD.replace("1", "2") + "checks: [card]\n",
    "a version as text": HEAD.replace("1", '"1"', 1) + "checks: [card]\n",
    "no artifact": "version: 1\nname: churn\nchecks: [card]\n",
    "a list": "- version: 1\n",
    "empty": "",
    "a name with a space": HEAD.replace("churn", "my churn", 1) + "checks: [card]\n",
    "an unknown key": HEAD + "cheks: [card]\n",
    "an unknown check": HEAD + "checks: [cards]\n",
    "a check of data among those of the model": HEAD + "checks:\n  - rows: {min: 1}\n",
    "an unknown option": HEAD + DATA + "checks:\n  - metric: {data: test, name: mae, mox: 1}\n",
    "an unknown metric": HEAD + DATA + "checks:\n  - metric: {data: test, name: acc}\n",
    "a metric without a name": HEAD + DATA + "checks:\n  - metric: {data: test}\n",
    "a bound that nothing can break": HEAD + DATA + "checks:\n  - metric: {data: test, name: roc_auc, max: 1}\n",
    "a bound as text": HEAD + DATA + METRIC.replace("0.9", '"0.9"'),
    "a bound without a level": HEAD + DATA + "checks:\n  - metric: {data: test, name: mae, max: {}}\n",
    "an unknown level": HEAD + DATA + "checks:\n  - metric: {data: test, name: mae, max: {fatal: 1}}\n",
    "a size without a unit": HEAD + "checks:\n  - artifact: {size: {max: 50}}\n",
    "a size with an unknown unit": HEAD + "checks:\n  - artifact: {size: {max: 50mb}}\n",
    "an unknown type of column": HEAD + DATA + "    columns: {age: {type: integer}}\n",
    "a share over one": HEAD + DATA + "    columns: {age: {required: {mostly: 101%}}}\n",
    "a dataset without a path": HEAD + "datasets: {test: {target: y}}\n" + METRIC,
    "an unknown severity": HEAD + "checks:\n  - card: {}\n    severity: fatal\n",
    "a threshold over one": HEAD + DATA + METRIC + "output: {threshold: 2}\n",
    "an unknown task": HEAD + DATA + METRIC + "task: clustering\n",
}


def test_manifests_that_mlci_takes_are_valid_for_check_jsonschema(tmp_path: Path) -> None:
    files = [_file(tmp_path, number, text) for number, text in enumerate(GOOD.values())]
    done = check_jsonschema("--schemafile", SCHEMAS / "model.schema.json", *files)
    assert done.returncode == 0, done.stdout


def test_manifests_that_mlci_refuses_are_invalid_for_check_jsonschema(tmp_path: Path) -> None:
    files = {str(_file(tmp_path, number, text)): name for number, (name, text) in enumerate(BAD.items())}
    done = check_jsonschema("--output-format", "json", "--schemafile", SCHEMAS / "model.schema.json", *files)
    reply = json.loads(done.stdout)
    assert done.returncode == 1
    assert reply["parse_errors"] == []
    assert {files[error["filename"]] for error in reply["errors"]} == set(BAD)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_good_manifest_is_read(name: str) -> None:
    assert read_model(document.read(GOOD[name].encode(), "model.yaml")).name == "churn"


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_manifest_is_refused_at_its_line(name: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        read_model(document.read(BAD[name].encode(), "model.yaml"))
    assert all(finding.at and finding.at.path == "model.yaml" for finding in caught.value.findings)
    assert name == "empty" or caught.value.findings[0].at.line is not None  # type: ignore[union-attr]


CONFIGS = {
    "version: 1\n": True,
    "version: 1\nmodels: ['models/*']\nrequire: [card]\ndefaults: {card: {sections: [Data]}}\n": True,
    "version: 1\nlimits: {load: 20s, predict: 5m, memory: 2GiB, artifact: 1GiB}\n": True,
    "version: 1\nrequire: [rows]\n": False,
    "version: 1\nrequire: card\n": False,
    "version: 1\nlimits: {load: 20}\n": False,
    "version: 1\nlimits: {time: 20s}\n": False,
    "version: 1\ndefaults: {card: {section: [Data]}}\n": False,
    "models: ['models/*']\n": False,
}


def test_configurations_are_judged_alike_by_mlci_and_check_jsonschema(tmp_path: Path) -> None:
    files = {str(_file(tmp_path, number, text)): text for number, text in enumerate(CONFIGS)}
    done = check_jsonschema("--output-format", "json", "--schemafile", SCHEMAS / "mlci.schema.json", *files)
    refused = {files[error["filename"]] for error in json.loads(done.stdout)["errors"]}
    assert {text: text not in refused for text in CONFIGS} == CONFIGS
    for text, good in CONFIGS.items():
        try:
            read_config(document.read(text.encode(), "mlci.yaml"))
        except InvalidFile:
            assert not good, text
        else:
            assert good, text


def test_the_sample_report_is_valid_for_check_jsonschema(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(render(sample.report(sample.churn(), sample.fraud()), "json"))
    done = check_jsonschema("--schemafile", SCHEMAS / "report.schema.json", report)
    assert done.returncode == 0, done.stdout


# Third parties ----------------------------------------------------------------------------------------------------

PLUGIN = '''
"""The artifact has a name of some length.

What: Its name is long enough.
"""
from mlci.case import error
from mlci.schema import options

GROUP = "files"
SCOPE = "model"
OPTIONS = options(least={"type": "integer", "description": "a whole number"})


def check(case):
    if len(case.model.artifact) < case.options.get("least", 1):
        yield error(f"`{case.model.artifact}` is a short name")
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package that brings the check ``long-name`` and the reporter ``shout``, installed as pip would."""
    site = tmp_path / "site"
    write_files(
        site,
        {
            "acme_checks/__init__.py": "",
            "acme_checks/long_name.py": PLUGIN,
            "acme_checks/shout.py": '"""Loud."""\ndef render(report, decision):\n    return "REFUSED"\n',
            "acme_checks-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n",
            "acme_checks-1.0.dist-info/entry_points.txt": "[mlci.checks]\nlong-name = acme_checks.long_name\n"
            "artifact = acme_checks.long_name\n[mlci.reporters]\nshout = acme_checks.shout\n",
        },
    )
    monkeypatch.syspath_prepend(site)
    registry._entry_points.cache_clear()
    registry._with_plugins.cache_clear()
    yield
    registry._entry_points.cache_clear()
    registry._with_plugins.cache_clear()


@pytest.mark.usefixtures("plugin")
def test_a_check_of_another_package_is_known_by_its_name() -> None:
    assert "long-name" in registry.names("checks")
    assert registry.summary(registry.find("checks", "long-name")) == "The artifact has a name of some length"


@pytest.mark.usefixtures("plugin")
def test_a_check_of_another_package_runs_with_its_own_options() -> None:
    result = testing.run_check("long-name", {"least": 99}, files={"model.csv": "x\n"})
    assert (result.outcome, result.findings[0].message) == (Outcome.FAILED, "`model.csv` is a short name")


@pytest.mark.usefixtures("plugin")
def test_a_manifest_that_names_a_check_of_another_package_is_held_against_its_options() -> None:
    good, bad = (HEAD + f"checks:\n  - long-name: {{{key}: 3}}\n" for key in ("least", "lest"))
    assert [spec.check for spec in read_model(document.read(good.encode(), "model.yaml")).checks] == ["long-name"]
    with pytest.raises(InvalidFile) as caught:
        read_model(document.read(bad.encode(), "model.yaml"))
    assert caught.value.hint == "did you mean `least`?"


@pytest.mark.usefixtures("plugin")
def test_a_name_of_ours_cannot_be_taken_by_another_package() -> None:
    assert registry.find("checks", "artifact").__name__ == "mlci.checks.artifact"


@pytest.mark.usefixtures("plugin")
def test_a_reporter_of_another_package_renders() -> None:
    assert render(sample.report(), "shout") == "REFUSED"


def test_a_check_that_nobody_brings_is_refused_in_a_manifest() -> None:
    with pytest.raises(InvalidFile, match="long-name"):
        read_model(document.read((HEAD + "checks:\n  - long-name: {}\n").encode(), "model.yaml"))


# Helpers ----------------------------------------------------------------------------------------------------------


def check_jsonschema(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The program that others hold files against a schema with."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *words], capture_output=True, text=True, check=False
    )


def _file(folder: Path, number: int, text: str) -> Path:
    path = folder / f"{number}.yaml"
    path.write_text(text)
    return path


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _walk(inner)
