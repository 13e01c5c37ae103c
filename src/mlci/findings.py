"""Findings: what a reader should know, where it stands, and the cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mlci.errors import ExitCode, MlciError
from mlci.places import Location


class Level(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rows:
    """A few of the rows that a finding speaks of, as text; only what the privacy policy lets through."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    values: bool = False
    """They show more than keys; such rows go into no comment of a pull request."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader should know: what is and what was expected; ``hint`` is the cure."""

    level: Level
    message: str
    at: Location | None = None
    hint: str = ""
    query: str = ""
    """SQL that shows the rows meant."""
    rows: Rows | None = None


class InvalidFile(MlciError):
    """A file of the repository is not what it should be; ``findings`` is never empty, worst first."""

    exit_code = ExitCode.INVALID
    code = "invalid"

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = findings[0]
        super().__init__(first.message, hint=first.hint, at=first.at)
        self.findings = tuple(findings)


def findings_of(error: MlciError, path: str) -> tuple[Finding, ...]:
    """What an error says, as findings that each have a place; ``path`` where the error has none."""
    if isinstance(error, InvalidFile):
        return error.findings
    return (Finding(Level.ERROR, error.message, error.at or Location(path), error.hint),)


def at_level(finding: Finding, level: Level) -> Finding:
    """The same finding, weighing ``level``."""
    return replace(finding, level=level)
