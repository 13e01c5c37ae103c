"""What a data contract says is checked, and what it says and mlci cannot check is told.

What: The rules of the contract (Open Data Contract Standard 3.0 to 3.2, Frictionless Table Schema) are read together
with the dataset's own; the checks `columns` and those it asks for hold the data against them. This check lists what
the contract says beyond that, each with its reason: as long as there is any, it is skipped, not passed. A dataset with
`contract:` has this check without asking for it.

Why: A contract that is only half enforced, and looks enforced, is worse than none.

Example:
    datasets:
      train:
        path: data/train.parquet
        contract: data/loans.odcs.yaml

Fix: Say the rule in a form that can be checked (`mlci explain columns`, a `sql` check), or leave it out of the
contract.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import schema
from mlci.case import Case, Skip, note
from mlci.findings import Finding

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options()


def check(case: Case) -> Iterator[Finding]:
    dataset = case.dataset
    if dataset.contract is None:
        raise Skip("the dataset has no contract")
    for unchecked in dataset.unchecked:
        yield note(f"{unchecked.what} is not checked: {unchecked.reason}", unchecked.at)
    if dataset.unchecked:
        rules = "rule" if len(dataset.unchecked) == 1 else "rules"
        raise Skip(f"{len(dataset.unchecked)} {rules} of the contract cannot be checked")
