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
    required: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A named table of a model. ``path`` is as written: relative to the manifest's folder."""

    name: str
    path: str
    target: str | None = None
    key: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    columns_pointer: Pointer = ()
    checks: tuple[CheckSpec, ...] = ()


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
