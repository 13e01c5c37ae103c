"""The specs that the rest of mlci works with: a model, its datasets and checks, the repository's configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlci.document import Document
from mlci.findings import Level
from mlci.places import Location
from mlci.reader import Pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """One check as a manifest or a policy asks for it."""

    check: str
    id: str
    options: Mapping[str, Any] = field(default_factory=dict)
    severity: Level = Level.ERROR
    dataset: str | None = None
    """The dataset that holds the check, for a check of scope ``data``."""
    pointer: Pointer | None = None
    """Where its options stand in the manifest; None when a policy or a default asks for it."""
    place: Location | None = None
    """Where a contract asks for it; None when no contract does."""
    required: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A named table of a model. Paths are as written: relative to the manifest's folder."""

    name: str
    path: str = ""
    """Its file, or a glob of files; empty for a table of a connection."""
    target: str | None = None
    key: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Rules by column, as written: a rule is its value, or ``{is:, mostly:, max:, where:, severity:, why:}``."""
    columns_pointer: Pointer = ()
    places: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict)
    """Where what does not stand in the manifest stands in the contract, by ``(column,)`` and ``(column, rule)``."""
    checks: tuple[CheckSpec, ...] = ()
    contract: str | None = None
    unchecked: tuple[Unchecked, ...] = ()
    like: str | None = None
    without: tuple[str, ...] = ()
    """The columns of the dataset it is like that it does not have."""
    hidden: frozenset[str] = frozenset()
    """Those of them that are sensitive there: where one is here all the same, it is not shown either."""
    profile: str = ""
    """The file of its committed profile."""
    table: str | None = None
    connection: str | None = None
    """The address of the database that holds it; ``env:NAME`` for one that an environment variable holds."""
    csv: Mapping[str, Any] = field(default_factory=dict)
    scan: tuple[int, int] | None = None
    """Rows and seed of the sample that is looked at in place of every row."""

    @property
    def sensitive(self) -> frozenset[str]:
        """The columns whose values are never shown or stored."""
        return self.hidden | {name for name, rules in self.columns.items() if rules.get("sensitive")}


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that a contract says and mlci cannot check."""

    what: str
    reason: str
    at: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the outputs of a model mean; None is "find out"."""

    prediction: str | None = None
    probabilities: str | None = None
    classes: tuple[Any, ...] | None = None
    positive: Any = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model as its manifest describes it."""

    name: str
    document: Document
    folder: str
    """Folder of the manifest from the repository's root, ``""`` for the root itself."""
    artifact: str
    runtime: str = "auto"
    python: str | None = None
    task: str | None = None
    output: Output = Output()
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    checks: tuple[CheckSpec, ...] = ()
    needs: tuple[str, ...] = ()

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        return self.document.at(*pointer, key=key)

    def path(self, written: str) -> str:
        """A path of the manifest, from the repository's root."""
        return join(self.folder, written)

    def checks_of(self, *, data: bool) -> Iterator[CheckSpec]:
        if data:
            for dataset in self.datasets.values():
                yield from dataset.checks
        else:
            yield from self.checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``mlci.yaml`` says; the defaults hold where there is none."""

    models: tuple[str, ...] = ("models/*",)
    require: tuple[str, ...] = ()
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)
    """``samples`` and ``rows``, as written."""


def join(folder: str, written: str) -> str:
    """``written`` as seen from ``folder``, both with forward slashes, normalised. The root is ``""``."""
    parts: list[str] = []
    for part in (*folder.split("/"), *written.split("/")):
        if part == "..":
            if not parts:
                return written  # leaves the repository; whoever opens it refuses it by name
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
