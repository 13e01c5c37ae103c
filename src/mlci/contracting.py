"""Contracts of other formats: which one a file is, what it says, and the same as the words of a manifest.

``import_contract`` and ``export_contract`` are what `mlci data import` and `mlci data export` print.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from mlci import document, registry, yaml_writer
from mlci.conformance import did_you_mean
from mlci.contract import Contract
from mlci.document import Document
from mlci.errors import UsageError
from mlci.findings import Finding, InvalidFile, Level
from mlci.specs import Model


def modules() -> list[ModuleType]:
    return [registry.find("contracts", name) for name in registry.CONTRACTS]


def recognise(read: Document, formats: Iterable[ModuleType]) -> ModuleType:
    """The format of a file. Raises InvalidFile where it is none of them."""
    for module in formats:
        if module.recognises(read.data):
            return module
    expected = "ODCS, Frictionless, Great Expectations, pandera or dbt"
    hint = "a contract begins with what it is, such as `kind: DataContract`"
    raise InvalidFile([Finding(Level.ERROR, f"this is no data contract, expected {expected}", read.at(), hint)])


def read_contract(raw: bytes, path: str, table: str | None = None) -> Contract:
    """What a contract's file says of one table.

    Raises InvalidFile for what is no contract, UsageError when the file has several tables and it is not clear which
    is meant.
    """
    read = document.read(raw, path, foreign=True)
    found: Contract = recognise(read, modules()).read(read, table)
    return found


def import_contract(raw: bytes, path: str, table: str | None = None) -> str:
    """The part of a dataset in a manifest that says what a contract says, and in comments what it does not."""
    contract = read_contract(raw, path, table)
    part: dict[str, Any] = {}
    if contract.key:
        part["key"] = list(contract.key)
    if contract.columns:
        part["columns"] = contract.columns
    if contract.checks:
        part["checks"] = contract.checks
    return yaml_writer.write(part, _comments(contract))


def _comments(contract: Contract) -> list[str]:
    lines = [f"read from {contract.format}"]
    tables = sorted({item["foreign-key"]["to"] for item in contract.checks if "foreign-key" in item})
    if tables:
        lines += [f"each of these must be the name of a dataset: {', '.join(tables)}"]
    if contract.unchecked:
        lines += ["", "not checked by mlci:"]
        lines += [f"  line {skipped.at.line or 1}: {skipped.what}: {skipped.reason}" for skipped in contract.unchecked]
    return lines


def export_contract(model: Model, dataset: str) -> str:
    """A dataset of a model as an ODCS contract. Raises UsageError when there is none of this name."""
    if dataset not in model.datasets:
        hint = did_you_mean(dataset, model.datasets)
        raise UsageError(f"the model `{model.name}` has no dataset `{dataset}`", hint=hint)
    from mlci.contracts import odcs

    return odcs.write(model.datasets[dataset], id_=f"{model.name}-{dataset}")
