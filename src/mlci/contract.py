"""A data contract that another format wrote, in the words of a manifest: plain data, and where each word stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlci.places import Location
from mlci.reader import Pointer
from mlci.specs import Unchecked


@dataclass(frozen=True, slots=True)
class Contract:
    """What a contract says of one table. Nothing that it says is looser here than there."""

    format: str
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Names of columns -> their rules, as under a dataset's ``columns:``."""
    checks: list[dict[str, Any]] = field(default_factory=list)
    """Checks as under a dataset's ``checks:``; those of a kind that occurs more than once have an ``id``."""
    key: tuple[str, ...] = ()
    places: dict[Pointer, Location] = field(default_factory=dict)
    """``("columns", name)``, ``("columns", name, rule)``, ``("checks", index)``, ``("key",)`` -> where it says so."""
    unchecked: list[Unchecked] = field(default_factory=list)
    """In the order of the file. To be reported as skipped, never as passed."""
