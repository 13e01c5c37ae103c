"""A model with its contracts: what they say joins what its manifest says of the same datasets."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlci.contract import Contract
from mlci.errors import MlciError
from mlci.escape import line
from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location
from mlci.reader import Pointer, show
from mlci.specs import CheckSpec, Dataset, Model, Unchecked

COMMON = ("id", "severity", "why")


def with_contracts(model: Model, contract_of: Callable[[str, str | None], Contract]) -> Model:
    """The model whose datasets keep their contracts as well; the same one where it has none.

    ``contract_of`` reads the contract at a path, of the table of that name where it has several. A rule that the
    manifest and the contract both state must be one rule: raises InvalidFile where they differ, with both places, and
    whatever ``contract_of`` raises.
    """
    if not any(dataset.contract for dataset in model.datasets.values()):
        return model
    merger = _Merger(model)
    contracts = {}
    for name, dataset in model.datasets.items():
        if not dataset.contract:
            continue
        try:
            contracts[name] = contract_of(model.path(dataset.contract), dataset.table)
        except MlciError as error:
            error.at = error.at or model.at("datasets", name, "contract")
            raise
    datasets = {name: merger.dataset(dataset, contracts) for name, dataset in model.datasets.items()}
    if merger.findings:
        raise InvalidFile(merger.findings)
    return replace(model, datasets=datasets)


class _Merger:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.findings: list[Finding] = []
        self.ids = {spec.id for data in (True, False) for spec in model.checks_of(data=data)}

    def dataset(self, dataset: Dataset, contracts: Mapping[str, Contract]) -> Dataset:
        own = contracts.get(dataset.name)
        inherited = contracts.get(dataset.like or "")
        if own is not None:
            self.conflicts(dataset, own)
        for contract in (own, inherited):
            if contract is not None:
                dataset = self.columns(dataset, contract)
        if own is None:
            return dataset
        checks, unchecked = self.checks(dataset, own)
        if dataset.key and own.key and dataset.key != own.key:
            at = self.model.at("datasets", dataset.name, "key")
            self.findings.append(
                Finding(
                    Level.ERROR, f"`key` is {', '.join(dataset.key)}, and the contract has {', '.join(own.key)}", at
                )
            )
        return replace(
            dataset,
            key=dataset.key or own.key,
            checks=(*dataset.checks, *checks),
            unchecked=(*own.unchecked, *unchecked),
        )

    def columns(self, dataset: Dataset, contract: Contract) -> Dataset:
        added: dict[str, dict[str, Any]] = {}
        hidden = set(dataset.hidden)
        places: dict[Pointer, Location] = dict(dataset.places)
        for name, rules in contract.columns.items():
            if name in dataset.without:
                hidden |= {name} if rules.get("sensitive") else set()
                continue
            ours = dataset.columns.get(name, {})
            missing = {rule: value for rule, value in rules.items() if rule not in ours}
            added[name] = {**missing, **ours}
            for rule in missing:
                places[(name, rule)] = contract.places[("columns", name, rule)]
            if name not in dataset.columns:
                places[(name,)] = contract.places[("columns", name)]
        columns: Any = ChainMap(added, dataset.columns)  # type: ignore[arg-type]  # read only
        return replace(dataset, columns=columns, places=places, hidden=frozenset(hidden))

    def conflicts(self, dataset: Dataset, contract: Contract) -> None:
        for name, rules in contract.columns.items():
            ours = dataset.columns.get(name, {})
            for rule in rules.keys() & ours.keys():
                if _stated(ours[rule]) == _stated(rules[rule]):
                    continue
                there = contract.places[("columns", name, rule)]
                said = f"is {_words(ours[rule])}, and at {there} it is {_words(rules[rule])}"
                at = self.model.at(*dataset.columns_pointer, name, rule)
                message = f"`{rule}` of `{line(name)}` {said}"
                self.findings.append(Finding(Level.ERROR, message, at, "say it in one of the two"))

    def checks(self, dataset: Dataset, contract: Contract) -> tuple[list[CheckSpec], list[Unchecked]]:
        specs: list[CheckSpec] = []
        unchecked: list[Unchecked] = []
        for index, item in enumerate(contract.checks):
            check = next(key for key in item if key not in COMMON)
            written = item[check]
            options = written if isinstance(written, dict) else {} if written is None else {"is": written}
            at = contract.places[("checks", index)]
            other = options.get("to", options.get("from"))
            if other is not None and other not in self.model.datasets:
                reason = f"this model has no dataset `{line(str(other))}`"
                unchecked.append(Unchecked(f"`{check}` of the contract", reason, at))
                continue
            specs.append(
                CheckSpec(
                    check=check,
                    id=self.id(item.get("id") or f"{check}-{dataset.name}"),
                    options=options,
                    severity=Level(item.get("severity", "error")),
                    dataset=dataset.name,
                    place=at,
                    why=item.get("why", ""),
                )
            )
        return specs, unchecked

    def id(self, wanted: str) -> str:
        found, number = wanted, 2
        while found in self.ids:
            found, number = f"{wanted}-{number}", number + 1
        self.ids.add(found)
        return found


def _stated(rule: Any) -> tuple[Any, ...]:
    """What a rule lets through; its severity and its reason are no part of that."""
    if not isinstance(rule, dict):
        return rule, None, None, None
    return rule.get("is", True), rule.get("mostly"), rule.get("max"), rule.get("where")


def _words(rule: Any) -> str:
    value, *how = _stated(rule)
    # as both files write it: true, [0, null]
    said = show(value) if isinstance(value, str) else line(json.dumps(value, ensure_ascii=False, default=str))
    with_ = ", ".join(
        f"{key} {line(str(held))}"
        for key, held in zip(("mostly", "max", "where"), how, strict=True)
        if held is not None
    )
    return f"{said} ({with_})" if with_ else said
