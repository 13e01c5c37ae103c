"""Findings: what a reader should know, where it stands, and the cure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mlci.errors import InvalidFile, MlciError


class Level(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; ``line`` and ``column`` count from 1, None is the whole file."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader should know: what is and what was expected; ``hint`` is the cure."""

    level: Level
    message: str
    at: Location | None = None
    hint: str = ""


def findings_of(error: MlciError, path: str) -> tuple[Finding, ...]:
    """What an error says, as findings that each have a place; ``path`` where the error has none."""
    if isinstance(error, InvalidFile):
        return error.findings
    return (Finding(Level.ERROR, error.message, error.at or Location(path), error.hint),)


def at_level(finding: Finding, level: Level) -> Finding:
    """The same finding, weighing ``level``."""
    return replace(finding, level=level)
